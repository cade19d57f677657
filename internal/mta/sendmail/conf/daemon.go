package conf

import (
	"time"

	"virtmap/internal/mta"
)

// A Daemon is a running sendmail.
type Daemon struct {
	PID     int
	Started time.Time // when it was started, or read its configuration again at a HUP
	Coarse  bool      // the time is not exact, and may differ a little from run to run
}

// usualPidFiles are the pid files of sendmail when the configuration has none.
var usualPidFiles = []string{"/var/run/sendmail.pid", "/var/run/sendmail/mta/sendmail.pid"}

// Daemon returns the running sendmail of the pid file. Without such a file it searches all
// processes. elsewhere is true when the folder is not that of this machine's sendmail:
// then only the pid file of the configuration counts.
func (c *Config) Daemon(elsewhere bool) (d Daemon, runs bool) {
	for _, path := range c.PidFiles(elsewhere) {
		pid, started, there := mta.OfPidFile(path)
		if there && (!runs || started.After(d.Started)) {
			d, runs = Daemon{PID: pid, Started: started}, true
		}
	}
	if !runs && !elsewhere {
		return listening()
	}
	return d, runs
}

// PidFiles returns the pid files that sendmail writes when it starts.
func (c *Config) PidFiles(elsewhere bool) []string {
	if path := c.Option("PidFile"); path != "" {
		return []string{path}
	}
	if elsewhere {
		return nil
	}
	return usualPidFiles
}
