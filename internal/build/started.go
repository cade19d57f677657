package build

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/publish"
)

// A run needs the start of the running server for two reasons:
//
//   - restarted: may the rows of domains that left go? The time of a pid file is enough. It
//     counts even if the server does not run now, because the server reads everything at its
//     next start.
//   - started: what has the running server read? Only a running process counts, with the
//     time of its start or of its last HUP.

// reloadedName is a file of the state folder. Its time is the last restart that was
// reported to virtmap.
const reloadedName = "reloaded"

// noted returns the last restart that a person or the command of OnChange reported;
// zero if there is none.
func (f Folders) noted() time.Time {
	info, err := os.Stat(filepath.Join(f.State, reloadedName))
	if err != nil || !info.Mode().IsRegular() {
		return time.Time{}
	}
	return info.ModTime()
}

// restarted returns the last restart of the server, as far as it is known. The time of
// a pid file counts even if the server does not run now.
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

// sameStart is the largest difference of two computed times of the same start.
const sameStart = 200 * time.Millisecond

// started returns when the running server read its configuration, as far as it is
// known; zero if no server runs. before is the last stored Remembered.
func (r *run) started(config mta.Conf, before mta.Remembered) time.Time {
	started := r.Folders.started(config, before)
	if !started.IsZero() && r.Reloaded {
		return time.Now()
	}
	return started
}

// started returns the same for a run without a report of a restart.
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

// pidFileTells reports whether a running server has a pid file, which shows when the
// server was restarted. Without one, a successful command counts as a restart, but the
// command may have done something else, such as make.
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

// noteReload stores that the server was restarted now.
func (r *run) noteReload(ctx context.Context) error {
	return as(IO, publish.WriteState(ctx, publish.OS, filepath.Join(r.State, reloadedName), nil, r.Wait, r.events.Tell))
}
