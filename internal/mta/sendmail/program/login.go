package program

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"virtmap/internal/mapfile"
	"virtmap/internal/outcome"
)

// password is the password of every user of a sasldb that Senders makes.
const password = "virtmap"

// Senders returns the replies to MAIL FROM of users who have logged in by AUTH PLAIN
// (RFC 4954, RFC 4616). A sender who is refused at RCPT TO, as with
// FEATURE(`delay_checks'), gets that reply. The configuration must offer PLAIN. realm is that of the users: the
// server's own name, unless the option AuthRealm is set. work is a folder for the users'
// passwords, which only sendmail of this call reads: it runs in a mount namespace of its
// own, in which the folder takes the place of the one where libsasl2 looks for
// Sendmail.conf.
func (p *Program) Senders(ctx context.Context, cf, realm, work string, logins []outcome.Login) ([]outcome.Outcome, error) {
	instead, err := saslFolder()
	if err != nil {
		return nil, err
	}
	if err := writeSASL(work, realm, logins); err != nil {
		return nil, err
	}
	places := map[string][]int{} // of the logins, by user
	for i, l := range logins {
		places[l.User] = append(places[l.User], i)
	}
	replies := make([]outcome.Outcome, len(logins))
	for _, user := range users(logins) {
		if err := p.senders(ctx, []string{"--bind", work, instead}, cf, user, logins, places[user], replies); err != nil {
			return nil, fmt.Errorf("as %s: %w", user, err)
		}
	}
	return replies, nil
}

// loggedIn starts a session of a user. mount are the arguments of a mount before it.
func (p *Program) loggedIn(ctx context.Context, mount []string, cf, user string) (c dialog, done <-chan error, err error) {
	script := `mount "$1" "$2" "$3" && shift 3 && exec "$@"`
	args := slices.Concat([]string{"--mount", "--propagation", "private", "sh", "-c", script, "sh"}, mount, []string{p.sendmail, "-bs", "-C", cf})
	conn, done, err := start(ctx, exec.CommandContext(ctx, "unshare", args...))
	if err != nil {
		return c, nil, err
	}
	c = dialog{textproto.NewConn(conn)}
	if err = c.expect(220); err == nil {
		c.ask("EHLO client.example", 250)
		secret := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
		if err = c.PrintfLine("AUTH PLAIN %s", secret); err == nil {
			err = c.expect(235)
		}
	}
	if err != nil {
		return c, nil, errors.Join(err, c.Close())
	}
	return c, done, nil
}

// senders asks for the places of one user.
func (p *Program) senders(ctx context.Context, mount []string, cf, user string, logins []outcome.Login, places []int, replies []outcome.Outcome) error {
	c, done, err := p.loggedIn(ctx, mount, cf, user)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, i := range places {
		reply, err := c.reply("MAIL FROM:<" + logins[i].From + ">")
		if err != nil {
			return err
		}
		if replies[i] = reply; reply.Taken {
			later, err := c.reply("RCPT TO:<postmaster>")
			if err != nil {
				return err
			}
			if ofSender(later) {
				replies[i] = later
			}
		}
		c.ask("RSET", 250)
	}
	c.ask("QUIT", 221)
	<-done // the exit status has no more than the replies
	return nil
}

// ofSender reports whether a reply to RCPT TO is about the sender. A recipient that is
// refused gets another code.
func ofSender(reply outcome.Outcome) bool { return reply.Code == 553 || reply.Code == 451 }

// saslFolders are the folders in which libsasl2 of Debian looks for Sendmail.conf, in this
// order.
var saslFolders = []string{"/etc/sasl2", "/etc/sasl", "/usr/lib/sasl2"}

func saslFolder() (string, error) {
	i := slices.IndexFunc(saslFolders, func(dir string) bool {
		info, err := os.Stat(dir)
		return err == nil && info.IsDir()
	})
	if i < 0 {
		return "", errors.New("there is none of the folders for Sendmail.conf: install libsasl2-modules")
	}
	return saslFolders[i], nil
}

// writeSASL writes a Sendmail.conf and a sasldb with every user. The key of a row of a
// sasldb is the user, the realm and the word userPassword, with NULs between them.
func writeSASL(dir, realm string, logins []outcome.Login) error {
	db := filepath.Join(dir, "sasldb2")
	conf := "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: " + db + "\nmech_list: PLAIN\n"
	if err := os.WriteFile(filepath.Join(dir, "Sendmail.conf"), []byte(conf), 0o644); err != nil {
		return err
	}
	var rows mapfile.Pairs
	for _, user := range users(logins) {
		rows = append(rows, [2]string{user + "\x00" + realm + "\x00userPassword", password})
	}
	file, err := os.OpenFile(db, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	hash, _ := mapfile.ByName("hash")
	return errors.Join(hash.Write(file, rows), file.Close())
}

// users returns the users of logins, sorted, each once.
func users(logins []outcome.Login) []string {
	var all []string
	for _, l := range logins {
		all = append(all, l.User)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
