package sending_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"virtmap/mxcheck"
	"virtmap/sending"
)

// certificate makes a certificate that signs itself.
func certificate(t *testing.T, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "mx1.example.net"}, NotAfter: time.Now().Add(time.Hour)}
	data, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// signed is a Resolver whose TLSA records are proved by DNSSEC, or not.
type signed struct {
	mxcheck.Resolver
	proved bool
}

func (s signed) Ask(ctx context.Context, q mxcheck.Question) mxcheck.Answer {
	a := s.Resolver.Ask(ctx, q)
	a.Validated = s.proved
	return a
}

// TestTLSA compares TLSA records with the certificates of the server.
func TestTLSA(t *testing.T) {
	own, issuer, other := certificate(t, 1), certificate(t, 2), certificate(t, 3)
	record := func(usage, selector, matching uint8, c *x509.Certificate) string {
		data, err := dns.CertificateToDANE(selector, matching, c)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d %d %d %s", usage, selector, matching, data)
	}
	sum := sha256.Sum256(own.RawSubjectPublicKeyInfo)
	right := "_25._tcp.mx1.example.net. 3600 TLSA 3 1 1 " + hex.EncodeToString(sum[:])
	for _, c := range []struct {
		name    string
		records []string
		proved  bool
		want    string
	}{
		{"none", nil, false, ""},
		{"the key of the certificate", []string{record(3, 1, 1, own)}, true, ""},
		{"the certificate, with SHA-512", []string{record(3, 0, 2, own)}, true, ""},
		{"the whole key", []string{record(3, 1, 0, own)}, true, ""},
		{"the certificate that signed it", []string{record(2, 1, 1, issuer)}, true, ""},
		{"the next certificate beside the current one", []string{record(3, 1, 1, other), record(3, 1, 1, own)}, true, ""},
		{"an older certificate", []string{record(3, 1, 1, other)}, true, "tlsa-mismatch"},
		{"the certificate that signed it, as the server's own", []string{record(3, 1, 1, issuer)}, true, "tlsa-mismatch"},
		{"a usage that senders do not look at", []string{record(1, 1, 1, own)}, true, "tlsa-mismatch"},
		{"values that are unknown", []string{"3 9 9 00", "3 1 9 00"}, true, "tlsa-mismatch"},
		{"without DNSSEC", []string{record(3, 1, 1, own)}, false, "tlsa-insecure"},
		{"without DNSSEC, an older one", []string{record(3, 1, 1, other)}, false, "tlsa-mismatch tlsa-insecure"},
	} {
		zone := "$ORIGIN .\n$TTL 3600\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\nfakemail.example. MX 10 mx1.example.net.\nfakemail.example. MX 20 mx9.other.example.\n"
		zone += "_25._tcp.mx9.other.example. TLSA 3 1 1 " + strings.Repeat("00", 32) + "\n"
		for _, r := range c.records {
			zone += "_25._tcp.mx1.example.net. TLSA " + r + "\n"
		}
		checker := sending.Checker{
			Resolver: signed{loadZone(t, zone), c.proved}, Live: true,
			Host: sending.Host{Certificates: []*x509.Certificate{own, issuer}, CertificateFile: "/etc/mail/tls/cert.pem"},
		}
		v := checker.Check(context.Background(), sending.Subject{Domain: "fakemail.example", MX: []string{"mx1.example.net"}})
		var got []string
		for _, f := range v.Findings {
			if strings.HasPrefix(string(f.ID), "tlsa-") && !strings.Contains(f.Text, "mx9.other") {
				got = append(got, string(f.ID))
			}
			if f.ID == sending.TLSAMismatch && (len(f.Publish) != 1 || f.Publish[0] != right || !strings.Contains(f.Text, "/etc/mail/tls/cert.pem")) {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestFetch fetches policies from a server that answers as web servers do.
func TestFetch(t *testing.T) {
	const policy = "version: STSv1\nmode: enforce\nmx: mx1.example.net\nmax_age: 86400\n"
	answers := map[string]http.HandlerFunc{
		"mta-sts.good.example":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, policy) },
		"mta-sts.large.example": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 70<<10)) },
		"mta-sts.moved.example": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://mta-sts.good.example/.well-known/mta-sts.txt", http.StatusFound)
		},
		"mta-sts.missing.example":  http.NotFound,
		"mta-sts.changed.example":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Replace(policy, "mx1", "mx2", 1)) },
		"mta-sts.fakemail.example": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, policy) },
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/mta-sts.txt" {
			t.Errorf("the path %s", r.URL.Path)
		}
		answers[r.Host](w, r)
	}))
	defer server.Close()
	fetcher := sending.Fetcher{Transport: toServer{server, server.Client().Transport}}
	for domain, want := range map[string]string{
		"good.example":    "",
		"large.example":   "https://mta-sts.large.example/.well-known/mta-sts.txt has more than 64 KiB",
		"moved.example":   "https://mta-sts.moved.example/.well-known/mta-sts.txt answers 302 Found, and only 200 counts",
		"missing.example": "https://mta-sts.missing.example/.well-known/mta-sts.txt answers 404 Not Found, and only 200 counts",
	} {
		text, err := fetcher.Policy(context.Background(), domain)
		if want == "" && (err != nil || text != policy) || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %q %v", domain, text, err)
		}
	}
	for domain, want := range map[string]string{
		"good.example":    "",
		"changed.example": "mta-sts-mx mta-sts-id",
		"missing.example": "mta-sts-id",
	} {
		zone := "$ORIGIN .\n$TTL 3600\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\n" + domain + ". MX 10 mx1.example.net.\n_mta-sts." + domain + ". TXT \"v=STSv1; id=1\"\n"
		c := sending.Checker{Resolver: loadZone(t, zone), Fetch: fetcher.Policy}
		v := c.Check(context.Background(), sending.Subject{Domain: domain, Policy: policy})
		var got []string
		for _, f := range v.Findings {
			if strings.HasPrefix(string(f.ID), "mta-") {
				got = append(got, string(f.ID))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", domain, describe("", &v), want)
		}
	}
}

// toServer sends all requests to one server.
type toServer struct {
	server *httptest.Server
	inner  http.RoundTripper
}

func (s toServer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host, r.URL.Host = r.URL.Host, strings.TrimPrefix(s.server.URL, "https://")
	return s.inner.RoundTrip(r)
}
