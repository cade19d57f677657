package sendmail

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/inventory"
)

// audit returns the installed files that sendmail would refuse to read, and the gaps of
// its configuration.
func audit(a mta.Audited) (all []mta.Complaint, err error) {
	b := a.Build.(Build)
	for _, f := range b.Unsafe(a.Dir, a.Owner) {
		all = append(all, mta.Complaint{Place: f.Path, Text: f.Text, Mend: f.Mend})
	}
	read, err := readConf(a.Dir, a.Here)
	if err != nil {
		return all, err
	}
	config := read.(configuration)
	v := config.Serving(b.Settings(), time.Time{}, mta.Remembered{})
	for _, g := range b.Needed(v.Gaps) {
		all = append(all, mta.Complaint{Place: config.At(g.Line), Text: g.What, Mend: g.Help(b.Settings())})
	}
	sending, err := b.auditSending(a, config.Config)
	if all = append(all, sending...); err != nil {
		return all, err
	}
	if daemon, runs := config.Daemon(filepath.Dir(config.Path) != mcfile.DefaultDir); runs && a.Live && daemon.Started.Before(config.Changed) {
		all = append(all, mta.Complaint{Place: config.Path, Text: "it was changed since the running sendmail was started", Mend: "service sendmail restart"})
	}
	for _, line := range config.Unfollowed() {
		all = append(all, mta.Complaint{Place: line.Place, Text: line.Text})
	}
	return all, nil
}

// auditUsers checks whether the users, their mailboxes and the local aliases exist.
func auditUsers(a mta.Audited) (all []mta.Complaint, err error) {
	m := a.Build.Inventory()
	for place, u := range a.Receiving() {
		switch {
		case u.Mailbox.Text != "":
			if c, bad := mailbox(u); bad {
				all = append(all, c)
			}
		case !a.Account(u.Name.Text):
			all = append(all, a.NoAccount(place, u.Name.Text))
		}
	}
	const mend = "add it to the server's aliases and run newaliases"
	for _, n := range m.LocalAliases {
		has, known, err := SiteAlias(a.Dir, n.Text)
		if err != nil {
			return all, err
		}
		if place, _ := m.Sources.Place(n.Pos); known && !has {
			all = append(all, mta.Complaint{Place: place.String(), Text: fmt.Sprintf("no alias file of the server has %q", n.Text), Mend: mend})
		}
	}
	has, known, err := SiteAlias(a.Dir, "postmaster")
	if err == nil && known && !has && !a.Account("postmaster") {
		all = append(all, mta.Complaint{Place: a.Dir, Text: "no alias file of the server has postmaster, and mail to it without a domain must be taken (RFC 5321 4.5.1)", Mend: mend})
	}
	return all, err
}

// mailbox checks an mbox file. If the file is setuid, sendmail writes to it as its
// owner, otherwise as the user nobody.
func mailbox(u *inventory.User) (c mta.Complaint, bad bool) {
	c.Place = u.Mailbox.Text
	info, err := os.Stat(c.Place)
	switch {
	case err != nil:
		c.Text, c.Mend = "the mailbox is not there", fmt.Sprintf("install -m 4600 -o %s /dev/null %s", u.Name.Text, c.Place)
	case !info.Mode().IsRegular():
		c.Text = "the mailbox is no regular file"
	case info.Mode()&fs.ModeSetuid == 0 && info.Mode().Perm()&0o002 == 0:
		c.Text, c.Mend = "sendmail cannot deliver into it: it writes as the owner of a setuid file only", "chmod 4600 "+c.Place
	case info.Mode()&fs.ModeSetuid != 0:
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid == 0 {
			c.Text, c.Mend = "it belongs to root, as whom sendmail does not write", "chown "+u.Name.Text+" "+c.Place
		}
	}
	return c, c.Text != ""
}
