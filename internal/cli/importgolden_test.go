package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"virtmap/internal/workshop/peer"
)

// TestSendmailAgreesOnHandMadeServers asks the real program about each of them,
// with the sendmail.cf that m4 makes of the sendmail.mc where it can.
func TestSendmailAgreesOnHandMadeServers(t *testing.T) {
	realSendmail(t)
	handMadeServers(t, func(t *testing.T, _ string, _ *txtar.Archive, accounts string) {
		rows, missing := os.ReadFile("mail/virtusertable") // the table of one is not a file
		if cf, errOut, err := peer.Try("", "m4", "mail/sendmail.mc"); err == nil && errOut == "" && missing == nil {
			if err := os.WriteFile("mail/sendmail.cf", []byte(cf), 0o644); err != nil {
				t.Fatal(err)
			}
			peer.Run(t, string(rows), "makemap", "hash", "mail/virtusertable")
		}
		agrees(t, "--host", "mx1.example.net", "--accounts", accounts, "mail")
	})
}

// TestHandMadeServers imports each server of testdata/import: the inventory and
// what is said about it stand behind its files. What it writes has no faults,
// is laid out as fmt has it, and no outcome differs that is not explained.
func TestHandMadeServers(t *testing.T) {
	handMadeServers(t, func(t *testing.T, file string, archive *txtar.Archive, accounts string) {
		code, yaml, said := run("", "import", "--host", "mx1.example.net", "--accounts", accounts, "mail")
		if code != 0 && code != exitHeld {
			t.Fatalf("import ends with %d: %s", code, said)
		}
		compare(t, file, archive, map[string]string{"want.yaml": yaml, "want.txt": said})
		if err := os.WriteFile("mail.yaml", []byte(yaml), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{{"check", "-q"}, {"fmt", "--check", "mail.yaml"}} {
			if code, out, said := run("", command...); code != 0 {
				t.Errorf("%q ends with %d: %s%s", command, code, out, said)
			}
		}
		explained(t, said)
	})
}

// handMadeServers tries each server in a folder of its own.
func handMadeServers(t *testing.T, try func(t *testing.T, file string, archive *txtar.Archive, accounts string)) {
	t.Helper()
	archives(t, "../../testdata/import", 20, try)
}

// archives tries each archive of a folder with its files in a folder of their own. There
// must be at least a number of them.
func archives(t *testing.T, folder string, least int, try func(t *testing.T, file string, archive *txtar.Archive, accounts string)) {
	t.Helper()
	folder, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(folder + "/*.txtar")
	if err != nil || len(files) < least {
		t.Fatalf("%d archives in %s", len(files), folder)
	}
	accounts := filepath.Join(filepath.Dir(folder), "import", "passwd")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			unpack(t, archive)
			try(t, file, archive, accounts)
		})
	}
}

// unpack writes the files of an archive, without what import should print.
func unpack(t *testing.T, archive *txtar.Archive) {
	t.Helper()
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "want.") {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// compare holds what was made against the archive, or rewrites it.
func compare(t *testing.T, path string, archive *txtar.Archive, made map[string]string) {
	t.Helper()
	for _, name := range []string{"want.yaml", "want.txt"} {
		at := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
		switch {
		case at < 0 && !*update:
			t.Errorf("%s has no %s", path, name)
			continue
		case at < 0:
			archive.Files, at = append(archive.Files, txtar.File{Name: name}), len(archive.Files)
		}
		if got := []byte(made[name]); !*update && !bytes.Equal(got, archive.Files[at].Data) {
			t.Errorf("%s of %s: -update rewrites it; now it is\n%s", name, path, got)
		} else {
			archive.Files[at].Data = got
		}
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// explained wants a reason behind each outcome that differs.
func explained(t *testing.T, said string) {
	t.Helper()
	lines := strings.Split(said, "\n")
	for i, line := range lines {
		if differing.MatchString(line) && !strings.HasPrefix(lines[i+1], "  ") {
			t.Errorf("no reason is given for %s", line)
		}
	}
}
