package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"
)

// A Holder is the process that holds the locks. A process that waits reports it.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`

	Wait time.Duration `json:"-"` // how long to wait for another process
	Tell func(string)  `json:"-"` // called with a line about each damaged file; may be nil
}

const lockName = "lock"

// ErrLocked is wrapped by the error when another build holds a lock.
var ErrLocked = errors.New("another build is at work")

// Enter makes the output folder and the state folder, locks both until leave is
// called, and finishes the renames of a run that was stopped. A caller that
// reads installed files to decide what to publish calls Enter first, and then
// Publish with Entered.
func Enter(ctx context.Context, files FS, folder, state string, h Holder) (leave func() error, err error) {
	var unlocks []func() error
	leave = func() (err error) {
		for _, u := range unlocks {
			err = errors.Join(err, u())
		}
		return err
	}
	until := time.Now().Add(h.Wait)
	for _, dir := range []string{folder, state} {
		if err := files.MkdirAll(dir, 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", ErrCreate, err), leave())
		}
		if len(unlocks) > 0 && same(files, folder, state) {
			continue // the folder is locked already
		}
		u, err := lockUntil(ctx, files, dir, until)
		if errors.Is(err, ErrLocked) {
			err = fmt.Errorf("%w%s", err, holderOf(files, state, h.Wait))
		}
		if err != nil {
			return nil, errors.Join(err, leave())
		}
		unlocks = append(unlocks, u)
	}
	tell := h.Tell
	if tell == nil {
		tell = func(string) {}
	}
	h.sign(files, state, tell)
	if err := finish(files, state, tell); err != nil {
		return nil, errors.Join(err, leave())
	}
	return leave, nil
}

// same reports whether two paths lead to the same folder.
func same(files FS, a, b string) bool {
	one, errA := files.Stat(a)
	other, errB := files.Stat(b)
	return filepath.Clean(a) == filepath.Clean(b) || errA == nil && errB == nil && one.Inode != 0 && one.Inode == other.Inode
}

// lockUntil locks a folder. It tries several times a second until the time given.
func lockUntil(ctx context.Context, files FS, dir string, until time.Time) (unlock func() error, err error) {
	for {
		if unlock, err = files.Lock(dir); !errors.Is(err, ErrLocked) || !time.Now().Before(until) {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// sign writes the holder to a file, for processes that wait. The lock itself is
// on the folder. An error is ignored: on a full or read-only disk, a build that
// has nothing to write must not fail.
func (h Holder) sign(files FS, state string, tell func(string)) {
	if h.PID == 0 {
		return
	}
	if text, err := json.Marshal(h); err == nil {
		_ = overwrite(files, filepath.Join(state, lockName), append(text, '\n'), tell)
	}
}

// holderOf returns the end of an error message: the process that holds the lock,
// if it is known, and how long this process has waited.
func holderOf(files FS, state string, waited time.Duration) (ending string) {
	text, err := readState(files, filepath.Join(state, lockName))
	var h Holder
	// If the process has ended, the file is old: the holder of the lock has not
	// written its own yet.
	if err == nil && json.Unmarshal(text, &h) == nil && h.PID != 0 && !errors.Is(syscall.Kill(h.PID, 0), syscall.ESRCH) {
		ending = fmt.Sprintf(": %s (process %d) since %s", h.Command, h.PID, h.Since.Format(time.TimeOnly))
	}
	if waited > 0 {
		ending += fmt.Sprintf("; waited %s", waited)
	}
	return ending
}

// Stopped returns the output folder of a run that was stopped between its
// renames, or an empty text. Enter finishes such a run.
func Stopped(files FS, state string) (folder string) {
	j, err := readJournal(files, state)
	if err != nil || len(j.Steps) == 0 {
		return "" // Enter reports what is wrong
	}
	return filepath.Dir(j.Steps[0].To)
}
