package postfix_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/workshop/peer"
)

// complaints returns the texts of complaints, one a line.
func complaints(t *testing.T, look func(mta.Audited) ([]mta.Complaint, error), a mta.Audited) string {
	t.Helper()
	all, err := look(a)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range all {
		if c.Place == "" {
			t.Errorf("%q has no place", c.Text)
		}
		lines = append(lines, strings.TrimSuffix(c.Text+"; "+c.Mend, "; "))
	}
	return strings.Join(lines, "\n")
}

func TestAuditOfInstalledFiles(t *testing.T) {
	b := shopBuild(t, strings.Replace(shop, "texthash", "cdb", 1))
	for what, c := range map[string]struct {
		change func(dir string) error
		want   string
	}{
		"as written":   {func(string) error { return nil }, ""},
		"others write": {func(dir string) error { return os.Chmod(filepath.Join(dir, "virtmap-virtual"), 0o666) }, "users other than its owner may write to it"},
		"a second name": {func(dir string) error {
			return os.Link(filepath.Join(dir, "virtmap-virtual.cdb"), filepath.Join(dir, "old"))
		}, ""}, // TestASecondNameHidesANewLMDBFile has the type for which it matters
		"no map": {func(dir string) error { return os.Remove(filepath.Join(dir, "virtmap-virtual.cdb")) }, "it is not there"},
		"a folder": {func(dir string) error {
			return errorsOf(os.Remove(filepath.Join(dir, "virtmap-virtual")), os.Mkdir(filepath.Join(dir, "virtmap-virtual"), 0o755))
		}, "no regular file"},
		"an older map": {func(dir string) error {
			return os.Chtimes(filepath.Join(dir, "virtmap-virtual.cdb"), time.Unix(1, 0), time.Unix(1, 0))
		}, "it is older than"},
		"hidden from us": {func(dir string) error { return os.Chmod(filepath.Join(dir, "virtmap-virtual.cdb"), 0o600) }, ""},
		"behind proxymap": {func(dir string) error {
			main := strings.Replace(shopMain(b), "virtual_alias_maps = ", "virtual_alias_maps = proxy:", 1)
			return errorsOf(os.WriteFile(filepath.Join(dir, "main.cf"), []byte(main), 0o644), os.Chmod(filepath.Join(dir, "virtmap-virtual.cdb"), 0o600))
		}, "as the user postfix"},
		"a bad line": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "main.cf"), []byte(shopMain(b)+"bad\n"), 0o644)
		}, "there is no ="},
	} {
		files := map[string]string{"main.cf": shopMain(b)}
		for _, file := range postfix.Files {
			if file.Rows != nil {
				files[file.Name+".cdb"] = ""
			}
		}
		dir := shopFolder(t, b, files)
		if err := c.change(dir); err != nil {
			t.Fatal(err)
		}
		got := complaints(t, postfix.Server.Audit, mta.Audited{Dir: dir, Build: b})
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

func errorsOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestAuditOfUsers(t *testing.T) {
	peer.Root(t) // folders are given to another user
	const uid = 54321
	for what, c := range map[string]struct {
		mailbox, user, main string
		change              func(dir string) error
		want                string
	}{
		"an mbox that is there": {mailbox: "DIR/own/box", change: func(dir string) error { return ownFile(dir+"/own/box", uid) }},
		"an mbox to be made":    {mailbox: "DIR/own/new"},
		"no folder":             {mailbox: "DIR/own/none/box", want: "the folder DIR/own/none of a mailbox is not there"},
		"another's folder":      {mailbox: "DIR/box", want: "the mailbox DIR/box is missing, and user 54321 may not make it; install -o 54321 -g 54321 -m 600 /dev/null DIR/box"},
		"no lock file":          {mailbox: "DIR/box", change: func(dir string) error { return ownFile(dir+"/box", uid) }, want: "may not make a lock file in DIR"},
		"no lock file is made":  {mailbox: "DIR/box", main: "virtual_mailbox_lock = fcntl", change: func(dir string) error { return ownFile(dir+"/box", uid) }},
		"a lock file by a name": {mailbox: "DIR/box", main: "locks = dotlock\nvirtual_mailbox_lock = $locks", change: func(dir string) error { return ownFile(dir+"/box", uid) }, want: "may not make a lock file in DIR"},
		"another's mbox":        {mailbox: "DIR/own/box", change: func(dir string) error { return ownFile(dir+"/own/box", 0) }, want: "may not write to DIR/own/box"},
		"a Maildir to be made":  {mailbox: "DIR/own/a/b/"},
		"another's Maildir":     {mailbox: "DIR/a/b/", want: "the folder DIR/a/b is missing, and user 54321 may not make it; install -d -o 54321 -g 54321 -m 700 DIR/a/b"},
		"a folder as an mbox":   {mailbox: "DIR/own", want: "a Maildir has a slash at its end"},
		"an mbox as a Maildir":  {mailbox: "DIR/own/box/", change: func(dir string) error { return ownFile(dir+"/own/box", uid) }, want: "the inventory has a Maildir"},
		"a low uid":             {mailbox: "DIR/own/new", main: "virtual_minimum_uid = 60000", want: "below virtual_minimum_uid, 60000"},
		"a low uid by a name":   {mailbox: "DIR/own/new", main: "least = 60000\nvirtual_minimum_uid = $least", want: "below virtual_minimum_uid, 60000"},
		"another's uid":         {mailbox: "DIR/own/new", user: "bin", want: "the account bin has the uid 2"},
		"Dovecot":               {mailbox: "DIR/own/new", main: "mailbox_transport = lmtp:unix:private/lmtp", want: "is written past it"},
		"no alias":              {mailbox: "DIR/own/new", main: "alias_maps = inline:{postmaster=root}", want: `no alias file of the server has "lists"`},
		"no postmaster":         {mailbox: "DIR/own/new", main: "alias_maps = inline:{lists=root}", want: "has postmaster"},
	} {
		dir := peer.SafeDir(t)
		if err := errorsOf(os.Mkdir(dir+"/own", 0o700), os.Chown(dir+"/own", uid, uid)); err != nil {
			t.Fatal(err)
		}
		if c.change != nil {
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
		}
		if c.user == "" {
			c.user = "nobodyhere"
		}
		text := "version: 1\nhost: {name: mx1.shop.test, server: postfix, map: cdb, mail_dir: /etc/postfix}\nlocal_aliases: [lists]\nusers:\n  " + c.user + ": {mailbox: " +
			strings.ReplaceAll(c.mailbox, "DIR", dir) + ", uid: 54321, gid: 54321}\ndomains:\n  a.test: {addresses: {info: " + c.user + ", root: lists}}\n"
		b := shopBuild(t, text)
		conf := shopFolder(t, b, map[string]string{"main.cf": shopMain(b, "alias_maps") + "alias_maps = inline:{postmaster=root, lists=root}\n" + c.main + "\n"})
		got := strings.ReplaceAll(complaints(t, postfix.Server.AuditUsers, mta.Audited{Dir: conf, Build: b, Account: func(string) bool { return false }}), dir, "DIR")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

// ownFile makes a file of a user.
func ownFile(path string, uid int) error {
	return errorsOf(os.WriteFile(path, nil, 0o600), os.Chown(path, uid, uid))
}
