package program_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"virtmap/internal/diag"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/smtpd"
	"virtmap/internal/workshop/peer"
)

// signedMail is an inventory in which each domain that sends has a key. KEY is its path.
var signedMail = strings.NewReplacer("{sends: yes, ", "{sends: {dkim: {vm2026: KEY}}, ", "rewrite: msp", "rewrite: msp, authorise: yes",
	"mx1.example.net}", "mx1.example.net, sends_from: [192.0.2.25]}").Replace(submitMail) +
	"  mx1.example.net: {sends: {dkim: {vm2026: KEY}}, catch_all: local}\n"

// A signer is a machine on which sendmail has mail signed, and gives it to a sink.
type signer struct {
	*submitter
	mail      string                              // the inventory
	published func(name string) ([]string, error) // the TXT records of a name
}

// newSigner starts sendmail and opendkim with the files of a build, and further lines of
// sendmail.mc.
func newSigner(t *testing.T, lines string) *signer {
	t.Helper()
	peer.Find(t, "opendkim")
	key, record := peer.DKIMKey(t, "fakemail.example", "vm2026")
	mail := strings.ReplaceAll(signedMail, "KEY", key)
	x := &signer{newSubmitter(t, mail, "127.0.0.1:2525"), mail, func(name string) ([]string, error) {
		if strings.HasPrefix(name, "vm2026._domainkey.") {
			return []string{record}, nil
		}
		return nil, errors.New("there is no " + name)
	}}
	peer.Run(t, "", "mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/var/mail")
	peer.Run(t, "", "mkdir", "-p", "/etc/sasl2")
	if err := program.WriteSASL("/etc/sasl2", "mx1.example.net", "andrei", "bea", "carol"); err != nil {
		t.Fatal(err)
	}
	milter := peer.OpenDKIM(t, "/etc/mail/virtmap-keytable", "/etc/mail/virtmap-signingtable")
	x.serveMail(includeLine + lines + fmt.Sprintf("INPUT_MAIL_FILTER(`opendkim', `S=inet:%d@%s, F=T, T=S:10s;R:30s')dnl\n", milter.Port(), milter.Addr()) +
		"define(`SMART_HOST', `relay:[127.0.0.1]')dnl\ndefine(`RELAY_MAILER_ARGS', `TCP $h 2525')dnl\n" +
		"FEATURE(`accept_unresolvable_domains')dnl\nFEATURE(`local_lmtp', `" + peer.Find(t, "mail.local") + "')dnl\ndefine(`confDELIVERY_MODE', `interactive')dnl\n")
	return x
}

// serveMail starts sendmail with lines in Debian's sendmail.mc.
func (x *submitter) serveMail(lines string) {
	x.Helper()
	log := newSyslog(x.T)
	x.Cleanup(func() {
		if x.Failed() {
			x.Logf("the server logged:\n%s", strings.Join(log.all(), "\n"))
		}
	})
	cf, err := x.CF(fmt.Sprintf(debianMC, lines))
	if err != nil {
		x.Fatal(err)
	}
	overwrite(x.T, "/etc/mail/sendmail.cf", string(cf))
	peer.Run(x.T, "", "mkdir", "-p", "/var/run/sendmail/mta")
	peer.Run(x.T, "", "newaliases")
	daemon := exec.Command("/usr/sbin/sendmail", "-bD")
	if err := daemon.Start(); err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() {
		_ = daemon.Process.Signal(syscall.SIGTERM)
		_ = daemon.Wait() // any exit status is right
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", "127.0.0.1:25"); err == nil {
			conn.Close()
			return
		}
	}
	x.Fatal("sendmail does not answer")
}

// verified returns the domain of the signature of a message, and whether it verifies.
func (x *signer) verified(m smtpd.Message) string {
	x.Helper()
	all, err := dkim.VerifyWithOptions(bytes.NewReader(m.Body), &dkim.VerifyOptions{LookupTXT: x.published})
	switch {
	case err != nil || len(all) > 1:
		x.Fatalf("%v, %d signatures\n%s", err, len(all), m.Body)
	case len(all) == 0:
		return "not signed"
	case all[0].Err != nil:
		return all[0].Domain + " is broken"
	}
	return all[0].Domain + " verifies"
}

