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

// A session is one connection with a client.
type session struct {
	config *Config
	client string // address of the client
	conn   net.Conn
	wire   *wire
	in     *bufio.Reader
	out    *bufio.Writer

	helo    string // the name that the client gave
	ehlo    bool   // the client said EHLO or LHLO
	secure  bool   // TLS is on
	user    string // who has logged in; empty: nobody
	mail    bool   // MAIL was accepted
	refused bool   // a RCPT of this transaction was refused
	message Message
	body    []byte // memory for the next message
	linger  bool   // the client may still send when the session ends, see drain
}

// A wire is a connection on which every read and write has a deadline.
type wire struct {
	net.Conn
	each time.Duration // the time for one read or write
	end  time.Time     // the latest end of the session

	mu      sync.Mutex    // guards over; Read and Write set their deadlines under mu
	over    bool          // the server shuts down
	stopped chan struct{} // closed when the server shuts down
}

// Read sets a new deadline for each read: at the latest the end of the session. When
// the server shuts down, Read fails at once.
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

// Write sets a new deadline for each write, because the deadline of an earlier write
// may have passed. When the server shuts down, the time is short: a client that does not
// read must not delay the server.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	timeout := w.each
	if w.over {
		timeout = farewellTime
	}
	err := w.SetWriteDeadline(time.Now().Add(timeout))
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

// interrupt ends the session when the server shuts down: a read fails at once, and a
// write fails after farewellTime.
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

// refuse sends a line as the only reply of a session.
func (s *session) refuse(line string) {
	s.wire.each = farewellTime
	s.reply(line)
	_ = s.out.Flush()
}

var (
	errQuit    = errors.New("the session is over")
	errDropped = errors.New("the session is dropped by a fault rule")
)

// run reads commands and sends replies until the session ends.
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

// farewell ends the output of a session: at a shutdown or a timeout it writes a last
// reply, and in every case it flushes the buffer.
func (s *session) farewell(err error) {
	switch {
	case s.wire.isOver():
		s.reply("421 4.3.2 " + s.config.Host + " is shutting down")
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.reply("421 4.4.2 " + s.config.Host + " waited too long")
	}
	_ = s.out.Flush()
}

// drain reads and discards what the client still sends, for a short time. To close a
// connection with unread bytes is to reset the connection, and then the client might
// not get the last reply.
func (s *session) drain() {
	if c, ok := s.wire.Conn.(*net.TCPConn); ok && !s.secure {
		_ = c.CloseWrite()
	}
	_ = s.wire.SetReadDeadline(time.Now().Add(farewellTime))
	_, _ = io.CopyN(io.Discard, s.wire.Conn, maxKept)
}

// reply writes a reply to the buffer. The buffer is flushed before the next read
// from the client.
func (s *session) reply(line string) {
	if strings.ContainsAny(line, "\r\n") {
		line = strings.NewReplacer("\r", " ", "\n", " ").Replace(line) // a text from a table may have line ends
	}
	s.note("S: ", line)
	_, _ = s.out.WriteString(line)
	_, _ = s.out.WriteString("\r\n")
}

// note adds a line to the transcript.
func (s *session) note(who, line string) {
	if s.config.Transcript != nil {
		s.config.Transcript(s.client, who+line)
	}
}

// Read reads from the client. It flushes the replies first, so that the replies to
// pipelined commands are sent together (RFC 2920).
func (s *session) Read(p []byte) (int, error) {
	if err := s.out.Flush(); err != nil {
		return 0, err
	}
	// Other sessions run first. If the client sends its next command meanwhile, this
	// session need not wait for input. Such a wait costs more than all other work for
	// a command.
	runtime.Gosched()
	return s.conn.Read(p)
}

var (
	errLongLine = errors.New("500 5.5.2 Line too long")
	errBareLF   = errors.New("500 5.5.2 A line ends in CRLF")
)

// lineProblem returns the reply to a malformed line. For any other error it returns an
// empty text.
func lineProblem(err error) string {
	if errors.Is(err, errLongLine) || errors.Is(err, errBareLF) {
		return err.Error()
	}
	return ""
}

// readLine reads a command and returns it without its CRLF.
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

// readLong reads a line that is longer than the buffer to its end. piece is the first
// part of the line. Once the line is known to be too long, readLong keeps no more of it.
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

// reset ends the mail transaction.
func (s *session) reset() {
	s.mail, s.refused, s.message = false, false, Message{}
}

// startTLS begins TLS. It discards everything that has arrived after the command
// STARTTLS and before the reply.
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
	s.conn, s.secure, s.helo, s.ehlo, s.user = secure, true, "", false, ""
	s.out = bufio.NewWriter(secure)
	s.reset()
	return nil
}
