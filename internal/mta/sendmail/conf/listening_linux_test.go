package conf

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestListeningWithoutPidFile finds the process of a sendmail that accepts connections,
// and not that of a queue runner.
func TestListeningWithoutPidFile(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("sleep not installed")
	}
	program, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sendmail-mta")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	titled := func(title string) int {
		cmd := &exec.Cmd{Path: path, Args: []string{title, "60"}}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd.Process.Pid
	}
	const coarse = 200 * time.Millisecond // the clock of processes
	earliest := time.Now().Add(-coarse)
	want := titled("sendmail: MTA: accepting connections")
	latest := time.Now().Add(coarse)
	titled("sendmail: Queue runner@00:10:00 for /var/spool/mqueue")
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if d, runs := listening(); runs && d.PID == want {
			if d.Started.Before(earliest) || d.Started.After(latest) {
				t.Errorf("started at %v, and was started between %v and %v", d.Started, earliest, latest)
			}
			return
		}
	}
	d, runs := listening()
	t.Errorf("found %+v, %v; want process %d", d, runs, want)
}
