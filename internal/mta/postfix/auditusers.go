package postfix

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/mta"
	"virtmap/inventory"
)

// auditUsers checks whether the users, their mailboxes and the local aliases exist.
func auditUsers(a mta.Audited) (all []mta.Complaint, err error) {
	read, err := readConf(a.Dir, a.Here)
	if err != nil {
		return nil, err
	}
	c := read.(*configuration).of(a.Build.(Build))
	defer c.tables.Close() // nothing was written
	for place, u := range a.Receiving() {
		switch {
		case u.Mailbox.Text != "":
			all = append(all, c.mailbox(u, place)...)
		case !a.Account(u.Name.Text):
			all = append(all, a.NoAccount(place, u.Name.Text))
		}
	}
	aliases, err := c.localAliases(a)
	return append(all, aliases...), err
}

// mailbox checks a mailbox elsewhere, to which virtual(8) delivers with the numbers of
// the inventory.
func (c *configuration) mailbox(u *inventory.User, place string) (all []mta.Complaint) {
	add := func(mend, format string, args ...any) {
		all = append(all, mta.Complaint{Place: place, Text: fmt.Sprintf(format, args...), Mend: mend})
	}
	least, _ := strconv.Atoi(c.config.Param("virtual_minimum_uid")) // postconf(5): a number; another text is a fault of main.cf
	name, path := u.Name.Text, u.Mailbox.Text
	if int64(u.UID.N) < int64(least) {
		add(fmt.Sprintf("virtual_minimum_uid = %d", u.UID.N), "the uid %d of %s is below virtual_minimum_uid, %d: its mail would wait", u.UID.N, name, least)
	}
	if account, err := user.Lookup(name); err == nil && account.Uid != strconv.FormatUint(uint64(u.UID.N), 10) {
		add("write uid: "+account.Uid, "the account %s has the uid %s, and the inventory has %d", name, account.Uid, u.UID.N)
	}
	for _, param := range []string{"mailbox_transport", "mailbox_command"} {
		if value := c.config.Param(param); value != "" {
			add("leave the mailbox out, so that "+param+" delivers", "%s is %q, and %s is written past it", param, value, path)
		}
	}
	text, mend := unwritable(path, uint32(u.UID.N), uint32(u.GID.N), c.dotlocks())
	if text != "" {
		add(mend, "%s", text)
	}
	return all
}

// dotlocks reports whether virtual(8) makes a lock file beside an mbox.
func (c *configuration) dotlocks() bool {
	return slices.Contains(lowered(c.config.Param("virtual_mailbox_lock")), "dotlock")
}

// unwritable says why a user cannot write to a mailbox; empty if the user can. virtual(8)
// makes an mbox that is missing, and a Maildir with the folders above it. A lock file
// needs a folder that the user may write to.
func unwritable(path string, uid, gid uint32, dotlock bool) (text, mend string) {
	maildir := strings.HasSuffix(path, "/")
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	folder := filepath.Dir(path)
	own := func(dir string) string { return fmt.Sprintf("chown %d:%d %s", uid, gid, dir) }
	switch {
	case err == nil && maildir != info.IsDir():
		return fmt.Sprintf("%s is %s", path, map[bool]string{true: "no folder, and the inventory has a Maildir", false: "a folder; a Maildir has a slash at its end"}[maildir]), ""
	case err == nil && !mta.MayWrite(info, uid, gid):
		return fmt.Sprintf("the user %d may not write to %s", uid, path), own(path)
	case err == nil && (maildir || !dotlock):
		return "", ""
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err.Error(), ""
	}
	for {
		above, err := os.Stat(folder)
		switch {
		case err == nil && mta.MayWrite(above, uid, gid):
			return "", ""
		case err == nil && info != nil:
			return fmt.Sprintf("the user %d may not make a lock file in %s", uid, folder), "write virtual_mailbox_lock = fcntl into main.cf, or give the mailbox a folder of its user"
		case err == nil && maildir:
			return fmt.Sprintf("the folder %s is missing, and user %d may not make it", path, uid), fmt.Sprintf("install -d -o %d -g %d -m 700 %s", uid, gid, path)
		case err == nil:
			return fmt.Sprintf("the mailbox %s is missing, and user %d may not make it", path, uid), fmt.Sprintf("install -o %d -g %d -m 600 /dev/null %s", uid, gid, path)
		case !errors.Is(err, fs.ErrNotExist):
			return err.Error(), ""
		case !maildir:
			return fmt.Sprintf("the folder %s of a mailbox is not there", folder), fmt.Sprintf("install -d -o %d -g %d %s", uid, gid, folder)
		}
		folder = filepath.Dir(folder)
	}
}

// localAliases checks whether the site's alias files have the local aliases of an
// inventory, and postmaster.
func (c *configuration) localAliases(a mta.Audited) (all []mta.Complaint, err error) {
	if c.config.Path == "" {
		return nil, nil
	}
	const mend = "add it to the alias file of the server and run newaliases"
	m := a.Build.Inventory()
	for _, n := range m.LocalAliases {
		if !c.hasAlias(n.Text) {
			place, _ := m.Sources.Place(n.Pos)
			all = append(all, mta.Complaint{Place: place.String(), Text: fmt.Sprintf("no alias file of the server has %q", n.Text), Mend: mend})
		}
	}
	if !c.hasAlias("postmaster") && !a.Account("postmaster") {
		all = append(all, mta.Complaint{Place: c.config.Path, Text: "no alias file of the server has postmaster, and Postfix throws away mail to postmaster without a domain (RFC 5321 4.5.1)", Mend: mend})
	}
	return all, nil
}

// hasAlias reports whether one of the site's alias files has a name. An alias file that
// cannot be read may have it.
func (c *configuration) hasAlias(name string) bool {
	for _, element := range c.config.List("alias_maps") {
		if ours(filepath.Base(element)) {
			continue
		}
		t, err := c.tables.Open(element)
		if err != nil {
			return true
		}
		if _, found, err := t.Find(name); found || err != nil {
			return true
		}
	}
	return false
}
