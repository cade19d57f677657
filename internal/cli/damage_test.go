package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/build"
	"virtmap/internal/workshop/peer"
)

// harm damages one to three files of a folder and of the state folder in it.
func harm(t *testing.T, r *rand.Rand, folder string) (said []string) {
	t.Helper()
	for range 1 + r.IntN(3) {
		var all []string
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				all = append(all, path)
			}
			return err
		})
		if err != nil || len(all) == 0 {
			t.Fatal(err)
		}
		path := all[r.IntN(len(all))]
		kind := []string{"emptied", "cut", "overwritten", "removed", "a folder", "a link"}[r.IntN(6)]
		inState := strings.Contains(path, build.StateInside)
		if !inState && (kind == "a folder" || kind == "a link") {
			kind = "emptied" // in place of an output, the file would be taken for one that a person made
		}
		said = append(said, path+" was "+kind)
		if err := harmOne(r, path, kind); err != nil {
			t.Fatal(err)
		}
	}
	return said
}

func harmOne(r *rand.Rand, path, kind string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	switch kind {
	case "emptied":
		return os.Truncate(path, 0)
	case "cut":
		return os.Truncate(path, r.Int64N(info.Size()+1))
	case "overwritten":
		garbage := make([]byte, r.IntN(9000))
		for i := range garbage {
			garbage[i] = byte(r.Uint32())
		}
		return os.WriteFile(path, garbage, info.Mode())
	case "removed":
		return os.Remove(path)
	case "a folder":
		return errors.Join(os.Remove(path), os.Mkdir(path, 0o755))
	}
	return errors.Join(os.Remove(path), os.Symlink("/dev/null", path))
}

// TestKilledAndDamaged kills builds and damages files between them. The next build puts
// the whole set in place. If it takes a text for one that a person made, it does so
// with --adopt.
func TestKilledAndDamaged(t *testing.T) {
	const n = 300
	dir, files := versions(t, n)
	out := filepath.Join(dir, "out")
	want := bothFates(t, files, out, n)
	r := rand.New(rand.NewPCG(4, 2))
	refused := 0
	rounds := peer.Campaign(40)
	for i := range rounds {
		next := (i + 1) % 2
		var said []string
		if r.IntN(2) == 0 {
			cmd := process(t, buildArgv(files[next], out, "--reloaded"))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(r.Int64N(int64(30 * time.Millisecond))))
			_ = cmd.Process.Kill()
			said = append(said, fmt.Sprint("killed: ", cmd.Wait()))
		}
		said = append(said, harm(t, r, out)...)
		for _, command := range [][]string{{"diff", "-i", files[next], "-o", out, "--mx", "off"}, {"history", "-o", out}} {
			if code, _, problem := run("", command...); code != 0 {
				t.Fatalf("round %d: %q: %s ends with %d: %s", i, said, command[0], code, problem)
			}
		}
		printed, err := process(t, buildArgv(files[next], out, "--on-change", "true")).CombinedOutput()
		var status *exec.ExitError
		if errors.As(err, &status) && status.ExitCode() == exitRefused && strings.Contains(string(printed), "--adopt replaces them") {
			refused++
			printed, err = process(t, buildArgv(files[next], out, "--adopt", "--on-change", "true")).CombinedOutput()
		}
		if err != nil {
			t.Fatalf("round %d: %q: %v: %s", i, said, err, printed)
		}
		if now := fates(t, out, n); fmt.Sprint(now) != fmt.Sprint(want[next]) {
			mustRun(t, buildArgv(files[next], out, "--reloaded")) // the rows of a domain that left had stayed
			if now = fates(t, out, n); fmt.Sprint(now) != fmt.Sprint(want[next]) {
				t.Fatalf("round %d: %q: the next build does not heal it", i, said)
			}
		}
		for _, pattern := range []string{"/.virtmap-*", "/.virtmap/.virtmap-*", "/.virtmap/journal.json"} {
			if left, _ := filepath.Glob(out + pattern); len(left) > 0 {
				t.Fatalf("round %d: %q: %q is left", i, said, left)
			}
		}
	}
	t.Logf("%d rounds, %d with --adopt", rounds, refused)
	if refused*3 > rounds {
		t.Errorf("%d of %d damaged sets were taken for made by hand", refused, rounds)
	}
}
