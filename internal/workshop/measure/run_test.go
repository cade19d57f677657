package measure

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// few is the number of addresses without VIRTMAP_MEASURE.
const few = 2000

// size returns the number of addresses, and how often each program runs.
func size(t *testing.T) (addresses, runs int) {
	t.Helper()
	text := os.Getenv("VIRTMAP_MEASURE")
	if text == "" {
		return few, 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("VIRTMAP_MEASURE=%q is no number of addresses", text)
	}
	return n, 5
}

// A figure has the times and the peak memory of the runs of one program.
type figure struct {
	took []time.Duration
	peak int64 // most bytes of memory
}

func (f *figure) add(took time.Duration, peak int64) {
	f.took, f.peak = append(f.took, took), max(f.peak, peak)
}

func (f figure) median() time.Duration {
	sorted := slices.Sorted(slices.Values(f.took))
	return sorted[len(sorted)/2]
}

func (f figure) String() string {
	return fmt.Sprintf("%s (%s to %s)", seconds(f.median()), seconds(slices.Min(f.took)), seconds(slices.Max(f.took)))
}

// memory returns the peak in MiB.
func (f figure) memory() string { return fmt.Sprintf("%d MiB", f.peak>>20) }

func seconds(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// ratio returns the time of another figure as a multiple of this one.
func (f figure) ratio(other figure) string {
	return fmt.Sprintf("%.2f", float64(other.median())/float64(f.median()))
}

// A command is a command line that is measured.
type command struct {
	args  []string
	stdin string // path of a file; empty: no input
	clean []string
	dir   string // working folder; empty: the present one
}

// A program is a virtmap that is measured.
type program struct {
	file string // path of the program
	dir  string // folder of the files that it writes
}

// programs returns the present program and that of VIRTMAP_BEFORE. Each has its own
// folder, because one may not be able to read the state of the other.
func programs(t *testing.T, dir string) []program {
	t.Helper()
	all := []program{{binary(t), filepath.Join(dir, "now")}}
	if before := os.Getenv("VIRTMAP_BEFORE"); before != "" {
		path, err := filepath.Abs(before)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, program{path, filepath.Join(dir, "before")})
	}
	for _, p := range all {
		if err := os.Mkdir(p.dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (p program) path(name string) string { return filepath.Join(p.dir, name) }

func (p program) command(args ...string) command {
	return command{args: append([]string{p.file}, args...)}
}

func (p program) build(inventory, out string, args ...string) command {
	return p.command(append([]string{"build", "-q", "-i", inventory, "-o", p.path(out)}, args...)...)
}

// measure runs commands in turn and returns a figure for each. In turn, because other
// work of the machine affects all commands then.
func measure(t *testing.T, runs int, commands ...command) []figure {
	t.Helper()
	figures := make([]figure, len(commands))
	for run := range runs {
		for i := range commands {
			if run%2 == 1 { // the other way round, so that no command is always the first
				i = len(commands) - 1 - i
			}
			figures[i].add(commands[i].run(t))
		}
	}
	return figures
}

func (c command) run(t *testing.T) (took time.Duration, peak int64) {
	t.Helper()
	for _, path := range c.clean {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	syscall.Sync() // so that the command does not wait for earlier writes
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Dir = c.dir
	if c.stdin != "" {
		stdin, err := os.Open(c.stdin)
		if err != nil {
			t.Fatal(err)
		}
		defer stdin.Close()
		cmd.Stdin = stdin
	}
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took = time.Since(began)
	if err != nil {
		t.Fatalf("%q: %v\n%.2000s", c.args, err, out)
	}
	return took, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

// binary builds virtmap as a release does: static, without cgo.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "virtmap")
	cmd := exec.Command("go", "build", "-o", path, "virtmap")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// onTmpfs returns a folder in memory, where no write waits for a disk. The path is
// empty when there is no such folder.
func onTmpfs(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "virtmap-measure-")
	if err != nil {
		return ""
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// folder returns a folder on a disk: in VIRTMAP_MEASURE_DIR, or in the usual temporary
// folder.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(cmp.Or(os.Getenv("VIRTMAP_MEASURE_DIR"), os.TempDir()), "virtmap-measure-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
