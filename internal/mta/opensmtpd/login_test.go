package opensmtpd_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/mta/opensmtpd/program"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// sendersMail is the inventory of the dialogues. The users are accounts of package sample.
const sendersMail = `version: 1
host: {name: mx1.example.net, server: opensmtpd, mail_dir: DIR}
users: {bin: , sys: , games: }
submission: {authorise: yes}
domains:
  fakemail.example:
    sends: yes
    addresses: {fake: bin, bee: sys, o'brien: bin, bee+news: [bin, sys], old: reject}
  other.example: {sends: yes, catch_all: sys}
  quiet.example: {addresses: {fake: bin}}
`

const rejected = "530 Sender rejected"

// TestDialoguesOfLogins has users log in at a real OpenSMTPD, and compares its replies to
// MAIL FROM with those that are expected; empty: 250.
func TestDialoguesOfLogins(t *testing.T) {
	dir := filepath.Join(peer.SafeDir(t), "set")
	b, faults := compiled(strings.ReplaceAll(sendersMail, "DIR", dir))
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	if err := mtatest.Install(opensmtpd.Server, b, dir); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir, b)
	for _, d := range []struct{ login, from, want string }{
		{"bin", "fake@fakemail.example", ""},
		{"bin", "Fake@FakeMail.Example", ""},
		{"bin", "fake+x@fakemail.example", ""},
		{"bin", "fake+@fakemail.example", ""},
		{"bin", "o'brien@fakemail.example", ""},
		{"bin", "bee+news@fakemail.example", ""},
		{"bin", "bee+News@fakemail.example", ""},
		{"bin", "@h.example:fake@fakemail.example", ""},
		{"bin", "bin@mx1.example.net", ""},
		{"bin", "bin@localhost", ""},
		{"bin", "bin", ""}, // at the server's own name
		{"sys", "anything@other.example", ""},
		{"sys", "anything+x@other.example", ""},

		{"bin", "bee@fakemail.example", rejected},
		{"bin", "bee+x@fakemail.example", rejected},
		{"bin", "bee+news+x@fakemail.example", rejected},
		{"bin", "old@fakemail.example", rejected},
		{"bin", "nobody@fakemail.example", rejected},
		{"bin", "anything@other.example", rejected},
		{"bin", "fake@quiet.example", rejected},
		{"bin", "sys@mx1.example.net", rejected},
		{"bin", "sys", rejected},
		{"bin", "boss@far.example", rejected},
		{"bin", "fake@sub.fakemail.example", rejected},
		{"bin", "fake%fakemail.example@far.example", rejected},
		{"games", "fake@fakemail.example", rejected},
		{"bin", "", rejected}, // no row can allow the null sender
		{"bin", `"fake"@fakemail.example`, "553 5.1.0 Sender address syntax error"},
	} {
		got, err := s.Senders(t.Context(), []outcome.Login{{User: d.login, From: d.from}})
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		if !got[0].Taken {
			said = strings.Join(strings.Fields(fmt.Sprintf("%d %s %s", got[0].Code, got[0].Status, got[0].Text)), " ")
		}
		if said != d.want {
			t.Errorf("%s from <%s>: %q, want %q", d.login, d.from, said, d.want)
		}
	}
	headerIsNotRead(t, s)
	changedAtOnce(t, s, dir)
}

// headerIsNotRead sends a message with the From: of another person: smtpd takes it.
func headerIsNotRead(t *testing.T, s *program.Server) {
	c, err := s.LoggedIn(t.Context(), "bin")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, line := range []string{"MAIL FROM:<fake@fakemail.example>", "RCPT TO:<bee@fakemail.example>", "DATA", "From: bee@fakemail.example\r\n\r\nHello.\r\n."} {
		if code, text, err := c.Ask(line); err != nil || code >= 400 {
			t.Fatalf("%q: %d %s (%v)", line, code, text, err)
		}
	}
}

