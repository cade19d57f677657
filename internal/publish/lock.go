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

// A Holder says who takes the locks, for those who wait.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`

	Wait time.Duration `json:"-"` // how long to wait for another
	Tell func(string)  `json:"-"` // of what was damaged; may be nil
}

const lockName = "lock"

// ErrLocked is returned when another build holds the lock.
var ErrLocked = errors.New("another build is at work")

// Enter makes the folder of the files and that of the state, locks both until
// leave is called, and finishes what a run that was stopped had begun. Who
// decides by what is installed what is to be published enters before, and
// publishes with Entered.
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
			continue // locked already
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

// same reports whether two names are of one folder.
func same(files FS, a, b string) bool {
	one, errA := files.Stat(a)
	other, errB := files.Stat(b)
	return filepath.Clean(a) == filepath.Clean(b) || errA == nil && errB == nil && one.Inode != 0 && one.Inode == other.Inode
}

// lockUntil tries until a time, several times a second.
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

// sign leaves word for those who wait. The lock itself is on the folder; the
// file may be there without it, or be missing: on a disk that is full or
// read-only a build may have nothing to write.
func (h Holder) sign(files FS, state string, tell func(string)) {
	if h.PID == 0 {
		return
	}
	if text, err := json.Marshal(h); err == nil {
		_ = overwrite(files, filepath.Join(state, lockName), append(text, '\n'), tell)
	}
}

// holderOf says who is at work, where that is known, and for how long it was
// waited.
func holderOf(files FS, state string, waited time.Duration) (said string) {
	text, err := readState(files, filepath.Join(state, lockName))
	var h Holder
	// One that is gone was the last; who holds the lock now has not signed yet.
	if err == nil && json.Unmarshal(text, &h) == nil && h.PID != 0 && !errors.Is(syscall.Kill(h.PID, 0), syscall.ESRCH) {
		said = fmt.Sprintf(": %s (process %d) since %s", h.Command, h.PID, h.Since.Format(time.TimeOnly))
	}
	if waited > 0 {
		said += fmt.Sprintf("; waited %s", waited)
	}
	return said
}

// Stopped gives the folder of a set whose swap was stopped: Enter finishes it.
// It is empty when there is none.
func Stopped(files FS, state string) (folder string) {
	j, err := readJournal(files, state)
	if err != nil || len(j.Steps) == 0 {
		return "" // Enter says what is wrong
	}
	return filepath.Dir(j.Steps[0].To)
}
