package build

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/publish"
)

// When was the running server started? A run asks this for two reasons. restarted
// asks whether rows of domains that left may go: the time of a pid file is enough,
// also where the server does not run now, since it reads everything at its next
// start. started asks what the running server has read: only a process that runs
// counts, by the time of its start or of its last HUP.

// reloadedName is a file of the state folder whose time is that of the last
// restart we know of.
const reloadedName = "reloaded"

// noted is the time of the last restart that a person or the command of OnChange
// told of; zero where none did.
func (f Folders) noted() time.Time {
	info, err := os.Stat(filepath.Join(f.State, reloadedName))
	if err != nil || !info.Mode().IsRegular() {
		return time.Time{}
	}
	return info.ModTime()
}

// restarted is when the server was restarted last, as far as that is known: by its
// pid file also when it does not run now.
func (r *run) restarted() (last time.Time) {
	if r.Reloaded {
		return time.Now()
	}
	last = r.noted()
	if r.server.Conf == nil {
		return last
	}
	c, err := r.configuration()
	if err != nil {
		return last
	}
	for _, path := range c.PidFiles(!r.onServer()) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

// sameStart is how far apart two times of one start may be, where the time was
// worked out.
const sameStart = 200 * time.Millisecond

// started is when the running server read its configuration, as far as that is
// known; zero where none runs. before is what was known.
func (r *run) started(config mta.Conf, before mta.Remembered) time.Time {
	started := r.Folders.started(config, before)
	if !started.IsZero() && r.Reloaded {
		return time.Now()
	}
	return started
}

// started is that of a run to which nobody says that the server was restarted.
func (f Folders) started(config mta.Conf, before mta.Remembered) time.Time {
	daemon, runs := config.Daemon(!f.onServer())
	if !runs {
		return time.Time{}
	}
	if daemon.Coarse && daemon.Started.Sub(before.Started).Abs() < sameStart {
		daemon.Started = before.Started
	}
	if noted := f.noted(); noted.After(daemon.Started) {
		return noted
	}
	return daemon.Started
}

// pidFileTells reports whether a running server has a pid file, which says when it
// was restarted: a command that succeeds may have done something else, such as make.
func (r *run) pidFileTells() bool {
	if r.server.Conf == nil {
		return false
	}
	config, err := r.configuration()
	if err != nil {
		return false
	}
	_, runs := config.Daemon(!r.onServer())
	return runs
}

// noteReload remembers that the server was restarted now.
func (r *run) noteReload(ctx context.Context) error {
	return as(IO, publish.WriteState(ctx, publish.OS, filepath.Join(r.State, reloadedName), nil, r.Wait, r.events.Tell))
}
