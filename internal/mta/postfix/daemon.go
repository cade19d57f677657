package postfix

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"virtmap/internal/mta"
)

// PidFiles returns the pid file of master(8). master writes it at its start, and not at
// a reload. Without a main.cf, only the server of this machine has one.
func (c *configuration) PidFiles(elsewhere bool) []string {
	queue := c.config.Param("queue_directory")
	if c.config.Path == "" && elsewhere || queue == "" {
		return nil
	}
	return []string{filepath.Join(queue, "pid", "master.pid")}
}

// Daemon returns the running Postfix. At a reload master(8) goes on, and it ends qmgr(8)
// and starts another one at once. So the later of two times counts: that of the pid
// file, and the start of the qmgr. The start is computed from ticks of a hundredth of a
// second; a qmgr that ended for another reason makes the time too late. On other
// systems than Linux only the pid file counts.
func (c *configuration) Daemon(elsewhere bool) (d mta.Daemon, runs bool) {
	for _, path := range c.PidFiles(elsewhere) {
		pid, started, there := mta.OfPidFile(path)
		if !there {
			continue
		}
		d, runs = mta.Daemon{Started: started}, true
		if began, ok := managerOf(pid); ok && began.After(d.Started) {
			d = mta.Daemon{Started: began, Coarse: true}
		}
	}
	return d, runs
}

// managerOf returns the start of the qmgr that is a child of a process.
func managerOf(master int) (began time.Time, ok bool) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // no error: the pattern is valid
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // a process that has ended
		}
		name, fields := statOf(string(text))
		if name != "qmgr" && name != "nqmgr" && name != "oqmgr" || fields[statParent] != strconv.Itoa(master) {
			continue
		}
		if at, known := startOf(fields[statStart]); known && at.After(began) {
			began, ok = at, true
		}
	}
	return began, ok
}

// Fields of /proc/PID/stat behind the name of the program (proc(5)).
const (
	statParent = 1
	statStart  = 19 // in ticks since the start of the machine
	statFields = 20
)

// ticks is the number of ticks a second in /proc/PID/stat (USER_HZ).
const ticks = 100

// statOf splits the text of /proc/PID/stat. The name may have blanks and parentheses.
func statOf(text string) (name string, fields []string) {
	from, to := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if from < 0 || to < from {
		return "", nil
	}
	if fields = strings.Fields(text[to+1:]); len(fields) < statFields {
		return "", nil
	}
	return text[from+1 : to], fields
}

// startOf returns the time of a number of ticks since the start of the machine.
func startOf(since string) (at time.Time, ok bool) {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return at, false
	}
	var up, began float64
	if _, err := fmt.Sscan(string(text), &up); err != nil {
		return at, false
	}
	if _, err := fmt.Sscan(since, &began); err != nil {
		return at, false
	}
	return time.Now().Add(-time.Duration((up - began/ticks) * float64(time.Second))), true
}
