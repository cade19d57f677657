package program

import (
	"context"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"virtmap/internal/parallel"
)

// A Reply is what smtpd(8) answers to RCPT.
type Reply struct {
	Code   int    // such as 550
	Status string // enhanced status code, such as 5.1.1; it may be empty
	Text   string // the rest; lines are separated by \n
}

// recipientsAtOnce is the number of RCPT commands that are sent before a reply is read.
// Their replies must fit into the buffers of a connection.
const recipientsAtOnce = 200

// RCPT returns the replies to RCPT for addresses. The client comes from 127.0.0.2, which
// is not in mynetworks. The sender is <>, because no restriction looks up its domain. An
// address with a byte that is not ASCII is asked with SMTPUTF8.
func (p *Instance) RCPT(ctx context.Context, addrs []string) ([]Reply, error) {
	for _, addr := range addrs {
		if strings.ContainsAny(addr, "\r\n\x00") {
			return nil, fmt.Errorf("RCPT: the address %q has a control character", addr)
		}
	}
	replies := make([]Reply, len(addrs))
	err := parallel.Ranges(len(addrs), recipientsAtOnce, func(_, from, to int) error {
		return p.rcptSession(ctx, addrs[from:to], replies[from:to])
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("RCPT: %w\n%s", err, p.lastLines())
	}
	return replies, nil
}

// rcptSession asks for addresses one group after another. After 421 Postfix hangs up.
func (p *Instance) rcptSession(ctx context.Context, addrs []string, replies []Reply) error {
	var s *session
	defer func() { s.close() }()
	for len(addrs) > 0 {
		if s == nil {
			opened, err := p.connect(ctx)
			if err != nil {
				return err
			}
			s = opened
		}
		group := addrs[:min(len(addrs), recipientsAtOnce)]
		n, err := s.rcptGroup(group, replies)
		if err != nil {
			return err
		}
		if replies[n-1].Code == 421 {
			s.close()
			s = nil
		}
		addrs, replies = addrs[n:], replies[n:]
	}
	return nil
}

// rcptGroup asks for addresses in one message, and returns the number of replies.
func (s *session) rcptGroup(addrs []string, replies []Reply) (int, error) {
	if err := s.mail("", slices.ContainsFunc(addrs, notASCII)); err != nil {
		return 0, err
	}
	for _, addr := range addrs {
		if _, err := fmt.Fprintf(s.W, "RCPT TO:<%s>\r\n", addr); err != nil {
			return 0, err
		}
	}
	if err := s.W.Flush(); err != nil {
		return 0, err
	}
	for i := range addrs {
		reply, err := s.reply()
		if err != nil {
			return 0, fmt.Errorf("<%s>: %w", addrs[i], err)
		}
		replies[i] = reply
		if reply.Code == 421 {
			return i + 1, nil
		}
	}
	_, err := s.say(250, "RSET")
	return len(addrs), err
}

func notASCII(addr string) bool {
	return strings.ContainsFunc(addr, func(r rune) bool { return r >= 0x80 })
}

// Deliver sends a message to one recipient, from the client of RCPT. body is the message
// with its header; its lines may end with \n. On the machine mail is really delivered, to
// mailboxes, files and commands that main.cf and the alias files name. The spool files of
// accounts are in the folder of the instance.
func (p *Instance) Deliver(ctx context.Context, sender, rcpt string, body []byte) error {
	s, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.mail(sender, notASCII(sender+rcpt)); err != nil {
		return err
	}
	if _, err := s.say(250, "RCPT TO:<"+rcpt+">"); err != nil {
		return err
	}
	if _, err := s.say(354, "DATA"); err != nil {
		return err
	}
	w := s.DotWriter()
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, err = s.expect(250, "the end of DATA")
	return err
}

// A session is an SMTP dialogue with the instance.
type session struct {
	*textproto.Conn
	conn   net.Conn // below Conn
	utf8   bool     // the server has SMTPUTF8
	forget func() bool
}

// connect opens a session with the smtpd for strangers. It ends with the context.
func (p *Instance) connect(ctx context.Context) (*session, error) { return p.connectTo(ctx, p.addr) }

// connectTo opens a session with the smtpd at an address.
func (p *Instance) connectTo(ctx context.Context, addr string) (*session, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &session{Conn: textproto.NewConn(conn), conn: conn}
	s.forget = context.AfterFunc(ctx, func() { conn.Close() })
	if _, err := s.expect(220, "the connection"); err != nil {
		s.close()
		return nil, err
	}
	hello, err := s.say(250, "EHLO client.invalid")
	if err != nil {
		s.close()
		return nil, err
	}
	s.utf8 = slices.Contains(strings.Split(hello.Text, "\n"), "SMTPUTF8")
	return s, nil
}

func (s *session) mail(sender string, utf8 bool) error {
	command := "MAIL FROM:<" + sender + ">"
	if utf8 && s.utf8 {
		command += " SMTPUTF8"
	}
	_, err := s.say(250, command)
	return err
}

// say sends a command whose reply must have a code.
func (s *session) say(code int, command string) (Reply, error) {
	if err := s.PrintfLine("%s", command); err != nil {
		return Reply{}, err
	}
	return s.expect(code, command)
}

func (s *session) expect(code int, to string) (Reply, error) {
	reply, err := s.reply()
	if err == nil && reply.Code != code {
		err = fmt.Errorf("the reply to %q is %d %s %s", to, reply.Code, reply.Status, reply.Text)
	}
	return reply, err
}

// answerLimit is how long smtpd(8) may need for a reply. A site may have a policy service
// for which smtpd waits, and a restriction sleep.
var answerLimit = 5 * time.Minute

// reply reads a reply. Processes of Postfix that wait for one another never give one.
func (s *session) reply() (Reply, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(answerLimit)); err != nil {
		return Reply{}, err
	}
	code, text, err := s.ReadResponse(0)
	if err != nil && code == 0 {
		return Reply{}, err
	}
	status, text := cutStatus(text)
	return Reply{code, status, text}, nil
}

// cutStatus takes the enhanced status code from the lines of a reply. Each line has it.
func cutStatus(text string) (status, rest string) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if first, rest, ok := strings.Cut(line, " "); ok && isStatus(first) {
			status, lines[i] = first, rest
		}
	}
	return status, strings.Join(lines, "\n")
}

// isStatus reports whether a word is an enhanced status code (RFC 3463).
func isStatus(word string) bool {
	return len(word) >= len("5.1.1") && strings.Count(word, ".") == 2 && word[1] == '.' && strings.Trim(word, "0123456789.") == ""
}

// close hangs up.
func (s *session) close() {
	if s == nil {
		return
	}
	s.forget()
	_ = s.PrintfLine("QUIT") // who hangs up need not hear the answer
	_ = s.Close()
}
