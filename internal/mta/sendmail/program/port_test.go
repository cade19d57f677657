package program_test

import (
	"net"
	"net/textproto"
	"testing"
	"time"

	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/workshop/peer"
)

// TestSubmissionPort has users log in at a port of a running sendmail that takes mail of
// nobody else. The client is not on the machine. What is accepted is signed.
func TestSubmissionPort(t *testing.T) {
	installed(t)
	if !peer.Namespace(t) {
		return
	}
	lines := "DAEMON_OPTIONS(`Family=inet, Name=MSA, Port=587, Addr=127.0.0.1, M=Ea')dnl\n"
	for _, line := range authLines {
		lines += line + "\n"
	}
	x := newSigner(t, lines)
	for _, c := range []struct{ port, login, from, header, want string }{
		{"587", "andrei", "fake@fakemail.example", "From: Fake <fake@fakemail.example>", ""},
		{"587", "andrei", "andrei@mx1.example.net", "From: fake@fakemail.example\r\nCc: bee@fakemail.example", ""},
		{"587", "andrei", "", "From: fake@fakemail.example", ""},
		{"587", "bea", "bee@fakemail.example", "From: bee@fakemail.example", ""},
		{"25", "bea", "bee@fakemail.example", "From: bee@fakemail.example", ""},

		{"587", "andrei", "bee@fakemail.example", "", mayNot},
		{"587", "andrei", "boss@far.example", "", mayNot},
		{"587", "andrei", "fake@fakemail.example", "From: bee@fakemail.example", mayNotFrom},
		{"25", "andrei", "bee@fakemail.example", "", mayNot},
		{"587", "carol", "fake@fakemail.example", "", mayNot},
		{"587", "", "fake@fakemail.example", "", "530 5.7.0 Authentication required"},
	} {
		got := x.overPort(c.port, c.login, c.from, c.header)
		if got != c.want {
			t.Errorf("port %s, %q from <%s> with %q: %q, want %q", c.port, c.login, c.from, c.header, got, c.want)
		}
		if got != "" {
			continue
		}
		if m := x.next(); m.From != c.from || x.verified(m) != "fakemail.example verifies" {
			t.Errorf("port %s, %q from <%s> with %q: it leaves from <%s>, %s\n%s", c.port, c.login, c.from, c.header, m.From, x.verified(m), m.Body)
		}
	}
}

// overPort sends a message to a port, and returns the reply that refuses it. An empty login
// does not log in.
func (x *signer) overPort(port, login, from, header string) string {
	x.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Timeout: 5 * time.Second}
	conn, err := dialer.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		x.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		x.Fatal(err)
	}
	c := textproto.NewConn(conn)
	if _, _, err := c.ReadResponse(220); err != nil {
		x.Fatal(err)
	}
	if err := say(c, "EHLO client.example", 250); err != nil {
		x.Fatal(err)
	}
	if login != "" {
		if err := say(c, "AUTH PLAIN "+program.Secret(login), 235); err != nil {
			x.Fatal(err)
		}
	}
	return message(x.T, c, from, header)
}