// changedAtOnce lets smtpd read the tables again, in which bin has lost an address.
func changedAtOnce(t *testing.T, s *program.Server, dir string) {
	b, _ := compiled(strings.Replace(strings.ReplaceAll(sendersMail, "DIR", dir), "fake: bin", "fake: sys", 1))
	if err := mtatest.Install(opensmtpd.Server, b, dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Renew(t.Context(), opensmtpd.UpdateAll); err != nil {
		t.Fatal(err)
	}
	got, err := s.Senders(t.Context(), []outcome.Login{{User: "bin", From: "fake@fakemail.example"}, {User: "sys", From: "fake@fakemail.example"}})
	if err != nil || got[0].Taken || !got[1].Taken {
		t.Errorf("after the change: %v (%v)", got, err)
	}
}

// TestTheInstalledOpenSMTPDIsAskedAboutSenders asks as virtmap test --server does, over the
// smtpd.conf of a site that has listeners and ciphers of its own.
func TestTheInstalledOpenSMTPDIsAskedAboutSenders(t *testing.T) {
	root := peer.OpenSMTPDRoot(t)
	if !peer.Namespace(t) {
		return
	}
	peer.Lay(t, root, "/usr", "/etc")
	dir := opensmtpd.DefaultDir
	b, faults := compiled(strings.ReplaceAll(sendersMail, "DIR", dir))
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	conf := "smtp ciphers \"HIGH\"\ntable aliases file:/etc/aliases\naction \"relay\" relay\n" + wired + "listen on lo port submission tls-require \\\n pki x auth senders <virtmap_senders>\n"
	if err := errors.Join(os.MkdirAll(dir, 0o755), mtatest.Install(opensmtpd.Server, b, dir),
		os.WriteFile("/etc/aliases", nil, 0o644), os.WriteFile("/etc/smtpd.conf", []byte(strings.ReplaceAll(conf, "DIR", dir)), 0o644)); err != nil {
		t.Fatal(err)
	}
	host := mta.Host{Name: "mx1.example.net"}
	set, err := opensmtpd.Server.Open(mta.Place{Dir: dir}, host)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	asked, err := opensmtpd.Server.Ask(context.Background(), mta.Asking{Build: b, Set: set, Host: host, Work: peer.SafeDir(t), Dir: dir, Tell: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	got, err := asked.(mta.AskedSenders).AskSenders(context.Background(), []outcome.Login{{User: "bin", From: "fake@fakemail.example"}, {User: "bin", From: "bee@fakemail.example"}, {User: "sys", From: "bee@fakemail.example"}})
	if err != nil || !got[0].Taken || got[1].Taken || got[1].Code != 530 || !got[2].Taken {
		t.Errorf("the answers are %v (%v)", got, err)
	}
}

// TestExceptionsAreFaults looks at what a row of a user cannot say, and at what it can.
func TestExceptionsAreFaults(t *testing.T) {
	for _, c := range []struct{ it, domain, want string }{
		{"has a catch-all beside an address of another user", "{sends: yes, catch_all: bin, addresses: {x: sys}}", "bin may send from every address of a.example that is not listed, but not from x@a.example"},
		{"has a sender of a domain beside an address of others", "{sends: yes, senders: bin, catch_all: sys, addresses: {x: {to: sys, senders: sys}}}", "bin may send from every address of a.example that is not listed, but not from x@a.example"},
		{"refuses an address beside a catch-all", "{sends: yes, catch_all: bin, addresses: {x: reject}}", "bin may send from every address of a.example that is not listed, but not from x@a.example"},
		{"gives a detail to another user", "{sends: yes, addresses: {x: bin, x+y: sys}}", "bin may send from x@a.example, but not from x+y@a.example"},
		{"gives a detail of an account to another user", "{sends: yes, catch_all: local, addresses: {bin+y: sys}}", "bin may send from bin@a.example, but not from bin+y@a.example"},
		{"gives everything to one user", "{sends: yes, catch_all: bin, addresses: {x: [bin, sys]}}", ""},
		{"has a sender of a domain without other addresses", "{sends: yes, senders: bin, addresses: {x: sys}}", ""},
		{"gives a detail to one more user", "{sends: yes, addresses: {x: bin, x+y: [bin, sys]}}", ""},
		{"does not send", "{catch_all: bin, addresses: {x: sys}}", ""},
	} {
		text := "version: 1\nhost: {name: mx1.example.net, server: opensmtpd}\nusers: {bin: , sys: }\nsubmission: {authorise: yes}\ndomains:\n  a.example: " + c.domain + "\n"
		_, faults := compiled(text)
		said := ""
		for _, f := range faults.Faults() {
			said += f.Check.ID + ": " + f.Text + "\n"
		}
		if c.want == "" && said != "" || !strings.Contains(said, c.want) || strings.Count(said, "\n") > 1 {
			t.Errorf("an inventory that %s: %q, want %q", c.it, said, c.want)
		}
	}
}
