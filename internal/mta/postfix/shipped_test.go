package postfix_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/inventory"
)

// shipped is the example of the program with Postfix as its server, its mailboxes in a
// folder of the test, and a list with a member that does not exist any more.
func shipped(t *testing.T, mailbox string) string {
	t.Helper()
	text, err := os.ReadFile("../../../testdata/example/mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := string(text)
	for _, change := range [][2]string{
		{"host:\n", "host:\n  server: postfix\n"},
		{"mailbox: /srv/mail/bea, uid: 1002", "mailbox: " + mailbox + ", uid: 20002"},
		{"local_aliases: [mailman]", "local_aliases: [mailman, gone]"},
		{"      sales: andrei\n", "      sales: andrei\n      crew: {to: [bea, gone], bounces_to: andrei}\n"},
	} {
		if strings.Count(all, change[0]) != 1 {
			t.Fatalf("the example has not one %q", change[0])
		}
		all = strings.Replace(all, change[0], change[1], 1)
	}
	return all
}

// village is who the example speaks of. andrei has the user ID 20001, bea 20002.
var village = crew{[]string{"andrei", "bea", "carol", "list"}, map[string]string{"mailman": "list", "gone": "no-such-account"}}

// A post is a witness to whose mailboxes mail is really delivered.
type post struct {
	*witness
	t    *testing.T
	sent int
}

// deliver sends a message from a stranger, and returns its subject.
func (p *post) deliver(rcpt string) string {
	p.t.Helper()
	p.sent++
	subject := "letter-" + string(rune('a'+p.sent))
	if err := p.p.Deliver(context.Background(), "ann@partner.example", rcpt, []byte("Subject: "+subject+"\n\nGood morning.\n")); err != nil {
		p.t.Errorf("%s: %v", rcpt, err)
	}
	return subject
}

// arrives waits until the message of a subject is in mailboxes, and in no other ones.
func (p *post) arrives(subject string, mailboxes ...string) {
	p.t.Helper()
	slices.Sort(mailboxes)
	if !within(func() bool { return slices.Equal(p.having(subject), mailboxes) }) {
		p.t.Errorf("%s is in %q, want %q", subject, p.having(subject), mailboxes)
	}
}

// having returns the mailboxes with a word: spool/andrei, or a path below box.
func (p *post) having(word string) (names []string) {
	for _, root := range []string{p.p.Folder() + "/spool", p.dir + "/box"} {
		_ = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), word) {
					name, _ := filepath.Rel(filepath.Dir(root), path)
					if dir := filepath.Dir(name); filepath.Base(dir) == "new" {
						name = dir
					}
					names = append(names, name)
				}
			}
			return nil
		})
	}
	slices.Sort(names)
	return names
}

// logged waits until the log has words.
func (p *post) logged(words string) {
	p.t.Helper()
	if !within(func() bool { return strings.Contains(p.p.Log(), words) }) {
		p.t.Errorf("the log does not have %q", words)
	}
}

