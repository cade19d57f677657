package postfix_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/workshop/sample"
)

// sendingAs is an inventory with senders of the sendmail command. b.example is in
// mydestination, as is each name of the host.
const sendingAs = `version: 1
host: {name: ` + sample.HostName + `, server: postfix, map: texthash, mail_dir: /etc/postfix, local_names: [mx1.example.org]}
users:
  andrei: {sends_as: fake@a.example}
  bea: {sends_as: bea@b.example}
  carol:
  dora: {sends_as: bea@b.example}
domains:
  a.example:
    sends: yes
    addresses: {fake: andrei, andrei: carol, carol: carol}
  b.example:
    sends: yes
    senders: dora
    addresses: {info: carol}
    catch_all: local
submission: {rewrite: msp}
`

// A letter is a message and what becomes of its sender. Without a header Postfix adds a From.
type letter struct {
	it, sender, header string
	envelope, from     string // as carol gets it
}

var letters = []letter{
	{"of a script", "andrei", "", "fake@a.example", "robot <fake@a.example>"},
	{"with a bare name", "andrei", "From: Andrei <andrei>", "fake@a.example", "Andrei <fake@a.example>"},
	{"with the account's address", "andrei@mx1.example.net", "From: andrei@mx1.example.net", "fake@a.example", "fake@a.example"},
	{"with another name of the host", "andrei@mx1.example.org", "From: andrei@mx1.example.org", "fake@a.example", "fake@a.example"},
	{"with localhost", "andrei@localhost", "From: andrei@localhost", "fake@a.example", "fake@a.example"},
	{"in capitals", "ANDREI", "From: ANDREI", "fake@a.example", "fake@a.example"},
	{"with a detail", "andrei+x", "From: andrei+x", "fake+x@a.example", "fake+x@a.example"},
	{"with a virtual address of the account's name", "andrei@a.example", "From: andrei@a.example", "andrei@a.example", "andrei@a.example"},
	{"with the account's name at a domain of mydestination", "andrei@b.example", "From: andrei@b.example", "andrei@b.example", "andrei@b.example"},
	{"with its own address already", "andrei", "From: fake@a.example", "fake@a.example", "fake@a.example"},
	{"of an account with the name of its sender", "bea", "", "bea@b.example", "robot <bea@b.example>"},
	{"with the sender of another one", "dora", "", "bea@b.example", "robot <bea@b.example>"},
	{"of a user without sends_as", "carol", "", "carol@mx1.example.net", "robot <carol@mx1.example.net>"},
	{"of root", "root", "", "root@mx1.example.net", "robot <root@mx1.example.net>"},
	{"of a stranger", "x@far.example", "From: x@far.example", "x@far.example", "x@far.example"},
	{"with a bare name in Sender", "x@far.example", "From: x@far.example\nSender: andrei", "x@far.example", "x@far.example\nSender: fake@a.example"},
	{"with a bare name in Reply-To", "x@far.example", "From: x@far.example\nReply-To: andrei", "x@far.example", "x@far.example\nReply-To: fake@a.example"},
	{"with a bare name in Cc", "x@far.example", "From: x@far.example\nCc: andrei", "x@far.example", "x@far.example\nCc: andrei@mx1.example.net"},
	{"of nobody", "<>", "From: MAILER-DAEMON", "MAILER-DAEMON", "MAILER-DAEMON@mx1.example.net"},
}

