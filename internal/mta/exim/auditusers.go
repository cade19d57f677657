package exim

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"virtmap/internal/mta"
	"virtmap/inventory"
)

// auditUsers checks whether the users are accounts, whether Exim can write their
// mailboxes elsewhere, and whether /etc/aliases has the local aliases.
func auditUsers(a mta.Audited) (all []mta.Complaint, err error) {
	for place, u := range a.Receiving() {
		switch {
		case !a.Account(u.Name.Text):
			all = append(all, a.NoAccount(place, u.Name.Text))
		case u.Mailbox.Text != "":
			if text, mend := unwritable(u); text != "" {
				all = append(all, mta.Complaint{Place: place, Text: text, Mend: mend})
			}
		}
	}
	missing, err := a.NoAliases("/etc/aliases")
	return append(all, missing...), err
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
	uid, _ := strconv.ParseUint(account.Uid, 10, 32) // both are numbers on Unix
	gid, _ := strconv.ParseUint(account.Gid, 10, 32)
	if !mta.MayWrite(above, uint32(uid), uint32(gid)) {
		return fmt.Sprintf("%s may not write to %s", u.Name.Text, folder), "chown " + u.Name.Text + " " + folder
	}
	return "", ""
}
