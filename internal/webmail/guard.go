package webmail

import (
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"
)

// guarded wraps a handler for all requests alike, whatever their path is. It refuses what a
// foreign page could make a browser ask, limits the body, and sets the headers of every
// reply. A path with two slashes is served as with one.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", policyNothing)
		if problem := foreign(r); problem != "" {
			http.Error(w, problem, http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		r.URL.Path, r.URL.RawPath = path.Clean("/"+r.URL.Path), ""
		if r.Method == http.MethodOptions && strings.HasPrefix(r.URL.Path, "/api/v1/") {
			return // 200, and no CORS header
		}
		next.ServeHTTP(w, r)
	})
}

// The policies of replies.
const (
	policyNothing = "sandbox; default-src 'none'; frame-ancestors 'none'"
	policyPage    = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; " +
		"form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

	// policyPreview is for the HTML of a message in the frame of the page.
	policyPreview = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; form-action 'none'; base-uri 'none'; " +
		"frame-ancestors 'self'"

	// policyView is for the HTML of a message that a client opens as a page, to follow its
	// links.
	policyView = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self' data:; " +
		"style-src 'unsafe-inline'; font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)

// foreign returns why a request is refused, or an empty text.
func foreign(r *http.Request) string {
	if !isLoopback(r.Host) {
		return "the Host of the request is no loopback name; write http://127.0.0.1 or http://localhost"
	}
	for _, origin := range r.Header["Origin"] {
		if !strings.EqualFold(origin, "http://"+r.Host) {
			return "a page of another origin asks"
		}
	}
	for _, site := range r.Header["Sec-Fetch-Site"] {
		if (site == "cross-site" || site == "same-site") && !opensPage(r) {
			return "a page of another site asks"
		}
	}
	return ""
}

// opensPage reports whether a person follows a link to this server.
func opensPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// isLoopback reports whether a Host, with or without a port, names this machine without a
// question to the DNS.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && ip.IsLoopback()
}
