package program

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net"
	"slices"
	"strings"
)

// logins is what lets every user log in at an instance: an authentication server as smtpd(8)
// asks one of Dovecot (SASL_README), and the address of the smtpd that asks it. The password
// of all users is the same, and only this process knows it. nil has nothing to close.
type logins struct {
	addr     string // of smtpd
	password string
	listener net.Listener
}

// newLogins starts the authentication server for an smtpd at an address.
func newLogins(addr string) (*logins, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &logins{addr: addr, password: rand.Text(), listener: listener}
	go l.serve()
	return l, nil
}

// close ends the authentication server.
func (l *logins) close() error {
	if l == nil {
		return nil
	}
	if err := l.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// serve answers each smtpd until the listener is closed. A connection ends with its smtpd.
func (l *logins) serve() {
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.answer(conn)
	}
}

// greeting says that a client may use PLAIN (the protocol is that of Dovecot, version 1).
const greeting = "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nDONE\n"

// answer answers one smtpd. A line "AUTH ID PLAIN … resp=BASE64" asks about a login; other
// lines need no answer.
func (l *logins) answer(conn net.Conn) {
	defer conn.Close()
	if _, err := conn.Write([]byte(greeting)); err != nil {
		return
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		if len(words) < 3 || words[0] != "AUTH" {
			continue
		}
		reply := "FAIL\t" + words[1]
		if user, ok := l.user(words); ok {
			reply = "OK\t" + words[1] + "\tuser=" + user
		}
		if _, err := conn.Write([]byte(reply + "\n")); err != nil {
			return
		}
	}
}

// user returns the user of an AUTH line; ok is false without the password.
func (l *logins) user(words []string) (name string, ok bool) {
	last := words[len(words)-1]
	text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(last, "resp="))
	parts := bytes.Split(text, []byte{0}) // RFC 4616: who acts, who logs in, the password
	if err != nil || len(parts) != 3 || string(parts[2]) != l.password {
		return "", false
	}
	return string(parts[1]), true
}

// response returns the argument of AUTH PLAIN for a user.
func (l *logins) response(user string) string {
	return base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + l.password))
}

// service returns the service of smtpd at which users log in. Its options are those of the
// service of the site at which its users do.
func (l *logins) service(site []service) service {
	s := service{name: l.addr, typ: "inet", fields: "n - n - -", command: "smtpd"}
	if i := loginService(site); i >= 0 {
		s.options = slices.DeleteFunc(slices.Clone(site[i].options), func(e entry) bool { return strings.HasPrefix(e.name, "smtpd_sasl_") })
	}
	s.own = []entry{
		{"smtpd_sasl_auth_enable", "yes"}, {"smtpd_sasl_type", "dovecot"}, {"smtpd_sasl_path", "inet:" + l.listener.Addr().String()},
		{"smtpd_sasl_security_options", "noanonymous"}, {"smtpd_sasl_tls_security_options", "noanonymous"},
		{"smtpd_sasl_local_domain", ""}, {"smtpd_sasl_exceptions_networks", ""}, {"smtpd_sasl_mechanism_filter", "plain"},
	}
	return s
}

// loginService returns the number of the service at which users log in: the first smtpd that
// enables logins itself, or else the submission service, or else that of strangers; -1: there
// is none.
func loginService(site []service) int {
	for _, is := range []func(s service) bool{
		func(s service) bool {
			return slices.ContainsFunc(s.options, func(e entry) bool { return e.name == "smtpd_sasl_auth_enable" && e.value == "yes" })
		},
		func(s service) bool { return IsSubmission(s.name) },
		service.public,
	} {
		if i := slices.IndexFunc(site, func(s service) bool { return s.command == "smtpd" && is(s) }); i >= 0 {
			return i
		}
	}
	return -1
}

// IsSubmission reports whether the name of a service, with or without a host, is that of a port
// at which users log in (RFC 8314).
func IsSubmission(name string) bool {
	return slices.Contains([]string{"submission", "submissions", "smtps", "587", "465"}, name[strings.LastIndexByte(name, ':')+1:])
}
