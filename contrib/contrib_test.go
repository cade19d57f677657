// Package contrib has recipes for CI servers, cron, systemd and make. Its tests run each
// recipe as far as that is possible without a CI server, cron and systemd.
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

	"virtmap/internal/workshop/peer"
)

// built builds the program once for all tests, and returns its folder.
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

// A site is a git repository with an inventory, and the environment for scripts in it.
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

// run runs a script as CI servers do: the script ends with the first command that
// fails.
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

// archive packs the program as a release does, and returns the variables of a recipe
// for the archive.
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
	_, _ = packed.Write(program) // Close returns the error
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

// broken is good with a faulty line at its end.
const broken = good + "      sales: andrai\n"

// An event starts a workflow of GitHub.
type event struct {
	name string
	fork bool
}

// githubIf has a function for each condition in the workflow. A step without a
// condition runs when no step has failed.
var githubIf = map[string]func(s *site, e event, failed bool) bool{
	"": func(_ *site, _ event, failed bool) bool { return !failed },
	"github.event_name == 'pull_request'": func(_ *site, e event, failed bool) bool {
		return !failed && e.name == "pull_request"
	},
	"github.event_name != 'pull_request'": func(_ *site, e event, failed bool) bool {
		return !failed && e.name != "pull_request"
	},
	"${{ !cancelled() && hashFiles('virtmap.sarif') != '' && !github.event.pull_request.head.repo.fork }}": func(s *site, e event, _ bool) bool {
		_, err := s.run("test -f virtmap.sarif")
		return err == nil && !e.fork
	},
}

// uploadSARIF stands for the upload action: it checks the file.
const uploadSARIF = `grep -q '"version": "2.1.0"' virtmap.sarif && echo uploaded`

// runWorkflow runs the steps as GitHub does, and returns those that failed.
func runWorkflow(t *testing.T, s *site, e event, env ...string) (all string, failed []string) {
	t.Helper()
	workflow := parsed[struct {
		Jobs map[string]struct {
			Steps []struct {
				Name, Run, If, Uses string
				With                map[string]string
			}
		}
	}](t, "github-workflow.yml")
	env = append(env, "GITHUB_PATH=/dev/null", "GITHUB_ACTIONS=true", "GITHUB_BASE_REF=main")
	for _, step := range workflow.Jobs["virtmap"].Steps {
		wanted, known := githubIf[step.If]
		if !known {
			t.Fatalf("%s: nobody knows what %q comes to", step.Name, step.If)
		}
		if !wanted(s, e, len(failed) > 0) {
			continue
		}
		switch action, _, _ := strings.Cut(step.Uses, "@"); action {
		case "":
		case "actions/checkout":
			continue
		case "github/codeql-action/upload-sarif":
			if step.Run = uploadSARIF; step.With["sarif_file"] != "virtmap.sarif" || e.fork {
				t.Fatalf("%s: it cannot upload %v", step.Name, step.With)
			}
		default:
			t.Fatalf("%s: nobody knows what %q does", step.Name, action)
		}
		out, err := s.run(step.Run, env...)
		all += out
		if err != nil {
			failed = append(failed, step.Name)
		}
	}
	return all, failed
}

// wrongTest is an inventory with a test that fails.
const wrongTest = good + "tests: {info@bakery.example: reject}\n"

func TestGitHubWorkflow(t *testing.T) {
	peer.Find(t, "curl")
	env := archive(t)
	badSum := []string{env[0], "VIRTMAP_SHA256=" + strings.Repeat("0", 64)}
	push, pull, fork := event{name: "push"}, event{name: "pull_request"}, event{"pull_request", true}
	for _, tt := range []struct {
		it     string
		event  event
		text   string
		env    []string
		failed string // the step that fails
		says   string
		loads  bool
	}{
		{"takes a good inventory", push, good, env, "", "no errors", true},
		{"takes a good change", pull, good + "      sales: andrei\n", env, "", "no errors on lines changed", true},
		{"fails once for a fault on a changed line", pull, broken, env, "Check what changed", "::error file=mail.yaml,line=12,", true},
		{"fails once for a fault on a line that stays", pull, strings.ReplaceAll(good, "  andrei:\n", "  bea:\n"), env, "Check what changed", "did not have the error", true},
		{"fails once for a fault on the branch", push, broken, env, "Check everything", "::error file=mail.yaml,line=12,", true},
		{"fails once for a test that does not hold", push, wrongTest, env, "Check everything", "VM025", true},
		{"fails once for an archive with another sum", pull, good, badSum, "Install virtmap", "", false},
		{"uploads nothing from a fork", fork, broken, env, "Check what changed", "::error", false},
	} {
		s := newSite(t)
		s.must(t, "git update-ref refs/remotes/origin/main HEAD")
		s.write(t, "mail.yaml", tt.text)
		out, failed := runWorkflow(t, s, tt.event, tt.env...)
		if got := strings.Join(failed, ", "); got != tt.failed || !strings.Contains(out, tt.says) {
			t.Errorf("%s: the steps %q failed\n%s", tt.it, got, out)
		}
		if loads := strings.Contains(out, "uploaded"); loads != tt.loads {
			t.Errorf("%s: uploaded is %v\n%s", tt.it, loads, out)
		}
	}
}

func TestGitLabJob(t *testing.T) {
	job := parsed[map[string]struct {
		Before    []string `yaml:"before_script"`
		Script    []string
		Artifacts struct{ Reports map[string]string }
	}](t, "gitlab-ci.yml")["mail"]
	s := newSite(t)
	// The wget of busybox does not support file://. cp stands for it.
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
