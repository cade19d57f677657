package smtpd

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// An Mbox is a Store with an mbox file for each mailbox, in one folder. The form
// is mboxrd: lines end in LF, and a line that begins with "From ", or with any
// number of > before "From ", gets one > more.
type Mbox struct {
	Dir string

	mu sync.Mutex
}

// Deliver appends a message to the file of every mailbox. After an error, all
// files are cut back to their old length.
func (b *Mbox) Deliver(m Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return err
	}
	text := mboxrd(m)
	var undos []func() error
	for _, mailbox := range mailboxes(m) {
		undo, err := appendLocked(filepath.Join(b.Dir, fileName(mailbox)), text)
		if err != nil {
			for _, undo := range undos {
				err = errors.Join(err, undo())
			}
			return err
		}
		undos = append(undos, undo)
	}
	return nil
}

// mboxrd returns a message in the mboxrd form.
func mboxrd(m Message) []byte {
	from := m.From
	if from == "" || strings.ContainsAny(from, " \t") {
		from = "MAILER-DAEMON"
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "From %s %s\n", from, time.Now().UTC().Format(time.ANSIC))
	for line := range bytes.Lines(m.Body) {
		if bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
			out.WriteByte('>')
		}
		out.Write(bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")))
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// appendLocked appends a text to a file under the lock that other programs use
// too. undo cuts the text off again.
func appendLocked(path string, text []byte) (undo func() error, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	undo = func() error { return cutBack(path, size) }
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Truncate(size))
	}
	return undo, nil
}

// cutBack cuts a file to its old size.
func cutBack(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_EX), f.Truncate(size), f.Close())
}
