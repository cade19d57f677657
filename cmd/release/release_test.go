package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

func TestVersionOf(t *testing.T) {
	for changes, want := range map[string]string{
		"# Changes\n\n## Unreleased\n- x\n\n## 1.2.0 (2026-05-03)\n": "1.0.0-dev.17",
		"# Changes\n\n## 1.2.0 (2026-05-03)\n- x\n":                  "1.2.0",
		"# Changes\n": "0.0.0",
	} {
		if got := versionOf(changes, 17); got != want {
			t.Errorf("%q is %s, not %s", changes, got, want)
		}
	}
}

// checkout clones the repository in a folder.
func checkout(t *testing.T, root string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "virtmap")
	if out, err := exec.Command("git", "clone", "-q", root, dir).CombinedOutput(); err != nil {
		peer.Skip(t, "no commit to release: %v %s", err, out)
	}
	return dir
}

// TestReleaseIsReproducible builds one commit in two folders. All files are the same,
// and have the right content. Packages need nfpm from the network, so the test makes
// them only when peers are required.
func TestReleaseIsReproducible(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	packages := os.Getenv("VIRTMAP_PEERS") == "require"
	platform := hostPlatform()
	var sums []string
	var out string
	for range 2 {
		t.Chdir(checkout(t, root))
		out = filepath.Join(t.TempDir(), "dist")
		if err := run(out, []string{platform}, packages); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(out, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, string(text))
	}
	if sums[0] != sums[1] {
		t.Errorf("the same commit gives\n%s\nand\n%s", sums[0], sums[1])
	}
	t.Chdir(out)
	peer.Run(t, "", "sh", "-ec", "sha256sum -c SHA256SUMS && mkdir x && tar -xzf *.tar.gz -C x --strip-components=1")
	commit := strings.TrimSpace(peer.Run(t, "", "git", "-C", root, "rev-parse", "HEAD"))
	if got := peer.Run(t, "", filepath.Join(out, "x", "virtmap"), "--version"); !strings.Contains(got, "("+commit[:12]+")") {
		t.Errorf("%s is not of commit %s", got, commit)
	}
	for _, name := range []string{"LICENSE", "man/virtmap.1", "man/virtmap-inventory.5", "man/virtmap-mx.7", "completion/virtmap.bash", "virtmap.schema.json", "contrib/virtmap.timer"} {
		if _, err := os.Stat(filepath.Join("x", name)); err != nil {
			t.Error(err)
		}
	}
	if packages {
		holds(t, peer.Run(t, "", "sh", "-ec", "dpkg-deb -c *.deb"))
		holds(t, peer.Run(t, "", "sh", "-ec", "rpm -qpl *.rpm"))
	}
}

// holds checks the list of the files in a package.
func holds(t *testing.T, list string) {
	t.Helper()
	for _, path := range []string{"/usr/bin/virtmap", "/usr/share/man/man1/virtmap.1.gz", "/usr/share/man/man7/virtmap-postfix.7.gz", "/usr/share/doc/virtmap/docs/pictures/page.png", "/usr/share/doc/virtmap/copyright", "/usr/lib/systemd/system/virtmap.timer", "/usr/lib/systemd/system/virtmap.path"} {
		if !strings.Contains(list, path) {
			t.Errorf("%s is not in the package:\n%s", path, list)
		}
	}
}

func TestReleaseRefusesAChangedCheckout(t *testing.T) {
	t.Chdir(checkout(t, "../.."))
	if err := os.WriteFile("README.md", []byte("changed\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(t.TempDir(), nil, false); err == nil || !strings.Contains(err.Error(), "commit first") {
		t.Errorf("%v", err)
	}
}
