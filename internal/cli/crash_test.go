package cli

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"virtmap/internal/mta/sendmail"
	"virtmap/internal/workshop/peer"
)

// versions makes two inventories of n addresses in some domains. The second sends every
// address to the next user, has one domain less and another one more.
func versions(t *testing.T, n int) (dir string, files [2]string) {
	t.Helper()
	dir = t.TempDir()
	for v := range files {
		var text strings.Builder
		text.WriteString("version: 1\nhost: {name: mx1.example.net}\nusers: {u0: , u1: , u2: , u3: }\ndomains:\n")
		for i := range n {
			if i%50 == 0 {
				fmt.Fprintf(&text, "  d%d.example:\n    addresses:\n", i/50)
			}
			fmt.Fprintf(&text, "      a%d: u%d\n", i, (i+v)%4)
		}
		fmt.Fprintf(&text, "  only%d.example: {addresses: {a: u%d}}\n", v, v)
		files[v] = filepath.Join(dir, fmt.Sprintf("mail%d.yaml", v))
		if err := os.WriteFile(files[v], []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, files
}

// fates returns the outcomes of some addresses by the files of a folder.
func fates(t *testing.T, dir string, n int) []string {
	t.Helper()
	set, err := sendmail.Open(dir, "mx1.example.net", func(name string) bool { return len(name) == 2 && name[0] == 'u' })
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var all []string
	route := func(addr string) {
		o := set.Router.Route(addr)
		all = append(all, fmt.Sprint(o.Code, " ", o.Status, " ", o.Recipients))
	}
	for i := 0; i < n; i += max(1, n/40) {
		route(fmt.Sprintf("a%d@d%d.example", i, i/50))
	}
	for v := range 2 {
		route(fmt.Sprintf("a@only%d.example", v))
	}
	return all
}

func buildArgv(inventory, out string, more ...string) []string {
	return append([]string{"virtmap", "build", "-q", "-i", inventory, "-o", out, "--mx", "off", "--allow", "removed", "--allow", "vanished", "--keep", "2"}, more...)
}

// process prepares the program as a process.
func process(t *testing.T, argv []string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: argv}
}

func mustRun(t *testing.T, argv []string) {
	t.Helper()
	if out, err := process(t, argv).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, out)
	}
}

// bothFates builds both versions and returns their outcomes.
func bothFates(t *testing.T, files [2]string, out string, n int) (want [2][]string) {
	t.Helper()
	for v := range files {
		mustRun(t, buildArgv(files[v], out, "--reloaded"))
		want[v] = fates(t, out, n)
	}
	return want
}

// TestKilledAtAnyMoment kills builds with signal 9 at random moments. Each address then
// goes where the old set or the new set sends it. The next build leaves the whole new
// set.
func TestKilledAtAnyMoment(t *testing.T) {
	const n = 4000
	dir, files := versions(t, n)
	out := filepath.Join(dir, "out")
	want := bothFates(t, files, out, n)
	start := time.Now()
	mustRun(t, buildArgv(files[0], out, "--reloaded"))
	whole := time.Since(start)
	r := rand.New(rand.NewPCG(9, 9))
	killed, torn := 0, 0
	for i := range peer.Campaign(50) {
		next := (i + 1) % 2
		cmd := process(t, buildArgv(files[next], out, "--reloaded"))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.Int64N(int64(whole))))
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		now := fates(t, out, n)
		old, all := 0, 0
		for j := range now {
			switch now[j] {
			case want[1-next][j]:
				old++
			case want[next][j]:
				all++
			default:
				t.Fatalf("kill %d: address %d is %s; it was %s and will be %s", i, j, now[j], want[1-next][j], want[next][j])
			}
		}
		if old > 0 && all > 0 {
			torn++
		}
		mustRun(t, buildArgv(files[next], out, "--reloaded"))
		if now := fates(t, out, n); fmt.Sprint(now) != fmt.Sprint(want[next]) {
			t.Fatalf("kill %d: the next build does not heal it", i)
		}
		if left, _ := filepath.Glob(filepath.Join(out, ".virtmap-*")); len(left) > 0 {
			t.Fatalf("kill %d: %q is left", i, left)
		}
	}
	t.Logf("%d builds were killed, %d of them between two renames", killed, torn)
	if killed < 10 {
		t.Errorf("only %d builds were killed", killed)
	}
}

// TestTwoBuildsAtOnce starts two builds of different inventories at the same time. Both
// succeed, one after the other, and the set is the set of one of them.
func TestTwoBuildsAtOnce(t *testing.T) {
	const n = 200
	dir, files := versions(t, n)
	out := filepath.Join(dir, "out")
	want := bothFates(t, files, out, n)
	for i := range peer.Campaign(100) {
		var wait sync.WaitGroup
		var problems [2]error
		for v := range files {
			cmd := process(t, buildArgv(files[v], out, "--reloaded"))
			wait.Go(func() { problems[v] = cmd.Run() })
		}
		wait.Wait()
		if err := errors.Join(problems[:]...); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		now := fmt.Sprint(fates(t, out, n))
		if now != fmt.Sprint(want[0]) && now != fmt.Sprint(want[1]) {
			t.Fatalf("round %d: the set is of neither", i)
		}
	}

	// A build that does not wait is told which command is at work.
	lock, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	code, _, said := run("", buildArgv(files[0], out, "--wait", "60ms")[1:]...)
	if code != exitTryAgain || !strings.Contains(said, "another build is at work") || !strings.Contains(said, "waited 60ms") {
		t.Errorf("it ends with %d and says %s", code, said)
	}
}
