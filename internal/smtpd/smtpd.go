// Package smtpd is an SMTP receiver (RFC 5321). It passes each recipient to a
// Router and each message to a Store, and replies with their answers. The
// package has no tables of addresses.
//
// The commands are EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP, QUIT, VRFY, HELP
// and STARTTLS, with the extensions PIPELINING, SIZE, 8BITMIME, SMTPUTF8 and
// ENHANCEDSTATUSCODES. With Config.LMTP the protocol is LMTP (RFC 2033). With
// Config.Senders there is AUTH (RFC 4954), for tests: every password is right.
//
//	> RCPT TO:<info@example.org>
//	< 250 2.1.5 <info@example.org>... Recipient ok
//	> RCPT TO:<fake@example.org>
//	< 550 5.1.1 <fake@example.org>... User unknown
//
// The Router may give the words of another server instead:
//
//	< 550 5.1.1 <fake@example.org>: Recipient address rejected: User unknown
//
// A recipient reaches the Router as the client sent it, with the quotes of a
// quoted local part and without a source route. Only CRLF.CRLF ends a message. A
// message with a bare CR or LF is read to its end and refused with 550 5.5.2.
// Nothing of it is stored, and no byte of it is read as a command.
//
// With failure rules (see Failure) the receiver fails on demand, to test how a
// client copes.
package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// A Router decides what becomes of a recipient. The recipient is the address
// between the angle brackets, without a source route.
type Router interface {
	Route(recipient string) Answer
}

// An Answer is the answer to RCPT.
type Answer struct {
	Taken     bool     // the recipient is accepted
	Mailboxes []string // where its mail goes

	Code         int // the reply to a recipient that is refused
	Status, Text string

	// Reply is the whole reply, with its code; empty: the receiver chooses the words.
	Reply string
}

// A Store keeps messages. Many sessions call Deliver at the same time. Deliver
// must not keep the body after it returns. The reply to an error is 451 4.3.0.
type Store interface {
	Deliver(m Message) error
}

// A Message is an accepted message with its envelope.
type Message struct {
	Client     string // address of the client
	Helo, From string
	Recipients []Recipient
	Body       []byte // without dot stuffing; lines end in CRLF
	UTF8       bool   // MAIL had SMTPUTF8
	TLS        bool   // it came over TLS

	// Refused are the recipients that got a refusal in the same transaction: the first
	// MaxRecipients of them.
	Refused []Refusal
}

// A Refusal is a recipient that was refused, with the whole reply.
type Refusal struct{ Address, Reply string }

// A Recipient is an accepted recipient and the mailboxes for its mail.
type Recipient struct {
	Address   string
	Mailboxes []string
}

// A Config has the settings of a Server. A zero value stands for the default.
type Config struct {
	Host   string // the name in the greeting
	Router Router
	Store  Store

	Senders Senders // nil: no AUTH

	TLS  *tls.Config // nil: no STARTTLS
	LMTP bool

	MaxSize        int           // bytes of a message, default 10 MiB
	MaxRecipients  int           // of a message, default 1000
	MaxLine        int           // bytes of a command line with its CRLF, default 4096
	MaxConns       int           // connections at the same time, default 100
	ReadTimeout    time.Duration // for each read, default 5 minutes
	SessionTimeout time.Duration // for a whole session, default 1 hour

	Failures []*Failure // failure rules, applied in order

	// Transcript is called with each line of the commands and replies, and
	// not with the messages. May be nil.
	Transcript func(client, line string)

	// Refused is called for each recipient that is refused, also when no message follows.
	// The message has the envelope so far. May be nil.
	Refused func(m Message, refused Refusal)

	// Ended is called when a session has ended, after its last line. May be nil.
	Ended func(client string)
}

// A Server runs sessions with clients.
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

// Serve accepts connections until the context ends. Then it replies 421 in every
// session, waits until all sessions have ended, and returns nil.
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
			time.Sleep(10 * time.Millisecond) // no descriptor is free until a session ends
			continue
		}
		return err
	}
}

// temporary reports whether Accept may succeed later.
func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// start runs a session, or refuses it when there are too many.
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
		defer func() { _ = se.conn.Close() }() // se.conn: TLS sends the client its end
		if s.config.Ended != nil {
			defer s.config.Ended(se.client)
		}
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

// shutdown interrupts all sessions, and makes start refuse new ones.
func (s *Server) shutdown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for se := range s.sessions {
		se.interrupt()
	}
}
