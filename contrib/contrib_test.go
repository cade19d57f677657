// Package contrib has recipes for CI servers, cron, systemd and make; its tests
// run each as far as a machine without them can.
package contrib

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"virtmap/internal/peer"
)

// built builds the program once for all recipes.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "virtmap-contrib-")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "virtmap"), "virtmap").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w", out, err)
	}
	return dir, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := built(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// A site is a folder with an inventory under git, and the program in PATH.
type site struct {
	dir string
	env []string
}

const good = `version: 1
host:
  name: mx1.example.net
defaults:
  roles: {postmaster: andrei, abuse: andrei}
users:
  andrei:
domains:
  bakery.example:
    addresses:
      info: andrei
`

func newSite(t *testing.T) *site {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{dir: t.TempDir()}
	s.env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=andrei", "GIT_AUTHOR_EMAIL=andrei@example.net", "GIT_COMMITTER_NAME=andrei", "GIT_COMMITTER_EMAIL=andrei@example.net"}
	s.write(t, "mail.yaml", good)
	s.must(t, "git init -q -b main && git add . && git commit -qm first")
	return s
}

func (s *site) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs a script as CI servers do: it ends with the first command that fails.
func (s *site) run(script string, env ...string) (string, error) {
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir, cmd.Env = s.dir, append(append([]string{}, s.env...), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *site) must(t *testing.T, script string, env ...string) string {
	t.Helper()
	out, err := s.run(script, env...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// archive packs the program as a release does, and gives what a recipe wants
// to know of it.
func archive(t *testing.T) []string {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(bin, "virtmap"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "virtmap.tar.gz")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zipped := gzip.NewWriter(file)
	packed := tar.NewWriter(zipped)
	head := &tar.Header{Name: "virtmap_1.0_linux_amd64/virtmap", Mode: 0o755, Size: int64(len(program))}
	if err := packed.WriteHeader(head); err != nil {
		t.Fatal(err)
	}
	_, _ = packed.Write(program) // Close tells
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return []string{"VIRTMAP_ARCHIVE=file://" + path, "VIRTMAP_SHA256=" + hex.EncodeToString(sum[:])}
}

func parsed[T any](t *testing.T, path string) (into T) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &into); err != nil {
		t.Fatal(err)
	}
	return into
}

// broken has a fault in the line that it adds.
const broken = good + "      sales: andrai\n"

func TestGitHubWorkflow(t *testing.T) {
	peer.Find(t, "curl")
	workflow := parsed[struct {
		Jobs map[string]struct {
			Steps []struct{ Name, Run, If, Uses string }
		}
	}](t, "github-workflow.yml")
	steps := workflow.Jobs["virtmap"].Steps
	run := func(s *site, env ...string) (all string, err error) {
		for _, step := range steps {
			if step.Run == "" {
				continue
			}
			out, problem := s.run(step.Run, append(env, "GITHUB_PATH=/dev/null", "GITHUB_ACTIONS=true", "GITHUB_BASE_REF=main")...)
			all += out
			if problem != nil {
				return all, fmt.Errorf("%s: %w", step.Name, problem)
			}
		}
		return all, nil
	}
	env := archive(t)
	s := newSite(t)
	s.must(t, "git update-ref refs/remotes/origin/main HEAD")
	if out, err := run(s, env...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out := s.must(t, "cat virtmap.sarif"); !strings.Contains(out, `"version": "2.1.0"`) {
		t.Errorf("the SARIF is %s", out)
	}
	s.write(t, "mail.yaml", broken)
	if out, err := run(s, env...); err == nil || !strings.Contains(out, "::error file=mail.yaml,line=12,") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := run(s, env[0], "VIRTMAP_SHA256="+strings.Repeat("0", 64)); err == nil {
		t.Error("an archive with another sum is run")
	}
}

func TestGitLabJob(t *testing.T) {
	job := parsed[map[string]struct {
		Before    []string `yaml:"before_script"`
		Script    []string
		Artifacts struct{ Reports map[string]string }
	}](t, "gitlab-ci.yml")["mail"]
	s := newSite(t)
	// wget of busybox knows no file://; what it would fetch is put there.
	env := archive(t)
	setup := strings.Join(job.Before, "\n")
	setup = strings.Replace(setup, `wget -q -O virtmap.tar.gz "$VIRTMAP_ARCHIVE"`, `cp "${VIRTMAP_ARCHIVE#file://}" virtmap.tar.gz`, 1)
	script := setup + "\n" + strings.Join(job.Script, "\n")
	s.must(t, script, env...)
	for _, report := range job.Artifacts.Reports {
		s.must(t, "test -s "+report)
	}
	s.write(t, "mail.yaml", broken)
	if out, err := s.run(script, env...); err == nil || !strings.Contains(s.must(t, "cat gl-code-quality-report.json"), `"begin": 12`) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPreCommitHooks(t *testing.T) {
	hooks := parsed[[]struct {
		ID, Entry, Language, Files string
		PassFilenames              *bool `yaml:"pass_filenames"`
	}](t, "../.pre-commit-hooks.yaml")
	s := newSite(t)
	s.write(t, "mail.yaml", strings.Replace(good, "  andrei:\n", "    andrei:\n", 1))
	for _, hook := range hooks {
		command := hook.Entry
		if hook.PassFilenames == nil || *hook.PassFilenames {
			command += " mail.yaml"
		}
		s.must(t, command)
	}
	if got := s.must(t, "cat mail.yaml"); got != good {
		t.Errorf("it was laid out as\n%s", got)
	}
	s.write(t, "mail.yaml", broken)
	if out, err := s.run(hooks[0].Entry); err == nil || !strings.Contains(out, "VM011") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestGitHookLooksAtWhatIsCommitted(t *testing.T) {
	s := newSite(t)
	hook, err := filepath.Abs("git-hook")
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, "cp "+hook+" .git/hooks/pre-commit")
	s.write(t, "mail.yaml", broken)
	if out, err := s.run("git commit -qam 'a fault'"); err == nil || !strings.Contains(out, "VM011") {
		t.Errorf("%v\n%s", err, out)
	}
	s.write(t, "mail.yaml", strings.Replace(broken, "andrai", "andrei", 1))
	s.must(t, "git add mail.yaml")
	s.write(t, "mail.yaml", broken)
	s.must(t, "git commit -qm 'the fault is not in it'")
}

func TestMakefile(t *testing.T) {
	peer.Find(t, "make")
	s := newSite(t)
	makefile, err := filepath.Abs("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, "make -f "+makefile+" virtmap 'VIRTMAP_FLAGS=-o . --mx off' && test -s virtusertable.db")
	if out := s.must(t, "make -f "+makefile+" virtmap"); !strings.Contains(out, "Nothing to be done") {
		t.Errorf("it is built again: %s", out)
	}
	s.must(t, "make -f "+makefile+" virtmap-check")
	s.write(t, "mail.yaml", broken)
	if out, err := s.run("touch -d '+1 minute' mail.yaml; make -f " + makefile + " virtmap 'VIRTMAP_FLAGS=-o . --mx off'"); err == nil {
		t.Errorf("a fault is built: %s", out)
	}
}

// restarting is a PATH where the restart of a server leaves a trace.
func restarting(t *testing.T, s *site, program string) []string {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "make"), []byte("#!/bin/sh\necho \"made $@\" >> "+s.dir+"/restarted\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\necho \"$@\" >> "+s.dir+"/restarted\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return []string{strings.Replace(s.env[0], "PATH=", "PATH="+bin+":", 1), "VIRTMAP_OUTPUT=" + s.dir, "VIRTMAP_MX=off"}
}

// restartsOnce runs the command of a timer twice: it says nothing the second
// time, and restarts sendmail once.
func restartsOnce(t *testing.T, s *site, command string, env []string) {
	t.Helper()
	command = strings.ReplaceAll(command, "/etc/mail/mail.yaml", s.dir+"/mail.yaml")
	s.must(t, command, env...)
	if out := s.must(t, command, env...); out != "" {
		t.Errorf("nothing changed, and it says %s", out)
	}
	if got := s.must(t, "cat restarted"); !strings.HasPrefix(got, "made -C /etc/mail\n") || strings.Count(got, "restart") != 1 {
		t.Errorf("restarted: %q", got)
	}
}

func TestCronLine(t *testing.T) {
	text, err := os.ReadFile("virtmap.cron")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	fields := strings.SplitN(lines[len(lines)-1], " ", 7)
	if len(fields) != 7 || fields[5] != "root" || strings.Contains(fields[6], "%") { // cron takes % for a line end
		t.Fatalf("the line is %q", fields)
	}
	s := newSite(t)
	restartsOnce(t, s, fields[6], restarting(t, s, "service"))
}

func TestSystemdUnits(t *testing.T) {
	text, err := os.ReadFile("virtmap.service")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "ExecStart=")
	command, _, _ := strings.Cut(after, "\n")
	command = strings.ReplaceAll(strings.Replace(command, "/usr/bin/virtmap", "virtmap", 1), "$$", "$")
	s := newSite(t)
	restartsOnce(t, s, command, restarting(t, s, "systemctl"))

	analyze := peer.Find(t, "systemd-analyze")
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	// The unit with the program where it is here, and without the manual page.
	unit := strings.NewReplacer("/usr/bin/virtmap", filepath.Join(bin, "virtmap"), "Documentation=man:virtmap(1)\n", "").Replace(string(text))
	s.write(t, "virtmap.service", unit)
	timer, err := os.ReadFile("virtmap.timer")
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "virtmap.timer", string(timer))
	for _, args := range [][]string{{"verify", s.dir + "/virtmap.service", s.dir + "/virtmap.timer"}, {"security", "--offline=yes", "--threshold=30", s.dir + "/virtmap.service"}} {
		if out, errOut, err := peer.Try("", analyze, args...); err != nil || args[0] == "verify" && strings.Contains(errOut, s.dir) {
			t.Errorf("systemd-analyze %s: %v\n%s%s", args[0], err, out, errOut)
		}
	}
}
