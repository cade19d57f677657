// Package webmail keeps the messages of the receiver and shows them over HTTP: as the
// JSON interface that clients of Mailpit call (its version 1, without what fetches or
// leaves the machine), and as a page.
//
//	box := webmail.NewBox(trace)
//	receiver := smtpd.Config{Store: box, Transcript: box.Line, Refused: box.Refused, Ended: box.Ended}
//	err := webmail.New(box, "1.0").Serve(ctx, listener)
//
// What is virtmap's own is under /api/virtmap/v1/: the recipients that were refused, where
// each recipient ends and by which keys, the SMTP dialogue, and a call that waits for a
// message.
//
// The messages have no access control. Therefore the listener must be on loopback, and the
// server refuses what a page of another site could make a browser ask: another Host than a
// loopback name (DNS rebinding), a foreign or null Origin, and requests of foreign pages.
// It sends no CORS headers, fetches nothing, writes no file, and adds nothing to a message.
package webmail

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// Limits of the server.
const (
	maxBody    = 1 << 20 // bytes of a request's body
	maxConns   = 100     // connections at the same time
	maxWait    = time.Minute
	maxHeaders = 32 << 10 // bytes of a request's header
)

// A Server shows the messages of a Box.
type Server struct {
	box      *Box
	version  string
	receiver Receiver // of what is sent; nil: nothing is
	started  time.Time
	handler  http.Handler
}

// New makes a Server. version is what the interface says about the program.
func New(box *Box, version string) *Server {
	s := &Server{box: box, version: version, started: time.Now()}
	mux := http.NewServeMux()
	s.mailpit(mux)
	s.own(mux)
	s.pages(mux)
	s.handler = guarded(zipped(mux))
	return s
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Serve answers until the context ends, on all listeners.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: maxWait + 30*time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeaders, ErrorLog: log.New(io.Discard, "", 0)}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // requests that wait end too
	defer stop()
	done := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { done <- server.Serve(netutil.LimitListener(l, maxConns)) }()
	}
	for range listeners {
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return errors.Join(err, server.Close())
		}
	}
	return nil
}
