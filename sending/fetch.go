package sending

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Limits of a policy that is fetched (RFC 8461 3.3).
const (
	maxPolicy     = 64 << 10 // bytes
	policyTimeout = 10 * time.Second
)

// A Fetcher fetches MTA-STS policies over HTTPS, from the addresses that the resolver of
// this machine gives. The zero value is ready.
type Fetcher struct {
	// Transport makes the connections. It must verify certificates. The default is that of
	// net/http.
	Transport http.RoundTripper
}

// Policy returns the text of the MTA-STS policy of a domain. It follows no redirect (RFC
// 8461 3.3), waits 10 seconds, and reads no more than 64 KiB.
func (f *Fetcher) Policy(ctx context.Context, domain string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, policyTimeout)
	defer cancel()
	url := "https://mta-sts." + domain + "/.well-known/mta-sts.txt"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: f.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
			return "", fmt.Errorf("%s does not answer within %s", url, policyTimeout)
		}
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s, and only 200 counts", url, response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxPolicy+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", url, err)
	case len(text) > maxPolicy:
		return "", fmt.Errorf("%s has more than %d KiB", url, maxPolicy>>10)
	}
	return string(text), nil
}
