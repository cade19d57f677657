package postfix_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/workshop/peer"
)

// reading reads the configuration of a folder for a server that was started at a time.
func reading(t *testing.T, b postfix.Build, dir string, started time.Time, before mta.Remembered) mta.Reading {
	t.Helper()
	c, err := postfix.Server.Conf(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	return c.Reading(b, dir, started, before)
}

func TestAChangedMainCFIsStaleUntilTheReload(t *testing.T) {
	b := shopBuild(t, shop)
	dir := shopFolder(t, b, map[string]string{"main.cf": shopMain(b)})
	before, after := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if r := reading(t, b, dir, after, mta.Remembered{}); !r.Complete() || r.Remember == nil || len(r.Remember.Reads) < 10 {
		t.Errorf("reloaded after the change: %+v", r)
	}
	if r := reading(t, b, dir, before, mta.Remembered{}); !r.Stale || len(r.Gaps) > 0 || r.Remember != nil || len(r.Says) != 1 {
		t.Errorf("reloaded before the change: %+v", r)
	}
	had := *reading(t, b, dir, after, mta.Remembered{}).Remember
	had.Started = before
	if r := reading(t, b, dir, before, had); !r.Complete() {
		t.Errorf("written again with the same lines: %+v", r)
	}
	had.Reads = had.Reads[1:]
	if r := reading(t, b, dir, before, had); !r.Stale {
		t.Errorf("one line is new: %+v", r)
	}
	if r := reading(t, b, dir, time.Time{}, mta.Remembered{}); !r.Complete() {
		t.Errorf("no server runs: %+v", r)
	}
	if r := reading(t, b, t.TempDir(), after, mta.Remembered{}); !r.Complete() || r.Holds("virtmap-virtual") {
		t.Errorf("without main.cf: %+v", r)
	}
}

// waiting returns the files that wait.
func waiting(r mta.Reading) (names []string) {
	for _, file := range postfix.Files {
		if r.Holds(file.Name) {
			names = append(names, file.Name)
		}
	}
	return names
}

func TestFilesWaitForWhatTheirRowsLeadTo(t *testing.T) {
	b := shopBuild(t, shop)
	for without, want := range map[string][]string{
		"alias_maps":              {"virtmap-virtual", "virtmap-domains"},
		"virtual_mailbox_domains": {"virtmap-virtual", "virtmap-domains"},
		"virtual_uid_maps":        {"virtmap-virtual", "virtmap-domains"},
		"transport_maps":          {"virtmap-virtual", "virtmap-domains"},
		"virtual_alias_maps":      {"virtmap-domains"},
		"virtual_alias_domains":   nil,
		"relay_domains":           nil,
		"recipient_delimiter":     nil,
	} {
		dir := shopFolder(t, b, map[string]string{"main.cf": shopMain(b, without)})
		r := reading(t, b, dir, time.Time{}, mta.Remembered{})
		if got := waiting(r); !slices.Equal(got, want) {
			t.Errorf("without %s %q wait, want %q", without, got, want)
		}
		steps := strings.Join(r.Steps(), "\n")
		if !strings.Contains(steps, "\n  "+without+" = ") || !strings.HasSuffix(steps, "postfix reload") {
			t.Errorf("without %s the steps are %s", without, steps)
		}
	}
	dir := shopFolder(t, b, map[string]string{"main.cf": ""})
	if got := waiting(reading(t, b, dir, time.Time{}, mta.Remembered{})); got != nil {
		t.Errorf("Postfix reads nothing, and %q wait", got)
	}
}

func TestADomainThatMovesToAnUnreadListWaits(t *testing.T) {
	old := shopBuild(t, shop)
	next := shopBuild(t, strings.Replace(shop, "  a.test: {", "  a.test: {role: backup}\n  b.test: {", 1))
	dir := shopFolder(t, old, map[string]string{"main.cf": shopMain(next, "relay_domains")})
	if got := waiting(reading(t, next, dir, time.Time{}, mta.Remembered{})); !slices.Equal(got, []string{"virtmap-domains"}) {
		t.Errorf("%q wait", got)
	}
}

func TestAReloadIsSeen(t *testing.T) {
	peer.Root(t)
	dir := peer.SafeDir(t)
	p, err := program.Start(t.Context(), program.Options{Root: program.Unpacked(peer.PostfixRoot(t)), Folder: filepath.Join(dir, "instance"), Main: []byte("compatibility_level = 3.6\n")})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := postfix.Server.Conf(filepath.Join(p.Folder(), "etc"), false)
	if err != nil {
		t.Fatal(err)
	}
	started := func(what string, after time.Time) time.Time {
		t.Helper()
		d, runs := c.Daemon(true)
		if now := time.Now(); !runs || d.Started.Before(after) || d.Started.After(now.Add(20*time.Millisecond)) {
			t.Errorf("%s: %+v, %t, between %s and %s", what, d, runs, after, now)
		}
		return d.Started
	}
	first := started("start", time.Now().Add(-30*time.Second))
	time.Sleep(100 * time.Millisecond)
	before := time.Now().Add(-20 * time.Millisecond) // the start of a process is told in hundredths
	if err := p.Reload(); err != nil {
		t.Fatal(err)
	}
	if again := started("reload", before); !again.After(first) {
		t.Errorf("the reload is not after the start, %s", first)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if d, runs := c.Daemon(true); runs {
		t.Errorf("after the end: %+v", d)
	}
}

func TestEditOfTheMainCFOfAPackage(t *testing.T) {
	b := shopBuild(t, shop)
	text, err := os.ReadFile(filepath.Join(peer.PostfixRoot(t), "usr/share/postfix/main.cf.dist"))
	if err != nil {
		t.Fatal(err)
	}
	var sources diag.Sources
	var faults diag.List
	src, err := sources.Add("main.cf", string(text))
	if err != nil {
		t.Fatal(err)
	}
	next, lines := postfix.Server.Edit(src, b, false, &faults)
	if faults.Failed() || len(lines(next)) <= len(lines(text)) {
		t.Fatalf("%v\n%s", faults.Faults(), next)
	}
	command := peer.Postfix(t, "postconf")
	path := filepath.Join(strings.TrimPrefix(command[1], "MAIL_CONFIG="), "main.cf")
	if err := errors.Join(os.WriteFile(path, next, 0o644), os.WriteFile(filepath.Join(filepath.Dir(path), "master.cf"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	out, errOut, err := peer.Try("", command[0], append(command[1:], "-n")...)
	if err != nil || errOut != "" {
		t.Errorf("postconf says %v: %s", err, errOut)
	}
	config := maincf.Parse("main.cf", next)
	for _, line := range b.Lines() {
		value, _, _ := config.Set(line.Name)
		if !strings.Contains("\n"+out, "\n"+line.Name+" = "+value+"\n") {
			t.Errorf("postconf has no line %s = %s", line.Name, value)
		}
	}
	dir := shopFolder(t, b, map[string]string{"main.cf": string(next) + "myhostname = mx1.shop.test\n"})
	if r := reading(t, b, dir, time.Time{}, mta.Remembered{}); len(r.Gaps) > 0 {
		t.Errorf("gaps are left: %v", r.Gaps)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can start a Postfix with it")
	}
	p, err := program.Start(t.Context(), program.Options{Root: program.Unpacked(peer.PostfixRoot(t)), Folder: filepath.Join(dir, "instance"), Main: append(next, "myhostname = mx1.shop.test\nsetgid_group = postdrop\n"...), // the package leaves both to its installer
		Accounts: []string{"andrei", "bea"}, Move: func(path string) string { return strings.Replace(path, "/etc/postfix/", dir+"/", 1) }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, err := p.Outcomes(t.Context(), []string{"info@a.test", "old@a.test"})
	if err != nil || !got[0].Taken || got[1].Taken || got[1].Text != "Ann left" {
		t.Errorf("a Postfix with it says %+v, %v", got, err)
	}
	if log := p.Log(); strings.Contains(log, ": warning: ") {
		t.Errorf("it warns: %s", log)
	}
}

func TestNamedFilesStay(t *testing.T) {
	b := shopBuild(t, shop)
	dir := shopFolder(t, b, map[string]string{"main.cf": "# virtmap-uids\nvirtual_alias_maps = cdb:/etc/postfix/virtmap-virtual.cdb,\n  hash:/x\n",
		"master.cf": "cleanup unix n - n - 0 cleanup\n -o virtual_alias_maps=regexp:/etc/postfix/virtmap-detail\n"})
	named, by, ok := postfix.Server.Named(dir, []string{"virtmap-detail", "virtmap-uids", "virtmap-virtual"})
	if !ok || !slices.Equal(named, []string{"virtmap-detail", "virtmap-virtual"}) || !slices.Equal(by, []string{filepath.Join(dir, "main.cf"), filepath.Join(dir, "master.cf")}) {
		t.Errorf("named are %q by %q, %t", named, by, ok)
	}
	if named, _, ok := postfix.Server.Named(t.TempDir(), []string{"virtmap-uids"}); named != nil || !ok {
		t.Errorf("without main.cf named are %q, %t", named, ok)
	}
}

func TestARollbackToUnreadFilesIsRefused(t *testing.T) {
	b := shopBuild(t, shop)
	dir := shopFolder(t, b, map[string]string{})
	unread := func(main, rows string) *mta.Unread {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "main.cf"), []byte(strings.ReplaceAll(main, "/etc/postfix", dir)), 0o644); err != nil {
			t.Fatal(err)
		}
		u, err := postfix.Server.Unread(mta.Kept{Dir: dir, Content: func(name string) ([]byte, error) {
			if name != "virtmap-virtual" {
				return nil, errors.New("not asked for")
			}
			return []byte(rows), nil
		}, Started: func(mta.Conf, mta.Remembered) time.Time { return time.Time{} }})
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	const alias, mailbox = "team@a.test\tvirtmap-team=a.test@mx1.shop.test\n", "b@a.test\tandrei, bea@mailbox.virtmap.invalid\n"
	if u := unread(shopMain(b), alias+mailbox); u != nil {
		t.Errorf("everything is read: %+v", u)
	}
	if u := unread(shopMain(b, "alias_maps"), alias); u == nil || u.File != "virtmap-aliases" || len(u.Why) != 1 {
		t.Errorf("no aliases are read: %+v", u)
	}
	if u := unread(shopMain(b, "virtual_mailbox_maps"), mailbox); u == nil || u.File != "virtmap-mailboxes" {
		t.Errorf("no mailboxes are read: %+v", u)
	}
	if u := unread(shopMain(b, "alias_maps"), mailbox); u != nil {
		t.Errorf("no row leads to aliases: %+v", u)
	}
	if u := unread("", alias); u != nil {
		t.Errorf("no file of the folder is read: %+v", u)
	}
}
