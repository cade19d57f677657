package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"virtmap/internal/fileset"
	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
	"virtmap/internal/webmail"
)

// A window shows the messages of `receive` over HTTP.
type window struct {
	box       *webmail.Box
	listeners []net.Listener
	stop      func()
	done      chan error
}

// bindHTTP listens on the address of --http. Without one there is no window.
func (a *receiveArgs) bindHTTP() (*window, error) {
	if a.http == "" {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(a.http)
	if err != nil {
		return nil, usage(fmt.Errorf("--http %q: write ADDRESS:PORT, such as 127.0.0.1:8025", a.http))
	}
	ip, err := netip.ParseAddr(host)
	local := strings.EqualFold(host, "localhost")
	if !local && (err != nil || !ip.IsLoopback()) {
		return nil, exit(exitRefused, fmt.Errorf("--http %s can be reached by other machines, and the messages have no access control; "+
			"write --http 127.0.0.1:%s, and from another machine use: ssh -L %s:127.0.0.1:%s THIS-MACHINE", a.http, port, port, port))
	}
	if local {
		host = "127.0.0.1"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, machineExit(err, exitIO)
	}
	w := &window{listeners: []net.Listener{listener}}
	if local { // a client may take localhost for ::1; not every machine has it
		_, port, _ = net.SplitHostPort(listener.Addr().String())
		if second, err := net.Listen("tcp", net.JoinHostPort("::1", port)); err == nil {
			w.listeners = append(w.listeners, second)
		}
	}
	return w, nil
}

// open begins to answer. It has the receiver keep the messages of the configuration.
func (w *window) open(ctx context.Context, config *smtpd.Config, policy *receiver, live *fileset.Live) {
	if w == nil {
		return
	}
	w.box = webmail.NewBox(func(address string) ([]outcome.Step, error) {
		_, steps, err := live.Trace(address)
		return steps, err
	})
	policy.box = w.box
	config.Refused, config.Ended = w.box.Refused, w.box.Ended
	printed := config.Transcript
	config.Transcript = func(client, line string) {
		if printed != nil {
			printed(client, line)
		}
		w.box.Line(client, line)
	}
	ctx, w.stop = context.WithCancel(ctx)
	w.done = make(chan error, 1)
	go func() { w.done <- webmail.New(w.box, version()).SendTo(policy).Serve(ctx, w.listeners...) }()
}

// url returns the address of the page.
func (w *window) url() string { return "http://" + w.listeners[0].Addr().String() + "/" }

// close ends the server, or only the listeners if there is no server yet.
func (w *window) close() (err error) {
	if w == nil {
		return nil
	}
	if w.stop != nil {
		w.stop()
		if err = <-w.done; err != nil {
			err = exit(exitIO, err)
		}
	}
	for _, l := range w.listeners {
		if problem := l.Close(); !errors.Is(problem, net.ErrClosed) {
			err = errors.Join(err, problem)
		}
	}
	return err
}
