package cli

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"virtmap/internal/workshop/sample"
)

// large makes a folder with an inventory of n addresses.
func large(b *testing.B, n int) (dir string) {
	b.Helper()
	dir = b.TempDir()
	file, err := os.Create(filepath.Join(dir, "mail.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriter(file)
	if err := sample.Large(out, n); err != nil {
		b.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	return dir
}

// measure runs a process b.N times, and reports its peak memory.
func measure(b *testing.B, before func(), path string, args ...string) {
	b.Helper()
	peak := int64(0)
	for b.Loop() {
		b.StopTimer()
		before()
		b.StartTimer()
		cmd := &exec.Cmd{Path: path, Args: args}
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	b.ReportMetric(float64(peak)/1024, "peak-MiB")
}
