package conf

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"virtmap/internal/regular"
)

// A Daemon is a sendmail that runs.
type Daemon struct {
	PID     int
	Started time.Time // or read its configuration again, at a HUP
	Coarse  bool      // the time was worked out, and may differ a little from run to run
}

// usualPidFiles are where sendmail leaves its process where the configuration
// does not say.
var usualPidFiles = []string{"/var/run/sendmail.pid", "/var/run/sendmail/mta/sendmail.pid"}

// Daemon gives the sendmail that its pid file names, where that process runs, and
// without such a file the one that is found among the processes. elsewhere says
// that the folder is not the one of this machine's sendmail: only a pid file that
// the configuration names counts then.
func (c *Config) Daemon(elsewhere bool) (d Daemon, runs bool) {
	for _, path := range c.PidFiles(elsewhere) {
		text, err := regular.Read(path, 4096) // of a process and its command line
		info, missing := os.Stat(path)
		if err != nil || missing != nil {
			continue
		}
		first, _, _ := strings.Cut(string(text), "\n")
		pid, err := strconv.Atoi(strings.TrimSpace(first))
		if err != nil || pid <= 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		if !runs || info.ModTime().After(d.Started) {
			d, runs = Daemon{PID: pid, Started: info.ModTime()}, true
		}
	}
	if !runs && !elsewhere {
		return listening()
	}
	return d, runs
}

// PidFiles are the files that a running sendmail writes at every start.
func (c *Config) PidFiles(elsewhere bool) []string {
	if path := c.Option("PidFile"); path != "" {
		return []string{path}
	}
	if elsewhere {
		return nil
	}
	return usualPidFiles
}
