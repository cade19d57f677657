package build

import (
	"context"
	"errors"
	"os"
	"time"

	"virtmap/internal/publish"
)

// enter locks the folders. Another run sees command as the name of the work. wait is
// how long to wait for another run.
func (f Folders) enter(ctx context.Context, command string, wait time.Duration, tell func(line string)) (leave func() error, err error) {
	holder := publish.Holder{PID: os.Getpid(), Command: command, Since: time.Now().Truncate(time.Second), Wait: wait, Tell: tell}
	leave, err = publish.Enter(ctx, publish.OS, f.Out, f.State, holder)
	return leave, as(IO, err)
}

// enter locks folders for the run.
func (r *run) enter(ctx context.Context, f Folders) (leave func() error, err error) {
	return f.enter(ctx, r.Command, r.Wait, r.events.Tell)
}

// release closes the installed set and unlocks the folders.
func (r *run) release() (err error) {
	if r.installed != nil {
		err = r.installed.Close()
	}
	leave := r.leave
	r.leave, r.locked = func() error { return nil }, false
	return errors.Join(err, leave())
}

// finishStopped finishes the work of a run that was stopped. It comes before all other
// work, so that it does not matter whether the inventory now has faults.
func (r *run) finishStopped(ctx context.Context) error {
	if r.DryRun {
		return nil
	}
	f := r.within("") // the inventory is not read yet
	if f.Out = publish.Stopped(publish.OS, f.State); f.Out == "" {
		return nil
	}
	leave, err := r.enter(ctx, f)
	if err != nil {
		return err
	}
	return leave()
}
