package exim_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/exim/program"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// sendersMail is the inventory of the dialogues. The users are accounts of package sample.
const sendersMail = `version: 1
host: {name: mx1.example.net, server: exim, mail_dir: DIR, map: MAP}
users: {bin: , sys: , games: }
submission: {authorise: yes}
domains:
  fakemail.example:
    sends: yes
    addresses: {fake: bin, bee: sys, "o'brien": bin, bee+news: bin, old: reject, x_y-z: bin}
  other.example: {sends: yes, catch_all: sys, addresses: {info: bin}}
  open.example: {sends: yes, catch_all: local, addresses: {sys: bin}}
  quiet.example: {addresses: {fake: bin}}
`

const mayNot = "553 5.7.1 this login may not send from this address"

// loginsAt builds the inventory of the dialogues with a type of maps, and returns Exim over
// its files.
func loginsAt(t *testing.T, typ string) (e *program.Exim, dir string) {
	t.Helper()
	dir = filepath.Join(peer.SafeDir(t), "set")
	b, faults := compiled(strings.NewReplacer("DIR", dir, "MAP", typ).Replace(sendersMail))
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	if err := mtatest.Install(exim.Server, b, dir); err != nil {
		t.Fatal(err)
	}
	return startExim(t, dir, b), dir
}

