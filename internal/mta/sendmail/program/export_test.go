package program

import (
	"context"
	"net/textproto"
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
	if err := writeSASL(work, realm, []Login{{User: user}}); err != nil {
		return nil, err
	}
	c, _, err := p.loggedIn(ctx, []string{"--bind", work, instead}, cf, user)
	return c.Conn, err
}
