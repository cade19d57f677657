package cli

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/inventory"
)

// deep looks at the installed files: what sendmail would not read, where they
// contradict each other, and whether the users are accounts here.
func (a *checkArgs) deep(source sendmail.Build, stdio Stdio) error {
	dir := cmp.Or(a.out, source.Model.Host.MailDir.Text)
	found := 0
	say := func(path, text, mend string) {
		found++
		fmt.Fprintf(stdio.Err, "%s: error: %s\n", diag.Printable(path), diag.Printable(text))
		if mend != "" {
			fmt.Fprintf(stdio.Err, "%s: help: %s\n", diag.Printable(path), diag.Printable(mend))
		}
	}
	for _, f := range source.Unsafe(dir, sendmail.TrustedUser(dir, build.LookupUser)) {
		say(f.Path, f.Text, f.Mend)
	}
	if err := deepWiring(source, dir, say); err != nil {
		return machineExit(err, exitIO)
	}
	drift, err := fileset.Drift(sendmail.Server, dir)
	if err != nil {
		return machineExit(err, exitIO)
	}
	for _, line := range drift {
		say(dir, line, "virtmap diff says what a build makes of it")
	}
	if err := deepAccounts(source, dir, say); err != nil {
		return machineExit(err, exitIO)
	}
	if found > 0 {
		fmt.Fprintln(stdio.Err, diag.Count(found, "error"))
		return exit(exitProblems, nil)
	}
	return nil
}

// deepWiring names what the server's configuration must read and does not.
func deepWiring(source sendmail.Build, dir string, say func(path, text, mend string)) error {
	config, err := build.Configuration(dir, dir == source.Model.Host.MailDir.Text)
	if err != nil {
		return err
	}
	v := config.Serving(source.Settings(), time.Time{}, conf.Remembered{})
	for _, g := range source.Needed(v.Gaps) {
		say(config.At(g.Line), g.What, g.Help(source.Settings()))
	}
	if daemon, runs := config.Daemon(filepath.Dir(config.Path) != mcfile.DefaultDir); runs && build.IsLive(dir, &source.Model.Host) && daemon.Started.Before(config.Changed) {
		say(config.Path, "it was changed since the running sendmail was started", "service sendmail restart")
	}
	for _, line := range config.Unread() {
		say(line.Place, line.Text, "")
	}
	return nil
}

// deepAccounts looks for the users, their mailboxes and the local aliases.
func deepAccounts(source sendmail.Build, dir string, say func(path, text, mend string)) error {
	accounts, err := readAccounts(passwd)
	if err != nil {
		return err
	}
	m := source.Model
	for _, u := range m.Users {
		place, _ := m.Sources.Place(u.Name.Pos)
		switch {
		case u.Mailbox.Text != "":
			deepMailbox(u, say)
		case u.Forward.Text == "" && !accounts[u.Name.Text]:
			say(place.String(), fmt.Sprintf("user %q is no account of this machine", u.Name.Text), "useradd "+u.Name.Text+", or run this on "+m.Host.Name.Text)
		}
	}
	for _, n := range m.LocalAliases {
		has, known, err := sendmail.SiteAlias(dir, n.Text)
		if err != nil {
			return err
		}
		if place, _ := m.Sources.Place(n.Pos); known && !has {
			say(place.String(), fmt.Sprintf("no alias file of the server has %q", n.Text), "add it to the server's aliases and run newaliases")
		}
	}
	has, known, err := sendmail.SiteAlias(dir, "postmaster")
	if err == nil && known && !has && !accounts["postmaster"] {
		say(dir, "no alias file of the server has postmaster, and mail to it without a domain must be taken (RFC 5321 4.5.1)", "add it to the server's aliases and run newaliases")
	}
	return err
}

// deepMailbox looks at an mbox file, into which sendmail delivers as its owner
// when it is setuid, and as nobody otherwise.
func deepMailbox(u inventory.User, say func(path, text, mend string)) {
	path, owner := u.Mailbox.Text, u.Name.Text
	info, err := os.Stat(path)
	switch {
	case err != nil:
		say(path, "the mailbox is not there", fmt.Sprintf("install -m 4600 -o %s /dev/null %s", owner, path))
	case !info.Mode().IsRegular():
		say(path, "the mailbox is no regular file", "")
	case info.Mode()&fs.ModeSetuid == 0 && info.Mode().Perm()&0o002 == 0:
		say(path, "sendmail cannot deliver into it: it writes as the owner of a setuid file only", "chmod 4600 "+path)
	case info.Mode()&fs.ModeSetuid != 0:
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid == 0 {
			say(path, "it belongs to root, as whom sendmail does not write", "chown "+owner+" "+path)
		}
	}
}
