package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/mta/sendmail"
	"virtmap/internal/workshop/peer"
)

// built1M makes a folder with an inventory of a million addresses, its built files, and
// a passwd file. keys are the keys of its virtusertable in random order.
func built1M(b *testing.B) (dir string, keys []string) {
	b.Helper()
	dir = large(b, 1_000_000)
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	build := &exec.Cmd{Path: self, Args: []string{"virtmap", "build", "-q", "-i", filepath.Join(dir, "mail.yaml"), "-o", dir, "--mx", "off"}}
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	set, err := sendmail.Open(dir, "mx1.example.net", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer set.Close()
	var accounts strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&accounts, "box%d:x:\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "passwd"), []byte(accounts.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	_ = set.EachRow(func(key, _ []byte) error {
		if key[0] != '@' {
			keys = append(keys, string(key))
		}
		return nil
	})
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return dir, keys
}

// installedFlags returns the flags for the files of built1M.
func installedFlags(dir string) []string {
	return []string{"--maps", dir, "--host", "mx1.example.net", "--accounts", filepath.Join(dir, "passwd")}
}

// BenchmarkReceive receives messages of 3.5 kB from smtp-source of Postfix, and looks
// each recipient up in a .db of a million rows. For comparison, smtp-sink of Postfix
// receives them without a lookup.
func BenchmarkReceive(b *testing.B) {
	source, sink := peer.Postfix(b, "smtp-source"), peer.Postfix(b, "smtp-sink")
	dir, keys := built1M(b)
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	ours := &exec.Cmd{Path: self, Args: append([]string{"virtmap", "receive", "--listen", "127.0.0.1:0"}, installedFlags(dir)...)}
	said, err := ours.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := ours.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = ours.Process.Kill(); _ = ours.Wait() }()
	line, _ := bufio.NewReader(said).ReadString('\n')
	_, rest, _ := strings.Cut(line, "listening on ")
	addr, _, _ := strings.Cut(rest, ",")

	const sinkAddr = "127.0.0.1:2602"
	theirs := exec.Command(sink[0], append(sink[1:], "-u", "root", sinkAddr, "1000")...)
	if err := theirs.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = theirs.Process.Kill(); _ = theirs.Wait() }()

	const messages = 20_000
	for _, sessions := range []string{"1", "4"} {
		for name, at := range map[string]string{"virtmap": addr, "smtp-sink": sinkAddr} {
			b.Run(name+"/sessions="+sessions, func(b *testing.B) {
				for b.Loop() {
					args := append(source[1:], "-d", "-s", sessions, "-l", "3500", "-m", fmt.Sprint(messages), "-f", "a@client.invalid", "-t", keys[0], at)
					if out, err := exec.Command(source[0], args...).CombinedOutput(); err != nil {
						b.Fatalf("%v\n%s", err, out)
					}
				}
				b.ReportMetric(float64(messages*b.N)/b.Elapsed().Seconds(), "messages/s")
			})
		}
	}
}

// BenchmarkLookup follows a million addresses on standard input to their ends. For
// comparison, postmap -q - fetches one value for each.
func BenchmarkLookup(b *testing.B) {
	postmap := peer.Postfix(b, "postmap")
	dir, keys := built1M(b)
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	input := []byte(strings.Join(keys, "\n") + "\n")
	for name, command := range map[string][]string{
		"virtmap": append([]string{self, "lookup"}, installedFlags(dir)...),
		"postmap": append(postmap, "-q", "-", "hash:"+filepath.Join(dir, "virtusertable")),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(command[0], command[1:]...)
				if name == "virtmap" {
					cmd.Args[0] = "virtmap"
				}
				cmd.Stdin = bytes.NewReader(input)
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(keys)*b.N)/b.Elapsed().Seconds(), "addresses/s")
		})
	}
}

// BenchmarkTest runs `test` for an inventory of a hundred thousand addresses, each time
// in a new process.
func BenchmarkTest(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	dir := large(b, 100_000)
	measure(b, func() {}, self, "virtmap", "test", "-i", filepath.Join(dir, "mail.yaml"))
}
