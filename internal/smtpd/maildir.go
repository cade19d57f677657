package smtpd

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// mailboxes returns the mailboxes of a message, sorted and each once.
func mailboxes(m Message) []string {
	var all []string
	for _, r := range m.Recipients {
		all = append(all, r.Mailboxes...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// maxFileName is the longest file name in bytes.
const maxFileName = 255

// fileName returns the file name for a mailbox. A slash becomes %2F, and a dot at
// the beginning becomes %2E. A long name is cut, and ends in a digest of the
// whole mailbox.
func fileName(mailbox string) string {
	name := url.PathEscape(mailbox)
	if len(name) > maxFileName-2 {
		name = fmt.Sprintf("%s-%x", name[:maxFileName-2-33], sha256.Sum256([]byte(mailbox)))[:maxFileName-2]
	}
	if rest, ok := strings.CutPrefix(name, "."); ok {
		return "%2E" + rest
	}
	return name
}

// A Maildir is a Store with a Maildir for each mailbox, in one folder. A message
// is in tmp until all of it is written and synced, and then in new. Its bytes are
// those that the client sent.
type Maildir struct {
	Dir string

	counter atomic.Int64
}

// Deliver writes a message into every mailbox, or into none.
func (d *Maildir) Deliver(m Message) error {
	name := fmt.Sprintf("%d.P%dQ%d.virtmap", time.Now().Unix(), os.Getpid(), d.counter.Add(1))
	var staged []string // Maildirs that have the message
	undo := func(err error) error {
		for _, dir := range staged {
			err = errors.Join(err, removed(filepath.Join(dir, "tmp", name)), removed(filepath.Join(dir, "new", name)))
		}
		return err
	}
	for _, mailbox := range mailboxes(m) {
		dir := filepath.Join(d.Dir, fileName(mailbox))
		for _, sub := range []string{"tmp", "new", "cur"} {
			if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
				return undo(err)
			}
		}
		staged = append(staged, dir)
		if err := writeSynced(filepath.Join(dir, "tmp", name), m.Body); err != nil {
			return undo(err)
		}
	}
	for _, dir := range staged {
		if err := os.Rename(filepath.Join(dir, "tmp", name), filepath.Join(dir, "new", name)); err != nil {
			return undo(err)
		}
		if err := synced(filepath.Join(dir, "new")); err != nil {
			return undo(err)
		}
	}
	return nil
}

// removed removes a file that may be missing.
func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// synced syncs a folder, so that its names survive a stop of the machine.
func synced(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// writeSynced creates a file, writes it and syncs it.
func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}
