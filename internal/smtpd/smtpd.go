// Package smtpd is an SMTP receiver (RFC 5321) whose job is exactness: it
// takes a recipient as a client sends it, hands it to a Router, and answers
// what the Router says. It knows no tables.
//
// It speaks EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP, QUIT, VRFY, HELP and
// STARTTLS, with PIPELINING, SIZE, 8BITMIME, SMTPUTF8 and ENHANCEDSTATUSCODES,
// or LMTP (RFC 2033). A quoted local part reaches the Router verbatim; a
// source route is dropped. Only CRLF.CRLF ends a message; one with a bare CR
// or LF is read to its end, refused with 550 5.5.2 and never stored, and no
// byte of it is taken for a command.
package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// A Router says what becomes of a recipient: the address between the angle
// brackets, without a source route.
type Router interface {
	Route(recipient string) Answer
}

// A Answer is the answer to RCPT.
type Answer struct {
	Taken     bool
	Mailboxes []string // where a recipient that is taken ends

	Code         int // of a refusal
	Status, Text string
}

// A Store keeps messages. Deliver is called by many sessions at once; the body
// is the message's only until it returns. An error is answered 451 4.3.0.
type Store interface {
	Deliver(m Message) error
}

// A Message is what was accepted.
type Message struct {
	Client     string // address of the client
	Helo, From string
	Recipients []Recipient
	Body       []byte // dots unstuffed, lines end in CRLF
	UTF8       bool   // SMTPUTF8
	TLS        bool
}

// A Recipient is an accepted RCPT and where it ends.
type Recipient struct {
	Address   string
	Mailboxes []string
}

// A Config is what a Server needs; zero values take the defaults.
type Config struct {
	Host   string // in the greeting
	Router Router
	Store  Store

	TLS  *tls.Config // nil: no STARTTLS
	LMTP bool

	MaxSize        int           // bytes of a message, default 10 MiB
	MaxRecipients  int           // of a message, default 1000
	MaxLine        int           // bytes of a command line with its CRLF, default 4096
	MaxConns       int           // default 100
	ReadTimeout    time.Duration // for each read, default 5 minutes
	SessionTimeout time.Duration // for a whole session, default 1 hour

	Failures []*Failure // failures on demand, in order

	// Transcript is called with what was said, a line at a time, without
	// the bodies; nil: nobody listens.
	Transcript func(client, line string)
}

// A Server answers on listeners.
type Server struct {
	config Config

	mu       sync.Mutex
	sessions map[*session]bool
	closing  bool
	running  sync.WaitGroup
}

// New makes a Server.
func New(c Config) *Server {
	if c.MaxSize == 0 {
		c.MaxSize = 10 << 20
	}
	if c.MaxRecipients == 0 {
		c.MaxRecipients = 1000
	}
	if c.MaxLine == 0 {
		c.MaxLine = 4096
	}
	if c.MaxConns == 0 {
		c.MaxConns = 100
	}
	if c.ReadTimeout == 0 {
		c.ReadTimeout = 5 * time.Minute
	}
	if c.SessionTimeout == 0 {
		c.SessionTimeout = time.Hour
	}
	return &Server{config: c, sessions: map[*session]bool{}}
}

// Serve answers on a listener until the context ends; then it says 421 to
// every session, waits for them and returns nil.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() {
		_ = l.Close()
		s.shutdown()
	})
	defer stop()
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			s.start(conn)
			continue
		case ctx.Err() != nil, errors.Is(err, net.ErrClosed):
			s.running.Wait()
			return nil
		}
		if temporary(err) {
			time.Sleep(10 * time.Millisecond) // out of descriptors: sessions must end first
			continue
		}
		return err
	}
}

func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// start runs a session, or refuses it where there are too many.
func (s *Server) start(conn net.Conn) {
	se := newSession(s, conn)
	s.mu.Lock()
	busy := len(s.sessions) >= s.config.MaxConns
	closing := s.closing
	if !busy && !closing {
		s.sessions[se] = true
	}
	s.running.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.running.Done()
		defer func() { _ = se.conn.Close() }() // TLS says that it ends
		switch {
		case closing:
			se.refuse("421 4.3.2 " + s.config.Host + " is shutting down")
		case busy:
			se.refuse("421 4.3.2 " + s.config.Host + " has too many connections")
		default:
			se.run()
			s.mu.Lock()
			delete(s.sessions, se)
			s.mu.Unlock()
		}
	}()
}

// shutdown ends the reading of every session.
func (s *Server) shutdown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for se := range s.sessions {
		se.interrupt()
	}
}
