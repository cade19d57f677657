package program

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/outcome"
)

// authenticator is the authenticator of an Exim that is asked: every user has every
// password.
var authenticator = Block{Section: "authenticators", Name: "virtmap_asked", Lines: []string{
	"driver = plaintext", "public_name = PLAIN", "server_condition = true", "server_set_id = $auth2",
}}

// LetLogIn gives a configuration the one authenticator, in place of its own.
func (c *Configuration) LetLogIn() {
	c.Blocks = slices.DeleteFunc(c.Blocks, func(b Block) bool { return b.Section == authenticator.Section })
	c.Set("auth_advertise_hosts", "*")
	c.Insert(c.Begin(authenticator.Section), authenticator)
}

// Senders returns, for users who have logged in by AUTH PLAIN (RFC 4954), the replies to
// MAIL FROM or, if it is taken, those to RCPT for an address of another server: Exim may
// refuse a sender there. The configuration must be one of LetLogIn, or of the template.
func (e *Exim) Senders(ctx context.Context, logins []outcome.Login) ([]outcome.Outcome, error) {
	places := map[string][]int{} // of the logins, by user
	var users []string
	for i, l := range logins {
		if places[l.User] == nil {
			users = append(users, l.User)
		}
		places[l.User] = append(places[l.User], i)
	}
	all := make([]outcome.Outcome, len(logins))
	for _, user := range users {
		for left := places[user]; len(left) > 0; {
			at := left[:min(len(left), addressesAtOnce)]
			got, err := e.sendersOf(ctx, user, logins, at)
			if err != nil {
				return nil, fmt.Errorf("as %s: %w", user, err)
			}
			for i, o := range got {
				all[at[i]] = o
			}
			left = left[len(got):]
		}
	}
	return all, nil
}

// sendersOf asks for some places of one user. It returns at least one outcome.
func (e *Exim) sendersOf(ctx context.Context, user string, logins []outcome.Login, places []int) (all []outcome.Outcome, err error) {
	var session strings.Builder
	secret := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00x"))
	session.WriteString("EHLO client.example\r\nAUTH PLAIN " + secret + "\r\n")
	for _, i := range places {
		session.WriteString("MAIL FROM:<" + logins[i].From + ">\r\nRCPT TO:<someone@far.example>\r\nRSET\r\n")
	}
	out, err := e.run(ctx, session.String()+"QUIT\r\n", "-bh", client)
	if err != nil {
		return nil, err
	}
	said := replies(out)
	if len(said) < 3 || said[2].Code != 235 {
		return nil, fmt.Errorf("no login: exim -bh says %.1000q", out)
	}
	for at := 3; at+1 < len(said) && len(all) < len(places); at += 3 {
		o := said[at]
		if o.Taken {
			o = said[at+1]
		}
		all = append(all, o)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("exim -bh says %.1000q", out)
	}
	return all, nil
}

// Session runs a session from standard input (exim -bs), as a program on the server starts
// it, and returns the replies. Messages that are taken stay in the spool folder.
func (e *Exim) Session(ctx context.Context, lines ...string) ([]outcome.Outcome, error) {
	out, err := e.run(ctx, strings.Join(append(lines, "QUIT", ""), "\r\n"), "-odq", "-bs")
	return replies(out), err
}

// text returns a block as a configuration has it.
func (b *Block) text() string { return b.Name + ":\n  " + strings.Join(b.Lines, "\n  ") + "\n" }
