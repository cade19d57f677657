package conf

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// listening finds the sendmail that takes connections among the processes: its pid
// file may be lost, or unreadable, while it goes on by what it has read.
func listening() (d Daemon, runs bool) {
	ours, _ := os.Readlink("/proc/self/ns/pid")      // unreadable here, it is unreadable for every process
	programs, _ := filepath.Glob("/proc/[0-9]*/exe") // a fixed pattern
	for _, link := range programs {
		program, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(filepath.Base(program), "sendmail") {
			continue // another's, or gone
		}
		dir := filepath.Dir(link)
		title, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || !strings.Contains(string(title), "accepting connections") && !strings.Contains(string(title), "rejecting") {
			continue // a queue runner, or one that serves a client
		}
		if space, _ := os.Readlink(filepath.Join(dir, "ns/pid")); space != ours {
			continue // a container's
		}
		pid, _ := strconv.Atoi(filepath.Base(dir)) // the pattern has digits only
		if began, ok := startOf(dir); ok && (!runs || began.After(d.Started)) {
			d, runs = Daemon{pid, began, true}, true
		}
	}
	return d, runs
}

// ticks are how many of the units of /proc/PID/stat a second has (USER_HZ, which is
// the same on every architecture that Go has).
const ticks = 100

// startOf is when a process began (proc(5)): the 22nd field of its stat, counted
// from the start of the machine.
func startOf(dir string) (began time.Time, ok bool) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return began, false
	}
	_, behind, _ := strings.Cut(string(stat), ") ") // the name before it may have blanks
	fields := strings.Fields(behind)                // from the third on
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