// said returns a reply that refuses; empty: the address is taken.
func said(o outcome.Outcome) string {
	if o.Taken {
		return ""
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%d %s %s", o.Code, o.Status, o.Text)), " ")
}

// TestDialoguesOfLogins has users log in at a real Exim with each type of maps. Without the
// table, their mail is deferred, and that of others is not.
func TestDialoguesOfLogins(t *testing.T) {
	for _, typ := range exim.Server.Maps {
		e, dir := loginsAt(t, typ)
		for _, d := range []struct{ login, from, want string }{
			{"bin", "fake@fakemail.example", ""},
			{"BIN", "Fake@FakeMail.Example", ""},
			{"bin", `"fake"@fakemail.example`, ""},
			{"bin", `"fake+x"@fakemail.example`, ""},
			{"bin", "fake+x@fakemail.example", ""},
			{"bin", "fake+@fakemail.example", ""},
			{"bin", "o'brien@fakemail.example", ""},
			{"bin", "X_Y-Z@fakemail.example", ""},
			{"bin", "bee+news@fakemail.example", ""},
			{"bin", "@h.example:fake@fakemail.example", ""},
			{"bin", "bin@mx1.example.net", ""},
			{"bin", "bin+x@localhost", ""},
			{"bin", "sys@open.example", ""},
			{"bin", "bin+x@open.example", ""},
			{"bin", "info@other.example", ""},
			{"bin", "", ""}, // a receipt
			{"sys", "anything@other.example", ""},
			{"sys", "anything+x@other.example", ""},

			{"bin", "bee@fakemail.example", mayNot},
			{"bin", "bee+x@fakemail.example", mayNot},
			{"bin", "bee+news+x@fakemail.example", mayNot},
			{"bin", "old@fakemail.example", mayNot},
			{"-", "old@fakemail.example", mayNot},
			{"<;", "old@fakemail.example", mayNot},
			{";", "old@fakemail.example", mayNot},
			{"bin", "nobody@fakemail.example", mayNot},
			{"bin", "anything@other.example", mayNot},
			{"sys", "info@other.example", mayNot},
			{"sys", "sys@open.example", mayNot},
			{"games", "nobody@open.example", mayNot},
			{"bin", "fake@quiet.example", mayNot},
			{"bin", "sys@mx1.example.net", mayNot},
			{"bin", "boss@far.example", mayNot},
			{"bin", "fake@sub.fakemail.example", mayNot},
			{"bin", "fake%fakemail.example@far.example", mayNot},
			{"bin", `"fake@fakemail.example"@far.example`, mayNot},
			{"bin", `"x@far.example,fake"@fakemail.example`, mayNot},
			{"bin", `${lookup{x}lsearch{/etc/passwd}}@fakemail.example`, mayNot},
			{"bin : sys", "bee@fakemail.example", mayNot},
			{"bin@fakemail.example", "fake@fakemail.example", mayNot}, // a login is the name of a user
		} {
			got, err := e.Senders(t.Context(), []outcome.Login{{User: d.login, From: d.from}})
			if err != nil {
				t.Fatal(err)
			}
			if said(got[0]) != d.want {
				t.Errorf("map: %s: %s from <%s>: %q, want %q", typ, d.login, d.from, said(got[0]), d.want)
			}
		}
		if err := os.Remove(filepath.Join(dir, "senders"+map[string]string{"cdb": ".cdb", "hash": ".db"}[typ])); err != nil {
			t.Fatal(err)
		}
		for _, from := range []string{"fake@fakemail.example", "bee@fakemail.example"} {
			if got, err := e.Senders(t.Context(), []outcome.Login{{User: "bin", From: from}}); err != nil || got[0].Code != 451 {
				t.Errorf("map: %s: without the table %s gets %v (%v)", typ, from, got, err)
			}
		}
		if got, err := e.RCPT(t.Context(), []string{"fake@fakemail.example"}); err != nil || !got[0].Taken {
			t.Errorf("map: %s: without the table, mail without a login gets %v (%v)", typ, got, err)
		}
	}
}

// TestASessionOfALogin sends whole messages in a session that is no test session: only the
// envelope is looked at, and without a login nothing is.
func TestASessionOfALogin(t *testing.T) {
	e, _ := loginsAt(t, "cdb")
	login := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00bin\x00x"))
	message := func(from, header string) []string {
		return []string{"MAIL FROM:<" + from + ">", "RCPT TO:<someone@far.example>", "DATA", header + "\r\nDate: x\r\n\r\nHello.\r\n."}
	}
	for _, c := range []struct {
		it, login, from, header string
		refused                 bool
	}{
		{"its own address", login, "fake@fakemail.example", "From: fake@fakemail.example", false},
		{"another one's From:", login, "fake@fakemail.example", "From: bee@fakemail.example", false},
		{"another one's address", login, "bee@fakemail.example", "From: bee@fakemail.example", true},
		{"no login", "NOOP", "bee@fakemail.example", "From: bee@fakemail.example", false},
	} {
		all, err := e.Session(t.Context(), append([]string{"EHLO client.example", c.login}, message(c.from, c.header)...)...)
		if err != nil {
			t.Fatal(err)
		}
		texts, refused := []string{}, false
		for _, o := range all {
			texts = append(texts, fmt.Sprintf("%d %s", o.Code, o.Text))
			refused = refused || said(o) == mayNot
		}
		if refused != c.refused || !refused && !strings.Contains(strings.Join(texts, "\n"), "OK id=") {
			t.Errorf("a session with %s: %q", c.it, texts)
		}
	}
}

// TestTheInstalledEximIsAskedAboutSenders asks an installed Exim as virtmap test --server
// does: over a copy of its configuration, with its own authenticators taken out.
func TestTheInstalledEximIsAskedAboutSenders(t *testing.T) {
	peer.EximRoot(t)
	if !peer.Namespace(t) {
		return
	}
	peer.InstallExim(t, "mx1.example.net", "127.0.0.2::2525", true)
	work := peer.SafeDir(t)
	b, faults := compiled(strings.NewReplacer("DIR", "/etc/exim4/virtmap", "MAP", "cdb").Replace(sendersMail))
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	if err := mtatest.Install(exim.Server, b, work); err != nil {
		t.Fatal(err)
	}
	host := mta.Host{Name: "mx1.example.net"}
	set, err := exim.Server.Open(mta.Place{Dir: work}, host)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	asked, err := exim.Server.Ask(context.Background(), mta.Asking{Build: b, Set: set, Host: host, Work: work, Tell: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	got, err := asked.(mta.AskedSenders).AskSenders(context.Background(), []outcome.Login{{User: "bin", From: "fake@fakemail.example"}, {User: "bin", From: "bee@fakemail.example"}, {User: "sys", From: "bee@fakemail.example"}})
	if err != nil || !got[0].Taken || said(got[1]) != mayNot || !got[2].Taken {
		t.Errorf("the answers are %v (%v)", got, err)
	}
}

// TestWithoutAuthoriseNothingIsWritten looks at the files of an inventory that says nothing
// about logins, and at what is left of the table when it does no longer.
func TestWithoutAuthoriseNothingIsWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "set")
	before := strings.NewReplacer("DIR", dir, "MAP", "cdb").Replace(sendersMail)
	without := strings.Replace(before, "submission: {authorise: yes}\n", "", 1)
	for _, c := range []struct {
		text    string
		written bool
		rows    int
	}{{without, false, 0}, {before, true, 20}, {without, true, 0}} {
		b, faults := compiled(c.text)
		if faults.Failed() {
			t.Fatal(faults.Faults())
		}
		if err := mtatest.Install(exim.Server, b, dir); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "senders"))
		if (err == nil) != c.written || strings.Count(string(text), "@") != c.rows {
			t.Errorf("the table of senders is %q (%v)", text, err)
		}
		acl, _ := os.ReadFile(filepath.Join(dir, "acl"))
		if strings.Contains(string(acl), "senders.cdb") != (c.rows > 0) {
			t.Errorf("the list of checks is\n%s", acl)
		}
	}
}
