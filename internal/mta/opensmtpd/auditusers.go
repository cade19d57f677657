package opensmtpd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"virtmap/internal/mta"
	"virtmap/inventory"
)

// auditUsers checks whether users are accounts, whether smtpd can write mailboxes
// elsewhere, and whether the alias file of the stock smtpd.conf has the local aliases.
func auditUsers(a mta.Audited) (all []mta.Complaint, err error) {
	for place, u := range a.Receiving() {
		switch {
		case u.Mailbox.Text != "":
			if text, mend := unwritable(u); text != "" {
				all = append(all, mta.Complaint{Place: place, Text: text, Mend: mend})
			}
		case !a.Account(u.Name.Text):
			all = append(all, a.NoAccount(place, u.Name.Text))
		}
	}
	aliases := "/etc/aliases"
	if _, err := os.Stat("/etc/mail/aliases"); err == nil { // OpenBSD
		aliases = "/etc/mail/aliases"
	}
	missing, err := a.NoAliases(aliases)
	return append(all, missing...), err
}

// unwritable says why smtpd cannot write a mailbox as its user; empty if it can. smtpd makes
// a missing mbox, and the folders of a Maildir, in a folder that the user may write to.
func unwritable(u *inventory.User) (text, mend string) {
	path := filepath.Clean(u.Mailbox.Text)
	maildir := strings.HasSuffix(u.Mailbox.Text, "/")
	info, err := os.Stat(path)
	if !maildir && errors.Is(err, fs.ErrNotExist) {
		path = filepath.Dir(path)
		info, err = os.Stat(path)
		maildir = true // a folder is needed
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%s is not there, and the mail of %s waits", path, u.Name.Text), fmt.Sprintf("install -d -m 700 -o %d -g %d %s", u.UID.N, u.GID.N, path)
	case err != nil:
		return err.Error(), ""
	case info.IsDir() != maildir:
		return path + " is not what the inventory says: a Maildir has a slash at its end, and an mbox none", ""
	case !mta.MayWrite(info, u.UID.N, u.GID.N):
		return fmt.Sprintf("the user %d may not write to %s, and the mail of %s waits", u.UID.N, path, u.Name.Text), fmt.Sprintf("chown %d:%d %s", u.UID.N, u.GID.N, path)
	}
	return "", ""
}
