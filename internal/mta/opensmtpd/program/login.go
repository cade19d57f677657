package program

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"os/exec"
	"slices"
	"strings"

	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
)

// Every user has the same password. passwordHash is that of crypt(3) for it.
const (
	password     = "virtmap"
	passwordHash = "$6$rounds=1000$virtmap$CgzXxZYuEJQSSvJrCDC8sPJ3ulyTjsBDNHOBTFEWkHN6mY.MotAAtQv3TpN3hL4M7FNX6N1aXKZYRsVHU5eh2."
)

// anonymous is the kind of ciphers for logins. smtpd lets users log in only over TLS, and
// OpenSMTPD 6.8 cannot use its private key with OpenSSL 3. These ciphers need none, and
// nothing here is secret.
const anonymous = "aNULL:@SECLEVEL=0"

// writeLogins writes the files of the listener at which users log in.
func (s *Server) writeLogins() error {
	secrets, certificate, err := smtpd.SelfSigned(s.Host)
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(secrets.Certificates[0].PrivateKey)
	if err != nil {
		return err
	}
	var rows strings.Builder
	for _, user := range s.Users {
		rows.WriteString(user + " " + passwordHash + "\n")
	}
	return errors.Join(
		os.WriteFile(s.path("login.crt"), certificate, 0o644),
		os.WriteFile(s.path("login.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600),
		os.WriteFile(s.path("logins"), []byte(rows.String()), 0o644))
}

// loginLines are the lines of smtpd.conf about the listener at which users log in.
func (s *Server) loginLines() string {
	host, port, _ := strings.Cut(s.submission, ":")
	return fmt.Sprintf(`
smtp ciphers "ALL:%s"
pki virtmap-asked cert %q
pki virtmap-asked key %q
table virtmap_asked file:%s
listen on %s port %s tls pki virtmap-asked auth <virtmap_asked> senders <virtmap_senders>
`, anonymous, s.path("login.crt"), s.path("login.key"), s.path("logins"), host, port)
}

// Senders returns the replies to MAIL FROM of users who have logged in by AUTH PLAIN (RFC
// 4954). The users are some of those of the Options.
func (s *Server) Senders(ctx context.Context, logins []outcome.Login) ([]outcome.Outcome, error) {
	places := map[string][]int{} // of the logins, by user
	var users []string
	for i, l := range logins {
		if places[l.User] == nil {
			users = append(users, l.User)
		}
		places[l.User] = append(places[l.User], i)
	}
	replies := make([]outcome.Outcome, len(logins))
	for _, user := range users {
		if err := s.senders(ctx, user, logins, places[user], replies); err != nil {
			return nil, fmt.Errorf("as %s: %w\n%s", user, err, s.lastLines())
		}
	}
	return replies, nil
}

// senders asks for the places of one user.
func (s *Server) senders(ctx context.Context, user string, logins []outcome.Login, places []int, replies []outcome.Outcome) (err error) {
	c, err := s.LoggedIn(ctx, user)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for _, i := range places {
		code, text, err := c.ask("MAIL FROM:<" + logins[i].From + ">")
		if err != nil {
			return err
		}
		replies[i] = outcome.OfReply(code, text)
		if err := c.must(250, "RSET"); err != nil {
			return err
		}
	}
	return c.must(221, "QUIT")
}

// LoggedIn starts a session of a user, by openssl(1): crypto/tls has no anonymous ciphers.
func (s *Server) LoggedIn(ctx context.Context, user string) (*Session, error) {
	if !slices.Contains(s.Users, user) {
		return nil, fmt.Errorf("%q is no user of this server", user)
	}
	ctx, stop := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "openssl", "s_client", "-quiet", "-starttls", "smtp", "-tls1_2", "-cipher", anonymous, "-connect", s.submission)
	in, err := cmd.StdinPipe()
	if err != nil {
		stop()
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		stop()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		stop()
		return nil, err
	}
	c := &Session{session{textproto.NewConn(process{out, in, func() error {
		stop()
		_ = cmd.Wait() // it was ended
		return nil
	}})}}
	secret := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	if err := errors.Join(c.must(250, "EHLO client.example"), c.must(235, "AUTH PLAIN "+secret)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// A Session is one of a user who has logged in.
type Session struct{ session }

// Ask sends a line, and returns its reply.
func (c *Session) Ask(line string) (code int, text string, err error) { return c.ask(line) }

// A process is a connection with a process.
type process struct {
	io.Reader
	io.Writer
	end func() error
}

// Close ends the process.
func (p process) Close() error { return p.end() }