// TestTheSendmailCommandSendsAs gives letters to the sendmail command. carol gets them, and a
// filter sees them, with the sender of the inventory.
func TestTheSendmailCommandSendsAs(t *testing.T) {
	w := startWitnessWith(t, crew{[]string{"andrei", "bea", "carol", "dora"}, nil})
	filter := startMilter(t)
	b := w.put(t, sendingAs)
	w.also(t, "non_smtpd_milters = "+filter.addr+"\nmilter_default_action = tempfail\n")
	for i, l := range letters {
		subject := fmt.Sprintf("letter-%d", i)
		filter.saw("")
		header := strings.TrimSuffix(l.header, "\n")
		if header != "" {
			header += "\n"
		}
		w.run(t, header+"Subject: "+subject+"\nTo: carol@a.example\n\nGood morning.\n", "sendmail", "-F", "robot", "-f", l.sender, "--", "carol@a.example")
		envelope, text := w.arrived(t, subject)
		if want := "From: " + l.from + "\n"; envelope != l.envelope || !strings.Contains(fields(text), want) {
			t.Errorf("a letter %s has the envelope sender %s, and\n%s\nwant %s, and\n%s", l.it, envelope, fields(text), l.envelope, want)
		}
		first, _, _ := strings.Cut(l.from, "\n")
		if saw, all := filter.saw("L From: " + first); !saw {
			t.Errorf("of a letter %s the filter did not see %q:\n%s", l.it, first, all)
		}
	}
	for i := range b.Model.Users {
		u := &b.Model.Users[i]
		if addr, steps, ok := b.Set().(mta.Sending).SendsAs(u.Name.Text); addr != u.SendsAs.Text && ok || ok != (u.SendsAs.Text != "") {
			t.Errorf("%s sends as %q (%v), want %q: %+v", u.Name.Text, addr, ok, u.SendsAs.Text, steps)
		}
	}
}

// TestASenderFromOutsideIsRewrittenInTheEnvelope is what else virtmap-sender-canonical does.
func TestASenderFromOutsideIsRewrittenInTheEnvelope(t *testing.T) {
	w := startWitnessWith(t, crew{[]string{"andrei", "bea", "carol", "dora"}, nil})
	w.put(t, sendingAs)
	if err := w.p.Deliver(t.Context(), "andrei@mx1.example.net", "carol@a.example", []byte("Subject: outside\nFrom: andrei@mx1.example.net\n\nx\n")); err != nil {
		t.Fatal(err)
	}
	if envelope, text := w.arrived(t, "outside"); envelope != "fake@a.example" || !strings.Contains(fields(text), "From: andrei@mx1.example.net\n") {
		t.Errorf("the envelope sender is %s, and\n%s", envelope, text)
	}
}

// also adds lines to main.cf, and reloads Postfix.
func (w *witness) also(t *testing.T, lines string) {
	t.Helper()
	text, err := os.ReadFile(w.main)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(lines) {
		name, _, _ := strings.Cut(line, " =")
		text = regexp.MustCompile(`(?m)^`+name+` =.*\n`).ReplaceAll(text, nil)
	}
	past := time.Now().Add(-time.Minute)
	if err := errorsOf(os.WriteFile(w.main, append(text, lines...), 0o644), os.Chtimes(w.main, past, past), w.p.Reload()); err != nil {
		t.Fatal(err)
	}
}

// arrived waits for a letter in carol's mailbox, and returns its envelope sender and its text.
func (w *witness) arrived(t *testing.T, subject string) (envelope, text string) {
	t.Helper()
	path := filepath.Join(w.p.Folder(), "spool", "carol")
	within(func() bool {
		box, _ := os.ReadFile(path) // it is not there before the first letter
		for _, part := range strings.Split("\n"+string(box), "\nFrom ") {
			if strings.Contains(part, "\nSubject: "+subject+"\n") && strings.HasSuffix(part, "\n") {
				envelope, text, _ = strings.Cut(part, " ")
			}
		}
		return text != ""
	})
	if text == "" {
		t.Fatalf("%s did not arrive:\n%s", subject, w.p.Log())
	}
	return envelope, text
}

// fields returns the fields of a letter that are not those of its way.
func fields(text string) (some string) {
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(line, ": "); ok && strings.Contains(" From Sender Reply-To Cc ", " "+name+" ") {
			some += line
		}
	}
	return some
}
