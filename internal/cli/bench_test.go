package cli

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/peer"
	"virtmap/internal/sample"
	"virtmap/virtuser"
)

var benchSizes = []int{10_000, 100_000, 1_000_000}

// textToMap is a program for the benchmarks: it reads a virtusertable and
// writes its .db, as makemap does, with the final fsync.
func textToMap() {
	if err := convert(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func convert(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var sources diag.Sources
	src, err := sources.Add(from, string(text))
	if err != nil {
		return err
	}
	var faults diag.List
	table := virtuser.Parse(src, &faults)
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	hash, _ := mapfile.ByName("hash")
	if err := hash.Write(out, table); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	return out.Close()
}

// large gives a folder with the inventory of n addresses and what is built of
// it.
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

// measure runs a process b.N times and reports its peak memory.
func measure(b *testing.B, before func(), path string, args ...string) {
	b.Helper()
	peak := int64(0)
	for b.Loop() {
		b.StopTimer()
		before()
		b.StartTimer()
		cmd := &exec.Cmd{Path: path, Args: args}
		if args[0] == "makemap" {
			stdin, err := os.Open(args[len(args)-1] + ".text")
			if err != nil {
				b.Fatal(err)
			}
			cmd.Stdin = stdin
			defer stdin.Close()
		}
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	b.ReportMetric(float64(peak)/1024, "peak-MiB")
}

// BenchmarkMaps: the rows of a virtusertable to their .db, a process each.
func BenchmarkMaps(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	makemap := peer.Find(b, "makemap")
	for _, n := range benchSizes {
		dir := large(b, n)
		// A process of its own: the peak memory of a child begins with that of
		// the process that starts it.
		build := &exec.Cmd{Path: self, Args: []string{"virtmap", "build", "-q", "-i", filepath.Join(dir, "mail.yaml"), "-o", dir, "--mx", "off"}}
		if out, err := build.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		text := filepath.Join(dir, "virtusertable")
		theirs := filepath.Join(dir, "theirs")
		if err := os.Link(text, theirs+".text"); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("virtmap/%d", n), func(b *testing.B) {
			measure(b, func() { os.Remove(filepath.Join(dir, "ours.db")) }, self, "text-to-map", text, filepath.Join(dir, "ours.db"))
		})
		b.Run(fmt.Sprintf("makemap/%d", n), func(b *testing.B) {
			measure(b, func() { os.Remove(theirs + ".db") }, makemap, "makemap", "hash", theirs)
		})
	}
}

// BenchmarkBuild: the YAML to every file, a process each.
func BenchmarkBuild(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range benchSizes {
		dir := large(b, n)
		out := filepath.Join(dir, "out")
		b.Run(fmt.Sprintf("new/%d", n), func(b *testing.B) {
			measure(b, func() { os.RemoveAll(out) }, self, "virtmap", "build", "-q", "-i", filepath.Join(dir, "mail.yaml"), "-o", out, "--mx", "off")
		})
		// Without what the build before remembered, and with it.
		remembered := filepath.Join(out, stateInside, unchangedName)
		b.Run(fmt.Sprintf("first-unchanged/%d", n), func(b *testing.B) {
			measure(b, func() { os.Remove(remembered) }, self, "virtmap", "build", "-q", "-i", filepath.Join(dir, "mail.yaml"), "-o", out, "--mx", "off")
		})
		b.Run(fmt.Sprintf("unchanged/%d", n), func(b *testing.B) {
			measure(b, func() {}, self, "virtmap", "build", "-q", "-i", filepath.Join(dir, "mail.yaml"), "-o", out, "--mx", "off")
		})
	}
}
