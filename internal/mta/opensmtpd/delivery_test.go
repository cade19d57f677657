package opensmtpd_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/mta/opensmtpd/program"
	"virtmap/internal/promise"
	"virtmap/internal/workshop/peer"
)

// example is the shipped example in the form of OpenSMTPD, with the mailboxes of bea and
// dora in a folder: bea has a Maildir, and dora a file.
func example(t testing.TB, folder string) opensmtpd.Build {
	t.Helper()
	text, err := os.ReadFile("../../../testdata/example/mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	said := strings.NewReplacer(
		"host:\n", "host:\n  server: opensmtpd\n",
		", bounces_to: andrei, detail: keep", "", "catch_all: {domain: partner.example}", "catch_all: ann@partner.example",
		"bea: {mailbox: /srv/mail/bea, uid: 1002}", fmt.Sprintf("bea: {mailbox: %s/bea/, uid: %d}\n  dora: {mailbox: %s/dora/mail, uid: %d}", folder, beaID, folder, doraID),
		"fake: andrei\n", "fake: andrei\n      dora: dora\n").Replace(string(text))
	b, faults := compiled(said)
	if faults.Failed() {
		t.Fatal(faults.Faults()[0].Text)
	}
	return b
}

// Numbers of users that this machine need not have.
const (
	beaID  = 31002
	doraID = 31003
)

// TestDeliveriesOfTheExample sends mail to the addresses of the example, and looks where
// it is stored.
func TestDeliveriesOfTheExample(t *testing.T) {
	root, dir := peer.OpenSMTPDRoot(t), peer.SafeDir(t)
	for user, id := range map[string]int{"bea": beaID, "dora": doraID} {
		home := filepath.Join(dir, "mail", user)
		if err := os.MkdirAll(home, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(home, id, id); err != nil {
			t.Fatal(err)
		}
	}
	b := example(t, filepath.Join(dir, "mail"))
	tables, folder := filepath.Join(dir, "tables"), filepath.Join(dir, "smtpd")
	for _, d := range []string{tables, folder} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := mtatest.Install(opensmtpd.Server, b, tables); err != nil {
		t.Fatal(err)
	}
	o := opensmtpd.Question(b)
	o.Root, o.Folder, o.Tables, o.Deliver = root, folder, tables, true
	o.Accounts, o.Aliases = []string{"andrei", "carol", "listmaster"}, "mailman: listmaster\n"
	s, err := program.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	asked(t, s, b)
	for path, want := range map[string]int{
		filepath.Join(folder, "home/andrei/Maildir/new"): 5, // fake, fake+x, info, team, sales
		filepath.Join(folder, "home/carol/Maildir/new"):  1,
		filepath.Join(dir, "mail/bea/new"):               3, // info, team, sales+x
	} {
		if files, _ := os.ReadDir(path); len(files) != want {
			t.Errorf("%s has %d messages, and not %d", path, len(files), want)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "mail/dora/mail")); strings.Count(string(text), "\nSubject: x\n") != 1 {
		t.Errorf("dora's mailbox is %q (%v)", text, err)
	}
}

// asked sends mail to addresses of the example, and compares the outcomes with the promise.
func asked(t *testing.T, s *program.Server, b opensmtpd.Build) {
	t.Helper()
	var addresses []string
	for _, local := range []string{"fake", "fake+x", "info", "team", "sales", "sales+x", "dora", "carol", "lists", "partner", "old", "moved", "busy", "paused", "nobody"} {
		addresses = append(addresses, local+"@fakemail.example")
	}
	addresses = append(addresses, "anyone@partners.example", "x@backup.example", "x@closed.example", "x@nowhere.example")
	got, err := s.Outcomes(context.Background(), addresses)
	if err != nil {
		t.Fatal(err)
	}
	promises := promise.Promises{Model: b.Model, Account: func(string) bool { return false }}
	for i, addr := range addresses {
		folded, _ := mailaddr.Fold(addr)
		if promised := promises.Of(folded); !mtatest.Alike(got[i], promised) {
			t.Errorf("%s is %v, and promised is %v", addr, got[i], promised)
		}
	}
}
