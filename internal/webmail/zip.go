package webmail

import (
	"compress/gzip"
	"net/http"
	"strings"
)

// zipFrom is the number of bytes from which an answer is compressed.
const zipFrom = 1400

// zipped wraps a handler, so that its large texts are compressed for clients that take
// gzip.
func zipped(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		z := &zipWriter{ResponseWriter: w, code: http.StatusOK}
		defer z.close()
		next.ServeHTTP(z, r)
	})
}

// A zipWriter keeps the first bytes of an answer, until it is known whether it is large.
type zipWriter struct {
	http.ResponseWriter
	code  int
	first []byte
	sent  bool         // the header has gone
	zip   *gzip.Writer // nil: not compressed, or not known yet
}

func (z *zipWriter) WriteHeader(code int) { z.code = code }

func (z *zipWriter) Write(p []byte) (int, error) {
	switch {
	case z.zip != nil:
		return z.zip.Write(p)
	case z.sent:
		return z.ResponseWriter.Write(p)
	}
	if z.first = append(z.first, p...); len(z.first) < zipFrom {
		return len(p), nil
	}
	if z.isText() {
		z.Header().Set("Content-Encoding", "gzip")
		z.Header().Del("Content-Length")
		z.zip = gzip.NewWriter(z.ResponseWriter)
	}
	return len(p), z.flush()
}

// isText reports whether the answer has a type that becomes smaller.
func (z *zipWriter) isText() bool {
	kind := z.Header().Get("Content-Type")
	return strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "application/json")
}

// flush sends what was kept.
func (z *zipWriter) flush() (err error) {
	z.sent = true
	z.ResponseWriter.WriteHeader(z.code)
	if z.zip != nil {
		_, err = z.zip.Write(z.first)
	} else if len(z.first) > 0 {
		_, err = z.ResponseWriter.Write(z.first)
	}
	z.first = nil
	return err
}

func (z *zipWriter) close() {
	if !z.sent {
		_ = z.flush() // the client may have gone
	}
	if z.zip != nil {
		_ = z.zip.Close()
	}
}
