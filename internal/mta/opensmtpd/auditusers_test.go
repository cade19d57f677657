package opensmtpd_test

import (
	"os"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/workshop/peer"
)

// TestUsersAreAudited looks for users who are no accounts, and for mailboxes that their
// users cannot write.
func TestUsersAreAudited(t *testing.T) {
	dir := peer.SafeDir(t)
	for name, owner := range map[string]int{"roots": 0, "own": 1002, "maildir": 1002} {
		if err := os.Mkdir(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir+"/"+name, owner, owner); err != nil {
			t.Fatal(err)
		}
	}
	text := `version: 1
host: {name: mx1.example.net, server: opensmtpd}
users:
  absent:
  bin: {mailbox: DIR/roots/bin, uid: 1002}
  sys: {mailbox: DIR/maildir, uid: 1002}
  games: {mailbox: DIR/own/games, uid: 1002}
  irc: {mailbox: DIR/maildir/, uid: 1002}
  man: {mailbox: DIR/missing/, uid: 1002, gid: 8}
  news: {mailbox: DIR/roots/, uid: 1002}
  lp: {forward: lp@far.example}
domains: {a.example: {addresses: {info: [absent, bin, sys, games, irc, man, news, lp]}}}
`
	b, faults := compiled(strings.ReplaceAll(text, "DIR", dir))
	if faults.Failed() {
		t.Fatal(faults.Faults()[0].Text)
	}
	all, err := opensmtpd.Server.AuditUsers(mta.Audited{Dir: dir, Build: b, Account: func(name string) bool { return name != "absent" && name != "lp" }})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, c := range all {
		said = append(said, strings.ReplaceAll(c.Text+" ("+c.Mend+")", dir, "DIR"))
	}
	want := `user "absent" is no account of this machine (useradd absent)
the user 1002 may not write to DIR/roots, and the mail of bin waits (chown 1002:1002 DIR/roots)
DIR/missing is not there, and the mail of man waits (install -d -m 700 -o 1002 -g 8 DIR/missing)
the user 1002 may not write to DIR/roots, and the mail of news waits (chown 1002:1002 DIR/roots)
DIR/maildir is not what the inventory says: a Maildir has a slash at its end, and an mbox none ()`
	if got := strings.Join(said, "\n"); got != want {
		t.Errorf("it says\n%s", got)
	}
}
