package exim

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"virtmap/internal/mta"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// auditUsers checks whether the users are accounts, whether Exim can write their
// mailboxes elsewhere, and whether /etc/aliases has the local aliases.
func auditUsers(a mta.Audited) (all []mta.Complaint, err error) {
	m := a.Build.Inventory()
	for i := range m.Users {
		u := &m.Users[i]
		place, _ := m.Sources.Place(u.Name.Pos)
		switch {
		case u.Forward.Kind != inventory.NoTarget && !u.KeepCopy:
		case !a.Account(u.Name.Text):
			all = append(all, mta.Complaint{Place: place.String(), Text: fmt.Sprintf("user %q is no account of this machine", u.Name.Text),
				Mend: "useradd " + u.Name.Text + ", or run this on " + m.Host.Name.Text})
		case u.Mailbox.Text != "":
			if text, mend := unwritable(u); text != "" {
				all = append(all, mta.Complaint{Place: place.String(), Text: text, Mend: mend})
			}
		}
	}
	if len(m.LocalAliases) == 0 || !a.Here {
		return all, nil
	}
	text, err := regular.ReadIfThere("/etc/aliases")
	if err != nil {
		return all, err
	}
	have := aliasNames(text)
	for _, name := range m.LocalAliases {
		place, _ := m.Sources.Place(name.Pos)
		if !have[name.Text] {
			all = append(all, mta.Complaint{Place: place.String(), Text: fmt.Sprintf("/etc/aliases has no %q", name.Text), Mend: name.Text + ": a recipient"})
		}
	}
	return all, nil
}

// aliasNames returns the names of an alias file, in lower case.
func aliasNames(text []byte) map[string]bool {
	names := map[string]bool{}
	for _, line := range lines(text) {
		name, _, _ := strings.Cut(line, ":")
		names[strings.ToLower(strings.Trim(name, "\" \t"))] = true
	}
	return names
}

// unwritable says why Exim cannot write a mailbox as its user; empty if it can. Exim makes
// a missing file or Maildir in a folder that the user may write to.
func unwritable(u *inventory.User) (text, mend string) {
	account, err := user.Lookup(u.Name.Text)
	if err != nil {
		return "", "" // reported already
	}
	path := filepath.Clean(u.Mailbox.Text)
	maildir := strings.HasSuffix(u.Mailbox.Text, "/")
	info, err := os.Stat(path)
	if err == nil && info.IsDir() != maildir {
		return path + " is not what the inventory says: a Maildir has a slash at its end, and an mbox none", ""
	}
	folder := path
	if !maildir || err != nil {
		folder = filepath.Dir(path) // of the file, and of its lock
	}
	above, err := os.Stat(folder)
	if err != nil {
		return fmt.Sprintf("the folder of the mailbox of %s is missing: %v", u.Name.Text, err), "install -d -o " + u.Name.Text + " " + folder
	}
	if !mayWrite(above, account) {
		return fmt.Sprintf("%s may not write to %s", u.Name.Text, folder), "chown " + u.Name.Text + " " + folder
	}
	return "", ""
}

// mayWrite reports whether an account may write to a folder.
func mayWrite(info os.FileInfo, account *user.User) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch bits := info.Mode().Perm(); {
	case !ok:
		return true
	case strconv.FormatUint(uint64(stat.Uid), 10) == account.Uid:
		return bits&0o200 != 0
	case strconv.FormatUint(uint64(stat.Gid), 10) == account.Gid:
		return bits&0o020 != 0
	default:
		return bits&0o002 != 0
	}
}