// openShipped starts a Postfix that serves the example, with bea's mailbox below the
// folder of the tables.
func openShipped(t *testing.T, mailbox string) *post {
	p := &post{witness: startWitnessWith(t, village), t: t}
	box := filepath.Join(p.dir, "box")
	if err := os.Mkdir(box, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(box, 20002, 20000); err != nil {
		t.Fatal(err)
	}
	p.put(t, shipped(t, p.dir+"/"+mailbox))
	return p
}

// changes puts the files of a changed inventory in place, as a build does.
func (p *post) changes(text, from, to string) {
	p.t.Helper()
	if strings.Count(text, from) != 1 {
		p.t.Fatalf("the inventory has not one %q", from)
	}
	m, faults := inventory.Parse("mail.yaml", strings.Replace(text, from, to, 1))
	b := postfix.Compile(m, faults)
	if faults.Failed() {
		p.t.Fatal(faults.Faults())
	}
	before := postfix.Server.Find(mta.Folder{Dir: p.dir, Known: true, Tell: func(line string) { p.t.Log(line) }})
	kept, _, err := before.Keep(b, mta.Leave{Grace: time.Hour, Now: time.Now()})
	if err == nil {
		err = p.load(kept.(postfix.Build))
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// TestShippedExample delivers mail for the addresses of the shipped example.
func TestShippedExample(t *testing.T) {
	for form, mailbox := range map[string]string{"mbox": "box/bea", "Maildir": "box/bea/"} {
		t.Run(form, func(t *testing.T) {
			p := openShipped(t, mailbox)
			bea := map[string]string{"mbox": "box/bea", "Maildir": "box/bea/new"}[form]
			const andrei = "spool/andrei"
			p.arrives(p.deliver("fake@fakemail.example"), andrei)
			p.arrives(p.deliver("Fake+shop@FakeMail.Example"), andrei)
			p.arrives(p.deliver("info@fakemail.example"), andrei, bea)
			p.arrives(p.deliver("lists@fakemail.example"), "spool/list")
			p.arrives(p.deliver("sales@fakemail.example"), andrei)
			p.arrives(p.deliver("sales+spring@fakemail.example"), bea)
			p.arrives(p.deliver("extra@fakemail.test"), bea)
			p.arrives(p.deliver("postmaster@fakemail.test"), andrei)
			p.arrives(p.deliver("team+x@fakemail.example"), andrei, bea)
			p.arrives(p.deliver("carol@fakemail.example"), "spool/carol")
			p.logged("to=<carol@elsewhere.example>, orig_to=<carol@fakemail.example>, relay=none")
			p.deliver("partner@fakemail.example")
			p.logged("to=<ann@partner.example>, orig_to=<partner@fakemail.example>, relay=none")
			p.deliver("Anyone+x@partners.example")
			p.logged("to=<Anyone+x@partner.example>, orig_to=<Anyone+x@partners.example>, relay=none")
			p.deliver("who@backup.example")
			p.logged("to=<who@backup.example>, relay=none")
			p.bounces(andrei, bea)
			p.refuses()
			if strings.Contains(p.p.Log(), "to=<ann@partner.example>, relay") {
				t.Error("a bounce leaves for the sender")
			}
		})
	}
}

// bounces sends mail to a list with a member that fails. The bounce arrives at the
// owner of the list.
func (p *post) bounces(owner, member string) {
	p.t.Helper()
	subject := p.deliver("crew@fakemail.example")
	p.arrives(subject, owner, member)
	report, err := os.ReadFile(p.p.Folder() + "/" + owner)
	if err != nil {
		p.t.Fatal(err)
	}
	if !strings.Contains(string(report), "From MAILER-DAEMON ") || !strings.Contains(string(report), "<no-such-account@mx1.example.net>") {
		p.t.Errorf("the owner has no report of the member that fails:\n%s", report)
	}
}

// refuses checks the replies to addresses that take no mail.
func (p *post) refuses() {
	p.t.Helper()
	want := map[string]string{
		"old@fakemail.example":        "550 5.1.1 Ann has left; write to info@fakemail.example",
		"OLD+x@fakemail.test":         "550 5.1.1 Ann has left; write to info@fakemail.example",
		"moved@fakemail.example":      "551 5.1.6 now at partner.example",
		"busy@fakemail.example":       "450 4.2.1 mailbox is being moved",
		"paused@fakemail.example":     "550 5.1.1 User unknown",
		"nobody@fakemail.example":     "550 5.1.1 User unknown in virtual alias table",
		"andrei@fakemail.test":        "550 5.1.1 User unknown in virtual alias table",
		"fake@closed.example":         "454 4.7.1 <fake@closed.example>: Relay access denied",
		"someone@nowhere.example":     "454 4.7.1 <someone@nowhere.example>: Relay access denied",
		"bea@mailbox.virtmap.invalid": "550 5.1.1 User unknown",
	}
	for addr, reply := range want {
		if got := p.rcpt(p.t, addr)[0]; got != reply {
			p.t.Errorf("%s: %q, want %q", addr, got, reply)
		}
	}
}

// TestDeferredMailWaits gives mail for a deferred address to the sendmail command, past
// smtpd. The mail stays in the queue with the words of the inventory, and is delivered
// when the address is not deferred any more.
func TestDeferredMailWaits(t *testing.T) {
	p := openShipped(t, "box/bea")
	for _, addr := range []string{"busy@fakemail.example", "Busy+x@fakemail.test"} {
		p.run(t, "Subject: waiting-letter\n\nGood morning.\n", "sendmail", "-f", "andrei@mx1.example.net", "--", addr)
		p.logged("orig_to=<" + addr + ">, relay=none")
	}
	p.run(t, "", "postqueue", "-f")
	queued := func() int { return strings.Count(p.run(t, "", "postqueue", "-p"), "mailbox is being moved") }
	if !within(func() bool { return queued() == 2 }) {
		t.Errorf("the queue does not have both letters:\n%s", p.run(t, "", "postqueue", "-p"))
	}
	if got := p.having("waiting-letter"); len(got) > 0 {
		t.Errorf("a letter is in %q", got)
	}
	p.changes(shipped(t, p.dir+"/box/bea"), "busy: {defer: \"mailbox is being moved\"}", "busy: andrei")
	p.run(t, "", "postqueue", "-f")
	if !within(func() bool { return len(p.having("waiting-letter")) == 1 && queued() == 0 }) {
		t.Errorf("the letters are in %q, and the queue has\n%s", p.having("waiting-letter"), p.run(t, "", "postqueue", "-p"))
	}
}
