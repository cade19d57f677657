package program

import (
	"context"
	"encoding/base64"
	"net/textproto"

	"virtmap/internal/outcome"
)

// LoggedIn starts a session of a user at the installed sendmail, for tests of whole
// messages. An empty user does not log in.
func (p *Program) LoggedIn(ctx context.Context, cf, realm, work, user string) (*textproto.Conn, error) {
	if user == "" {
		conn, _, err := p.session(ctx, cf)
		if err != nil {
			return nil, err
		}
		c := dialog{textproto.NewConn(conn)}
		if err := c.expect(220); err != nil {
			return nil, err
		}
		c.ask("EHLO client.example", 250)
		return c.Conn, nil
	}
	instead, err := saslFolder()
	if err != nil {
		return nil, err
	}
	if err := writeSASL(work, realm, []outcome.Login{{User: user}}); err != nil {
		return nil, err
	}
	c, _, err := p.loggedIn(ctx, []string{"--bind", work, instead}, cf, user)
	return c.Conn, err
}

// WriteSASL writes the files with which sendmail lets users log in, into a folder where
// libsasl2 looks for them.
func WriteSASL(dir, realm string, users ...string) error {
	var logins []outcome.Login
	for _, user := range users {
		logins = append(logins, outcome.Login{User: user})
	}
	return writeSASL(dir, realm, logins)
}

// Secret is what a user sends to log in by AUTH PLAIN.
func Secret(user string) string {
	return base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
}
