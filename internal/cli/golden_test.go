package cli

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"virtmap/internal/workshop/sample"
)

var update = flag.Bool("update", os.Getenv("VIRTMAP_UPDATE") != "", "rewrite the goldens")

// run runs the program in this process.
func run(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = Run(context.Background(), append([]string{"virtmap"}, args...), Stdio{In: strings.NewReader(stdin), Out: &out, Err: &errOut})
	return code, out.String(), errOut.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: -update rewrites it; now it is\n%s", path, got)
	}
}

func inventories(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no inventories in %s", folder)
	}
	return files
}

// TestBadInventories reads each wrong inventory of testdata/bad. The expected output is
// beside it.
func TestBadInventories(t *testing.T) { wrongInventories(t, "../../testdata/bad") }

// TestNewcomers reads inventories by people who have not read the manual. Each message
// alone should lead to a correct inventory.
func TestNewcomers(t *testing.T) { wrongInventories(t, "../../testdata/newcomer") }

func wrongInventories(t *testing.T, folder string) {
	t.Chdir(folder)
	for _, file := range inventories(t, ".") {
		code, stdout, stderr := run("", "check", "-i", file)
		if code != exitProblems || stdout != "" {
			t.Errorf("%s: exit %d, stdout %q", file, code, stdout)
		}
		golden(t, strings.TrimSuffix(file, ".yaml")+".txt", stderr)
		if faults := strings.Count(stderr, ": error[") + strings.Count(stderr, ": warning["); strings.Count(stderr, ": help: ") != faults {
			t.Errorf("%s: %d faults do not have a help each", file, faults)
		}
		out := filepath.Join(t.TempDir(), "out")
		if code, _, _ := run("", "build", "-i", file, "-o", out, "--mx", "off"); code != exitProblems {
			t.Errorf("%s: build exits %d", file, code)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: build wrote %s", file, out)
		}
	}
}

// TestGoodInventories builds each inventory of testdata/good. The expected texts of all
// files are beside it.
func TestGoodInventories(t *testing.T) {
	t.Chdir("../../testdata/good")
	for _, file := range inventories(t, ".") {
		dir := t.TempDir()
		code, _, stderr := run("", "build", "-i", file, "-o", dir, "--mx", "off")
		if code != exitOK || stderr != "" {
			t.Fatalf("%s: exit %d\n%s", file, code, stderr)
		}
		var all strings.Builder
		for _, name := range []string{"virtusertable", "virtmap-aliases", "local-host-names", "virtmap-relay-domains", "virtmap.mc"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if os.IsNotExist(err) {
				continue
			}
			all.WriteString("-- " + name + " --\n" + string(text))
		}
		for _, name := range []string{"virtusertable", "virtmap-aliases"} {
			for _, suffix := range []string{".db", ".cdb"} {
				path := filepath.Join(dir, name+suffix)
				if _, err := os.Stat(path); err != nil {
					continue
				}
				_, stdout, _ := run("", "map", "dump", path)
				all.WriteString("-- map dump " + name + suffix + " --\n" + stdout)
			}
		}
		golden(t, strings.TrimSuffix(file, ".yaml")+".txt", all.String())
	}
}

// TestSameInputSameBytes builds with one processor and with four, and compares the
// files.
func TestSameInputSameBytes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	many := filepath.Join(t.TempDir(), "many")
	if err := sample.LargeFolder(many, 60_000); err != nil {
		t.Fatal(err)
	}
	for _, inventory := range []string{"../../testdata/good/forms.yaml", filepath.Join(many, "mail.yaml")} {
		dirs := map[int]string{1: t.TempDir(), 4: t.TempDir()}
		for processors, dir := range dirs {
			runtime.GOMAXPROCS(processors)
			if code, _, stderr := run("", "build", "-i", inventory, "-o", dir, "--mx", "off"); code != 0 {
				t.Fatal(stderr)
			}
		}
		sameBytes(t, dirs[1], dirs[4])
	}
}

func sameBytes(t *testing.T, a, b string) {
	t.Helper()
	for _, pattern := range []string{"/*", "/.virtmap/manifest.json"} { // the other files of the state have times
		files, _ := filepath.Glob(a + pattern)
		for _, file := range files {
			if info, err := os.Stat(file); err != nil || info.IsDir() {
				continue
			}
			one, _ := os.ReadFile(file)
			other, err := os.ReadFile(b + strings.TrimPrefix(file, a))
			if err != nil || !bytes.Equal(one, other) {
				t.Errorf("%s differs: %v", file, err)
			}
		}
	}
}
