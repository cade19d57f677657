package build

import (
	"context"
	"errors"
	"os"
	"time"

	"virtmap/internal/publish"
)

// enter locks folders.
func (r *run) enter(ctx context.Context, f Folders) (leave func() error, err error) {
	holder := publish.Holder{PID: os.Getpid(), Command: r.Command, Since: time.Now().Truncate(time.Second), Wait: r.Wait, Tell: r.events.Tell}
	leave, err = publish.Enter(ctx, publish.OS, f.Out, f.State, holder)
	return leave, as(IO, err)
}

// release closes the installed set and leaves the folders.
func (r *run) release() (err error) {
	if r.installed != nil {
		err = r.installed.close()
	}
	leave := r.leave
	r.leave, r.locked = func() error { return nil }, false
	return errors.Join(err, leave())
}

// finishStopped puts the files in place that a run that was stopped had begun
// with, before anything else: also when the inventory has faults by now.
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
