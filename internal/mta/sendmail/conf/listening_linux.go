package conf

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// listening searches all processes for a sendmail that accepts connections. It is for a
// sendmail whose pid file is missing or cannot be read.
func listening() (d Daemon, runs bool) {
	ours, _ := os.Readlink("/proc/self/ns/pid")      // without it, it is missing for every process
	programs, _ := filepath.Glob("/proc/[0-9]*/exe") // no error: the pattern is valid
	for _, link := range programs {
		program, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(filepath.Base(program), "sendmail") {
			continue // the process of another user, or one that has ended
		}
		dir := filepath.Dir(link)
		title, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || !strings.Contains(string(title), "accepting connections") && !strings.Contains(string(title), "rejecting") {
			continue // a queue runner, or the process of one client
		}
		if space, _ := os.Readlink(filepath.Join(dir, "ns/pid")); space != ours {
			continue // in a container
		}
		pid, _ := strconv.Atoi(filepath.Base(dir)) // no error: the name has only digits
		if began, ok := startOf(dir); ok && (!runs || began.After(d.Started)) {
			d, runs = Daemon{pid, began, true}, true
		}
	}
	return d, runs
}

// ticks is the number of ticks a second in /proc/PID/stat (USER_HZ, which is the same on
// every architecture of Go).
const ticks = 100

// startOf returns when a process was started. Field 22 of its stat has the ticks from the
// start of the machine (proc(5)).
func startOf(dir string) (began time.Time, ok bool) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return began, false
	}
	_, behind, _ := strings.Cut(string(stat), ") ") // the name of the program may have blanks
	fields := strings.Fields(behind)                // field 3 and the following ones
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil || len(fields) < 20 {
		return began, false
	}
	up, _, _ := strings.Cut(string(uptime), " ")
	now, err := strconv.ParseFloat(up, 64)
	if err != nil {
		return began, false
	}
	since, err := strconv.ParseFloat(fields[19], 64)
	if err != nil {
		return began, false
	}
	return time.Now().Add(-time.Duration((now - since/ticks) * float64(time.Second))), true
}
