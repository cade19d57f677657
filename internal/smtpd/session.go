package smtpd

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// A session is one connection.
type session struct {
	config *Config
	client string // its address
	conn   net.Conn
	wire   *wire
	in     *bufio.Reader
	out    *bufio.Writer

	helo    string
	ehlo    bool
	secure  bool
	mail    bool // there was a MAIL
	refused bool // a RCPT of this transaction was refused
	message Message
	body    []byte // the memory of the last message, to be used again
	linger  bool   // the client may be sending still when it is told of the end
}

// A wire is a connection whose every read has a deadline.
type wire struct {
	net.Conn
	each time.Duration
	end  time.Time

	mu      sync.Mutex
	over    bool          // the server shuts down
	stopped chan struct{} // closed then
}

func (w *wire) Read(p []byte) (int, error) {
	w.mu.Lock()
	deadline := time.Now().Add(w.each)
	if w.end.Before(deadline) {
		deadline = w.end
	}
	if w.over {
		deadline = time.Unix(1, 0)
	}
	err := w.SetReadDeadline(deadline)
	w.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return w.Conn.Read(p)
}

// Write has a deadline of its own too: what is flushed when a buffer is full
// must not run under that of an earlier reply. A server that shuts down waits
// for nobody.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	patience := w.each
	if w.over {
		patience = farewellTime
	}
	err := w.SetWriteDeadline(time.Now().Add(patience))
	w.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return w.Conn.Write(p)
}

// farewellTime is how long the last reply of a session may take.
const farewellTime = 2 * time.Second

func (w *wire) isOver() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over
}

func newSession(s *Server, conn net.Conn) *session {
	w := &wire{Conn: conn, each: s.config.ReadTimeout, end: time.Now().Add(s.config.SessionTimeout), stopped: make(chan struct{})}
	se := &session{config: &s.config, client: conn.RemoteAddr().String(), conn: w, wire: w, out: bufio.NewWriter(w)}
	se.in = bufio.NewReader(se)
	return se
}

// interrupt ends the wait for the client.
func (s *session) interrupt() {
	s.wire.mu.Lock()
	defer s.wire.mu.Unlock()
	if !s.wire.over {
		s.wire.over = true
		close(s.wire.stopped)
	}
	_ = s.wire.SetReadDeadline(time.Unix(1, 0))
	_ = s.wire.SetWriteDeadline(time.Now().Add(farewellTime))
}

func (s *session) refuse(line string) {
	s.wire.each = farewellTime
	s.reply(line)
	_ = s.out.Flush()
}

var (
	errQuit    = errors.New("the session is over")
	errDropped = errors.New("the session is dropped by a fault rule")
)

// run speaks with the client until one of the two has enough.
func (s *session) run() {
	protocol := " ESMTP"
	if s.config.LMTP {
		protocol = " LMTP"
	}
	s.reply("220 " + s.config.Host + protocol + " virtmap")
	for {
		line, err := s.readLine()
		if err == nil {
			err = s.command(line)
		} else if problem := lineProblem(err); problem != "" {
			s.reply(problem)
			err = nil
		}
		if err != nil {
			s.farewell(err)
			if s.linger {
				s.drain()
			}
			return
		}
	}
}

// farewell says why the server ends a session, where the client does not
// know.
func (s *session) farewell(err error) {
	switch {
	case s.wire.isOver():
		s.reply("421 4.3.2 " + s.config.Host + " is shutting down")
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.reply("421 4.4.2 " + s.config.Host + " waited too long")
	}
	_ = s.out.Flush()
}

// drain takes what the client is sending still, for a while: closing on it
// would reset the connection, and the client might never read the last reply.
func (s *session) drain() {
	if c, ok := s.wire.Conn.(*net.TCPConn); ok && !s.secure {
		_ = c.CloseWrite()
	}
	_ = s.wire.SetReadDeadline(time.Now().Add(farewellTime))
	_, _ = io.CopyN(io.Discard, s.wire.Conn, maxKept)
}

// reply puts a line out; it leaves when the client's input has run dry.
func (s *session) reply(line string) {
	if strings.ContainsAny(line, "\r\n") {
		line = strings.NewReplacer("\r", " ", "\n", " ").Replace(line) // a text of a table
	}
	s.note("S: ", line)
	_, _ = s.out.WriteString(line)
	_, _ = s.out.WriteString("\r\n")
}

func (s *session) note(who, line string) {
	if s.config.Transcript != nil {
		s.config.Transcript(s.client, who+line)
	}
}

// Read waits for input. What was answered leaves first, so that the answers
// to a pipelined group leave together (RFC 2920).
func (s *session) Read(p []byte) (int, error) {
	if err := s.out.Flush(); err != nil {
		return 0, err
	}
	// Other sessions first: meanwhile the client may answer, and a wait for it
	// costs more than all the rest of a command.
	runtime.Gosched()
	return s.conn.Read(p)
}

var (
	errLongLine = errors.New("500 5.5.2 Line too long")
	errBareLF   = errors.New("500 5.5.2 A line ends in CRLF")
)

func lineProblem(err error) string {
	if errors.Is(err, errLongLine) || errors.Is(err, errBareLF) {
		return err.Error()
	}
	return ""
}

// readLine reads a command, without its CRLF.
func (s *session) readLine() (string, error) {
	line, err := s.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = s.readLong(line)
	}
	switch {
	case err != nil:
		return "", err
	case len(line) > s.config.MaxLine:
		return "", errLongLine
	}
	text, whole := strings.CutSuffix(string(line), "\r\n")
	if !whole {
		return "", errBareLF
	}
	s.note("C: ", text)
	return text, nil
}

// readLong reads the rest of a line that is longer than the buffer. Of one
// that is too long no more is kept than shows it.
func (s *session) readLong(piece []byte) ([]byte, error) {
	line := slices.Clone(piece)
	for {
		piece, err := s.in.ReadSlice('\n')
		if len(line) <= s.config.MaxLine {
			line = append(line, piece...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func (s *session) reset() {
	s.mail, s.refused, s.message = false, false, Message{}
}

// startTLS begins TLS. What the client sent before is thrown away.
func (s *session) startTLS() error {
	s.reply("220 2.0.0 Ready to start TLS")
	if _, err := s.in.Discard(s.in.Buffered()); err != nil {
		return err
	}
	if err := s.out.Flush(); err != nil {
		return err
	}
	secure := tls.Server(s.wire, s.config.TLS)
	if err := secure.Handshake(); err != nil {
		return errors.Join(errQuit, err)
	}
	s.conn, s.secure, s.helo, s.ehlo = secure, true, "", false
	s.out = bufio.NewWriter(secure)
	s.reset()
	return nil
}
