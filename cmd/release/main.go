// Command release builds the files of a release, from a clean checkout:
//
//	go run ./cmd/release -o dist
//
// It writes
//
//	virtmap_VERSION_linux_amd64.tar.gz  an archive for each platform
//	*.deb, *.rpm                        packages for Linux
//	SHA256SUMS                          the digests of the others
//
// Each has the program, the manual pages, the completion of shells, the JSON Schema,
// the recipes and the licence. The same commit gives the same bytes: all files have
// the time of the commit, and no file has the path where it was built.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// platforms are the platforms of a release.
var platforms = []string{"linux/amd64", "linux/arm64", "freebsd/amd64", "darwin/amd64", "darwin/arm64"}

// nfpm is the program that makes packages.
const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4"

// A release is the release of one commit.
type release struct {
	out     string // folder of the files
	version string // from the CHANGELOG, such as 1.0.0
	commit  string
	when    time.Time // of the commit

	shared []file // the files of every archive, without the program
}

// A file is a file of an archive or a package.
type file struct {
	name    string // path in the archive
	content []byte
	mode    int64
}

func main() {
	out := flag.String("o", "dist", "write to `DIR`, which is made anew")
	only := flag.String("only", strings.Join(platforms, ","), "build these `PLATFORMS`")
	packages := flag.Bool("packages", true, "make the .deb and .rpm of Linux, with nfpm")
	flag.Parse()
	if err := run(*out, strings.Split(*only, ","), *packages); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run builds a release for some platforms.
func run(out string, platforms []string, packages bool) error {
	r, err := newRelease(out)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(out), os.MkdirAll(out, 0o755)); err != nil {
		return err
	}
	if r.shared, err = r.sharedFiles(); err != nil {
		return err
	}
	for _, platform := range platforms {
		program, err := r.build(platform)
		if err != nil {
			return err
		}
		if err := r.archive(platform, program); err != nil {
			return err
		}
		system, arch, _ := strings.Cut(platform, "/")
		if packages && system == "linux" {
			if err := r.packages(arch, program); err != nil {
				return err
			}
		}
	}
	return r.sums()
}

// newRelease reads commit and version from git and the CHANGELOG. It refuses a checkout
// with changes that are not committed.
func newRelease(out string) (*release, error) {
	r := &release{out: out}
	changed, err := output(nil, "git", "status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return nil, err
	}
	if changed != "" {
		return nil, fmt.Errorf("the checkout was changed; commit first:\n%s", changed)
	}
	head, err := output(nil, "git", "log", "-1", "--format=%H %ct")
	if err != nil {
		return nil, err
	}
	var seconds int64
	if _, err := fmt.Sscan(head, &r.commit, &seconds); err != nil {
		return nil, fmt.Errorf("git log says %q: %w", head, err)
	}
	r.when = time.Unix(seconds, 0).UTC()
	changes, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return nil, err
	}
	r.version = versionOf(string(changes), seconds)
	return r, nil
}

// versionOf returns the newest version of a CHANGELOG. For unreleased changes it is a
// version before 1.0.0 that grows with the time of the commit.
func versionOf(changes string, seconds int64) string {
	for line := range strings.Lines(changes) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "## ")
		switch {
		case !ok:
		case name == "Unreleased":
			return fmt.Sprintf("1.0.0-dev.%d", seconds)
		default:
			version, _, _ := strings.Cut(name, " ")
			return version
		}
	}
	return "0.0.0"
}

// build builds the program for a platform.
func (r *release) build(platform string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "virtmap-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	system, arch, ok := strings.Cut(platform, "/")
	if !ok {
		return nil, fmt.Errorf("platform %q: write it as linux/amd64", platform)
	}
	program := filepath.Join(dir, "virtmap")
	flags := fmt.Sprintf("-s -w -buildid= -X virtmap/internal/cli.Version=%s -X virtmap/internal/cli.Commit=%s", r.version, r.commit)
	_, err = output([]string{"GOOS=" + system, "GOARCH=" + arch, "CGO_ENABLED=0", "GOAMD64=v1", "GOFLAGS="},
		"go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", program, ".")
	if err != nil {
		return nil, err
	}
	return os.ReadFile(program)
}

// output runs a program and returns its standard output.
func output(env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, problem.String())
	}
	return string(out), nil
}
