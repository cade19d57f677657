// Package program asks a real OpenSMTPD what it does with addresses. Only a running smtpd
// answers, so one is started on loopback, with a configuration and a queue of its own. The
// places of its socket and its queue are built into smtpd; it runs in a mount namespace of
// its own, so that it answers beside a mail server that runs, and need not be installed.
// Mail for other servers goes to a receiver that throws it away.
//
//	s, err := program.Start(ctx, program.Options{Root: "/opt/opensmtpd", …})
//	defer s.Close()
//	outcomes, err := s.Outcomes(ctx, []string{"info@a.example"})
package program

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
)

// Options are what an OpenSMTPD is asked over.
type Options struct {
	Root   string // the folder below which OpenSMTPD is unpacked; empty: it is installed
	Folder string // a new folder, which every user may enter
	Tables string // the folder of the files of a build
	Dir    string // the folder that virtmap.conf names
	Host   string // the server's own name

	// Config is the text of an smtpd.conf that already includes virtmap.conf. nil: that of
	// the package is used, with virtmap.conf before its first match line.
	Config []byte
	// Aliases is the text of the server's own alias file.
	Aliases string
	// Accounts are the users, with an account each in the namespace.
	Accounts []string
	// Users are those who may log in, at a listener of their own with the table of senders.
	// None: there is no such listener.
	Users []string
	// Deliver says that mail is delivered as virtmap.conf says. Otherwise it is thrown away.
	Deliver bool

	Ours    func(domain string) bool // reports whether the server takes mail for a domain
	Mailbox func(user string) string // returns the path of the mailbox of a user elsewhere
}

// A Server is an OpenSMTPD that runs.
type Server struct {
	Options
	cmd        *exec.Cmd
	address    string // of its listener
	exited     chan struct{}
	submission string // of the listener at which users log in
	stop       context.CancelFunc
	caught     chan error
}

// startsWithin is how long smtpd may take until it listens.
const startsWithin = 20 * time.Second

// Start writes the configuration and starts smtpd.
func Start(ctx context.Context, o Options) (*Server, error) {
	s := &Server{Options: o, exited: make(chan struct{})}
	ctx, s.stop = context.WithCancel(ctx)
	catcher, err := s.catch(ctx)
	if err == nil {
		s.address, err = freeAddress()
	}
	if err == nil && len(s.Users) > 0 {
		s.submission, err = freeAddress()
	}
	if err == nil {
		err = s.write(catcher)
	}
	if err == nil {
		err = s.run(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// catch starts the receiver of mail for other servers, and returns its address.
func (s *Server) catch(ctx context.Context) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	receiver := smtpd.New(smtpd.Config{Host: "elsewhere.invalid", Router: takesAll{}, Store: takesAll{}})
	s.caught = make(chan error, 1)
	go func() { s.caught <- receiver.Serve(ctx, listener) }()
	return listener.Addr().String(), nil
}

// takesAll takes every message, and stores none.
type takesAll struct{}

func (takesAll) Route(recipient string) smtpd.Answer {
	return smtpd.Answer{Taken: true, Mailboxes: []string{recipient}}
}
func (takesAll) Deliver(smtpd.Message) error { return nil }

// freeAddress returns an address on loopback on which nothing listens.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (s *Server) path(name string) string { return filepath.Join(s.Folder, name) }

// run starts smtpd, and waits until it listens.
func (s *Server) run(ctx context.Context) error {
	log, err := os.Create(s.path("log"))
	if err != nil {
		return err
	}
	defer log.Close()
	// The process is the first of a process namespace, which ends with it.
	s.cmd = exec.CommandContext(ctx, "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
		"/bin/sh", "-c", namespace, "sh", s.Root, s.Folder, s.Host)
	s.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = "/", log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is in the log
		close(s.exited)
	}()
	for began := time.Now(); time.Since(began) < startsWithin; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", s.address); err == nil {
			return c.Close()
		}
		select {
		case <-s.exited:
			return fmt.Errorf("smtpd did not start: %s", s.lastLines())
		default:
		}
	}
	return fmt.Errorf("smtpd does not listen after %s: %s", startsWithin, s.lastLines())
}

// lastLines returns the end of the log.
func (s *Server) lastLines() string {
	text, _ := os.ReadFile(s.path("log"))
	return string(text[max(0, len(text)-2000):])
}

// Close ends smtpd.
func (s *Server) Close() error {
	s.stop()
	if s.cmd != nil && s.cmd.Process != nil {
		<-s.exited
	}
	if s.caught != nil {
		return <-s.caught
	}
	return nil
}

// Outcomes returns the outcome of mail from a stranger to each address. A message is sent
// to each that is taken.
func (s *Server) Outcomes(ctx context.Context, addrs []string) ([]outcome.Outcome, error) {
	for _, addr := range addrs {
		if strings.ContainsAny(addr, "\r\n\x00") {
			return nil, fmt.Errorf("the address %q has a control character", addr)
		}
	}
	all, messages, err := s.send(addrs, true)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, s.lastLines())
	}
	ends, err := s.delivered(ctx, messages)
	for i, message := range messages {
		if message != "" {
			all[i].Recipients = ends[message]
		}
	}
	return all, err
}
