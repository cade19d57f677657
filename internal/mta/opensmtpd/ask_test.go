package opensmtpd_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/promise"
	"virtmap/internal/workshop/peer"
)

// TestTheInstalledOpenSMTPDIsAsked asks an installed OpenSMTPD about the shipped example,
// as `virtmap test --server` does: over new files, and over installed ones with an
// smtpd.conf that has listeners in a file of their own, an alias that runs a program, and a
// relay.
func TestTheInstalledOpenSMTPDIsAsked(t *testing.T) {
	root := peer.OpenSMTPDRoot(t)
	if !peer.Namespace(t) {
		return
	}
	peer.Lay(t, root, "/usr", "/etc")
	b := example(t, "/srv/mail")
	work := peer.SafeDir(t)
	if err := mtatest.Install(opensmtpd.Server, b, work); err != nil {
		t.Fatal(err)
	}
	askedAbout(t, b, mta.Asking{Work: work})

	if err := os.MkdirAll(opensmtpd.DefaultDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := mtatest.Install(opensmtpd.Server, b, opensmtpd.DefaultDir); err != nil {
		t.Fatal(err)
	}
	ran := filepath.Join(work, "ran")
	for path, text := range map[string]string{
		"/etc/aliases":      "mailman: |/usr/bin/touch " + ran + "\n",
		"/etc/smtpd.listen": "listen on localhost\nlisten on 127.0.0.3 port 2525 \\\n hostname mx1.example.net\n",
		"/etc/smtpd.conf": `table aliases file:/etc/aliases
include "/etc/smtpd.listen"
action "local" maildir "/var/mail/%{user.username}" alias <aliases>
action "relay" relay host smtp://192.0.2.1
include "/etc/mail/virtmap/virtmap.conf"
match from any for local action "local"
match from local for any action "relay"
`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	askedAbout(t, b, mta.Asking{Work: work, Dir: opensmtpd.DefaultDir})
	if _, err := os.Stat(ran); err == nil {
		t.Error("an alias of the machine was run")
	}
}

// askedAbout asks about the addresses of the example and their near misses.
func askedAbout(t *testing.T, b opensmtpd.Build, a mta.Asking) {
	t.Helper()
	dir := a.Work
	if a.Dir != "" {
		dir = a.Dir
	}
	a.Build, a.Host = b, mta.Host{Name: "mx1.example.net", Account: func(name string) bool { return strings.Contains(" andrei bea carol dora mailman ", " "+name+" ") }}
	set, err := opensmtpd.Server.Open(mta.Place{Dir: dir}, a.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	a.Set = set
	asked, err := opensmtpd.Server.Ask(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	promises := promise.Promises{Model: b.Model, Account: a.Host.Account}
	var addresses []string
	for v := range promise.Vectors(b.Model) {
		addresses = append(addresses, v.Address)
	}
	got, err := asked.Ask(context.Background(), addresses)
	if err != nil {
		t.Fatal(err)
	}
	for i, addr := range addresses {
		folded, _ := mailaddr.Fold(addr)
		if promised := promises.Of(folded); !mtatest.Alike(got[i], promised) {
			t.Errorf("%s is %v, and promised is %v", addr, got[i], promised)
		}
	}
	if t.Logf("%d addresses", len(addresses)); len(addresses) < 50 {
		t.Error("too few addresses were asked")
	}
}
