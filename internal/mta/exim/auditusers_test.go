package exim_test

import (
	"os"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/workshop/peer"
)

// TestUsersAreAudited looks for users who are no accounts, and for mailboxes that their
// users cannot write.
func TestUsersAreAudited(t *testing.T) {
	dir := peer.SafeDir(t)
	for _, name := range []string{"roots", "folder"} {
		if err := os.Mkdir(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	peer.Run(t, "", "install", "-d", "-o", "games", dir+"/own")
	text := `version: 1
host: {name: mx1.example.net, server: exim}
users:
  absent:
  bin: {mailbox: DIR/roots/bin}
  sys: {mailbox: DIR/folder}
  games: {mailbox: DIR/own/games/}
  man: {mailbox: DIR/missing/man}
  lp: {forward: lp@far.example}
domains: {a.example: {addresses: {info: [absent, bin, sys, games, man, lp]}}}
`
	b, faults := compiled(strings.ReplaceAll(text, "DIR", dir))
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	all, err := exim.Server.AuditUsers(mta.Audited{Dir: dir, Build: b, Account: func(name string) bool { return name != "absent" && name != "lp" }})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, c := range all {
		said = append(said, strings.ReplaceAll(c.Text, dir, "DIR"))
	}
	want := `user "absent" is no account of this machine
bin may not write to DIR/roots
the folder of the mailbox of man is missing: stat DIR/missing: no such file or directory
DIR/folder is not what the inventory says: a Maildir has a slash at its end, and an mbox none`
	if got := strings.Join(said, "\n"); got != want {
		t.Errorf("it says\n%s", got)
	}
}
