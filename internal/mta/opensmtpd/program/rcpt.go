package program

import (
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/outcome"
)

// client is the address of the client, which smtpd does not take for local: only
// 127.0.0.1 and the addresses of interfaces are.
var client = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}

// messagesAtOnce is the number of addresses of a session. smtpd ends one after 100
// messages.
const messagesAtOnce = 40

// A session is one with smtpd.
type session struct{ *textproto.Conn }

func (s *Server) connect() (*session, error) {
	conn, err := (&net.Dialer{LocalAddr: client}).Dial("tcp", s.address)
	if err != nil {
		return nil, err
	}
	c := &session{textproto.NewConn(conn)}
	if _, _, err := c.ReadResponse(220); err != nil {
		return nil, err
	}
	return c, c.must(250, "EHLO client.example")
}

// must sends a command that has to be answered with a code.
func (c *session) must(code int, command string) error {
	got, text, err := c.ask(command)
	if err == nil && got != code {
		err = fmt.Errorf("%s: %d %s", command, got, text)
	}
	return err
}

// ask sends a command, and returns its reply.
func (c *session) ask(command string) (code int, text string, err error) {
	if err := c.PrintfLine("%s", command); err != nil {
		return 0, "", err
	}
	code, text, err = c.ReadResponse(0)
	return code, strings.ReplaceAll(text, "\n", " "), err
}

// accepted finds the number of a message in the reply to DATA.
var accepted = regexp.MustCompile(`([0-9a-f]{8}) Message accepted`)

// RCPT returns the outcome of each address as the reply to RCPT has it, without
// recipients.
func (s *Server) RCPT(addrs []string) ([]outcome.Outcome, error) {
	all, _, err := s.send(addrs, false)
	return all, err
}

// send asks for each address. With data it sends a message to those that are taken;
// messages has their numbers, and is empty for other addresses.
func (s *Server) send(addrs []string, data bool) (all []outcome.Outcome, messages []string, err error) {
	var c *session
	for i, addr := range addrs {
		if i%messagesAtOnce == 0 {
			if c != nil {
				c.Close()
			}
			if c, err = s.connect(); err != nil {
				return nil, nil, err
			}
		}
		o, message, err := c.one(addr, data)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", addr, err)
		}
		s.reason(&o, addr)
		all, messages = append(all, o), append(messages, message)
	}
	if c != nil {
		err = c.Close()
	}
	return all, messages, err
}

// reason adds to the outcome of an address that OpenSMTPD itself refuses the status of the
// reason (RFC 3463). The reply has none.
func (s *Server) reason(o *outcome.Outcome, addr string) {
	_, domain, _ := mailaddr.Split(addr)
	switch {
	case o.Taken || o.Status != "" || o.Text != "Invalid recipient":
	case s.Ours(mailaddr.Lower(domain)):
		o.Status = "5.1.1"
	default:
		o.NotOurs, o.Status = true, "5.7.1"
	}
}

// one asks for an address, and with data sends a message to it.
func (c *session) one(addr string, data bool) (o outcome.Outcome, message string, err error) {
	if err := c.must(250, "MAIL FROM:<sender@client.example>"); err != nil {
		return o, "", err
	}
	code, text, err := c.ask("RCPT TO:<" + addr + ">")
	if err != nil {
		return o, "", err
	}
	o = outcome.OfReply(code, strings.TrimSuffix(text, ": <"+addr+">"))
	if !o.Taken || !data {
		return o, "", c.must(250, "RSET")
	}
	if err := c.must(354, "DATA"); err != nil {
		return o, "", err
	}
	code, text, err = c.ask("Subject: x\r\n\r\nx\r\n.")
	if found := accepted.FindStringSubmatch(text); found != nil {
		return o, found[1], err
	}
	return o, "", fmt.Errorf("DATA: %d %s (%w)", code, text, err)
}