// TestSignedMail sends mail by the sendmail command to a server that only signs. Every
// signature is of the domain of the From: field, and verifies.
func TestSignedMail(t *testing.T) {
	installed(t)
	if !peer.Namespace(t) {
		return
	}
	x := newSigner(t, "")
	x.submitCF(submitInclude)
	for _, c := range []struct{ user, args, header, want string }{
		{"andrei", "x@far.example", "", "fake@fakemail.example | fake@fakemail.example | fakemail.example verifies"},
		{"andrei", "x@far.example", "From: andrei", "fake@fakemail.example | fake@fakemail.example | fakemail.example verifies"},
		{"andrei", "x@far.example", "From: Andrei <andrei@mx1.example.net>", "fake@fakemail.example | Andrei <fake@fakemail.example> | fakemail.example verifies"},
		{"andrei", "x@far.example", "From: fake@fakemail.example", "fake@fakemail.example | fake@fakemail.example | fakemail.example verifies"},
		{"bea", "x@far.example", "From: bea\nCc: carol", "bee@fakemail.example | bee@fakemail.example | fakemail.example verifies"},
		{"bea", "x@far.example", "From: bee@fakemail.example\nTo: andrei\nCc: carol@localhost", "bee@fakemail.example | bee@fakemail.example | fakemail.example verifies"},
		{"carol", "x@far.example", "", "carol@mx1.example.net | carol@mx1.example.net | mx1.example.net verifies"},
		{"root", "x@far.example", "", "root@mx1.example.net | root <root@mx1.example.net> | mx1.example.net verifies"},
		{"andrei", "x@far.example", "From: andrei@far.example", "fake@fakemail.example | andrei@far.example | not signed"},
	} {
		code, out := x.submit(c.user, c.header+"\n\nHello.\n", strings.Fields(c.args)...)
		if code != 0 || out != "" {
			t.Errorf("%s with %q: exit %d, %s", c.user, c.header, code, out)
			continue
		}
		m := x.next()
		if got := strings.Join([]string{m.From, fieldOf(m, "From"), x.verified(m)}, " | "); got != c.want {
			t.Errorf("%s with %q: %s, want %s\n%s", c.user, c.header, got, c.want, m.Body)
		}
	}

	if code, out := x.submit("andrei", "From: andrei\nTo: bea\nCc: carol@mx1.example.net\n\nThe end.\n", "-t"); code != 0 {
		t.Fatalf("to accounts: exit %d, %s", code, out)
	}
	waitFor(t, "/var/mail/bea", "The end.")
	mailbox, err := os.ReadFile("/var/mail/bea")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"From fake@fakemail.example ", "From: fake@fakemail.example\n", "To: bea@mx1.example.net\n", "Cc: carol@mx1.example.net\n"} {
		if !strings.Contains("\n"+string(mailbox), "\n"+line) {
			t.Errorf("the mailbox has no line %q:\n%s", line, mailbox)
		}
	}
}

// TestMailIsSignedAndThenRewritten has the genericstable in the server that signs, which
// VM065 refuses. The milter sees a message before it is rewritten.
func TestMailIsSignedAndThenRewritten(t *testing.T) {
	installed(t)
	if !peer.Namespace(t) {
		return
	}
	lines := mcfile.Settings{MailDir: "/etc/mail", Map: "hash"}.SubmitLines("mx1.example.net")
	x := newSigner(t, lines)
	x.refusedByEdit(lines)
	for _, c := range []struct{ header, want string }{
		{"From: andrei@mx1.example.net", "fake@fakemail.example | mx1.example.net is broken"},
		{"From: andrei", "fake@fakemail.example | not signed"},
		{"From: fake@fakemail.example", "fake@fakemail.example | fakemail.example verifies"},
		{"From: fake@fakemail.example\r\nCc: bea", "fake@fakemail.example | fakemail.example is broken"},
	} {
		if err := smtp.SendMail("127.0.0.1:25", nil, "andrei@mx1.example.net", []string{"x@far.example"}, []byte(c.header+"\r\n\r\nHello.\r\n")); err != nil {
			t.Errorf("%q: %v", c.header, err)
			continue
		}
		m := x.next()
		if got := fieldOf(m, "From") + " | " + x.verified(m); got != c.want {
			t.Errorf("%q: %s, want %s\n%s", c.header, got, c.want, m.Body)
		}
	}
}

// refusedByEdit gives virtmap a sendmail.mc with the lines and a signing milter.
func (x *signer) refusedByEdit(lines string) {
	x.Helper()
	var sources diag.Sources
	var faults diag.List
	src, err := sources.Add("sendmail.mc", fmt.Sprintf(debianMC, lines+"INPUT_MAIL_FILTER(`opendkim', `S=inet:8891@127.0.0.1')dnl\n"))
	if err != nil {
		x.Fatal(err)
	}
	mcfile.Edit(src, mcfile.Settings{MailDir: "/etc/mail", Map: "hash"}, &faults)
	if !slices.ContainsFunc(faults.Faults(), func(f diag.Fault) bool { return f.Check.ID == "VM065" }) {
		x.Errorf("the faults are %v", faults.Faults())
	}
}
