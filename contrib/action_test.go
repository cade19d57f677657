package contrib

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// An action is a composite action of GitHub.
type action struct {
	Inputs map[string]struct{ Description, Default string }
	Runs   struct {
		Using string
		Steps []struct {
			Name, Run, If, Uses, Shell string
			With, Env                  map[string]string
		}
	}
}

// expression is an expression that asks for an input.
var expression = regexp.MustCompile(`\$\{\{ inputs\.(\w+) \}\}`)

// runAction runs the steps of action.yml as a runner does, in a folder with an inventory
// and with a fake environment, until one fails. The summary is the file of the step.
func runAction(t *testing.T, s *site, inputs map[string]string, env ...string) (out, summary string, err error) {
	t.Helper()
	a := parsed[action](t, "../action.yml")
	for name := range inputs {
		if _, known := a.Inputs[name]; !known {
			t.Fatalf("there is no input %s", name)
		}
	}
	value := func(name string) string {
		if given, ok := inputs[name]; ok {
			return given
		}
		return a.Inputs[name].Default
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	paths, summaries := filepath.Join(temp, "path"), filepath.Join(temp, "summary")
	home := append([]string{}, s.env...)
	home = append(home, "GITHUB_ACTIONS=true", "GITHUB_ACTION_PATH="+root, "GITHUB_PATH="+paths, "GITHUB_STEP_SUMMARY="+summaries,
		"RUNNER_TEMP="+temp, "GITHUB_BASE_REF=", "GOFLAGS=-buildvcs=false", "GOCACHE="+goCache(t), "GOMODCACHE="+goEnv(t, "GOMODCACHE"))
	home = append(home, env...)
	home[0] = "PATH=" + os.Getenv("PATH") // without the program
	for _, step := range a.Runs.Steps {
		if step.If == "${{ inputs.archive == '' }}" && value("archive") != "" {
			continue
		}
		if step.Uses != "" {
			continue // Go is here
		}
		if step.Shell != "bash" || strings.Contains(step.Run, "${{") {
			t.Fatalf("the step %q has the shell %q, or an expression in its script", step.Name, step.Shell)
		}
		script := filepath.Join(temp, "step.sh")
		if err := os.WriteFile(script, []byte(step.Run), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", script)
		cmd.Dir, cmd.Env = s.dir, append([]string{}, home...)
		for name, text := range step.Env {
			cmd.Env = append(cmd.Env, name+"="+expression.ReplaceAllStringFunc(text, func(e string) string { return value(expression.FindStringSubmatch(e)[1]) }))
		}
		text, err := cmd.CombinedOutput()
		if out += string(text); err != nil {
			return out, read(summaries), err
		}
		home[0] = "PATH=" + strings.ReplaceAll(read(paths), "\n", ":") + os.Getenv("PATH")
	}
	return out, read(summaries), nil
}

// read returns the text of a file; empty if there is none.
func read(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

func goCache(t *testing.T) string { return goEnv(t, "GOCACHE") }

func goEnv(t *testing.T, name string) string {
	return strings.TrimSpace(peer.Run(t, "", "go", "env", name))
}

func TestActionHasWhatARunnerNeeds(t *testing.T) {
	a := parsed[action](t, "../action.yml")
	if a.Runs.Using != "composite" || len(a.Runs.Steps) != 3 {
		t.Fatalf("it is %q with %d steps", a.Runs.Using, len(a.Runs.Steps))
	}
	for name, input := range a.Inputs {
		if len(input.Description) < 10 {
			t.Errorf("the input %s has no description", name)
		}
		if !strings.Contains(read("../docs/ci.md"), "`"+name+"`") {
			t.Errorf("docs/ci.md does not say what the input %s is", name)
		}
	}
	used := map[string]bool{"archive": true}
	for _, step := range a.Runs.Steps {
		for name, text := range step.Env {
			match := expression.FindStringSubmatch(text)
			if match == nil {
				t.Fatalf("%s: %s is %q", step.Name, name, text)
			}
			if _, known := a.Inputs[match[1]]; !known {
				t.Errorf("%s: there is no input %s", step.Name, match[1])
			}
			used[match[1]] = true
		}
		if step.Uses != "" && (step.Uses != "actions/setup-go@v5" || step.With["go-version-file"] != "${{ github.action_path }}/go.mod") {
			t.Errorf("%s: it uses %s with %v", step.Name, step.Uses, step.With)
		}
	}
	if len(used) != len(a.Inputs) {
		t.Errorf("the inputs are %v, and %v are used", a.Inputs, used)
	}
}

func TestActionBuildsTheProgram(t *testing.T) {
	s := newSite(t)
	if out, _, err := runAction(t, s, nil); err != nil || !strings.Contains(out, "mail.yaml: no errors in 1 domain") {
		t.Errorf("%v\n%s", err, out)
	}
	s.write(t, "mail.yaml", broken)
	if out, _, err := runAction(t, s, nil); err == nil || !strings.Contains(out, "::error file=mail.yaml,line=12,col=14,") {
		t.Errorf("a fault: %v\n%s", err, out)
	}
}

func TestAction(t *testing.T) {
	peer.Find(t, "curl")
	variables := archive(t)
	release := func(more ...string) map[string]string {
		inputs := map[string]string{"archive": strings.TrimPrefix(variables[0], "VIRTMAP_ARCHIVE="), "sha256": strings.TrimPrefix(variables[1], "VIRTMAP_SHA256=")}
		for i := 0; i < len(more); i += 2 {
			inputs[more[i]] = more[i+1]
		}
		return inputs
	}
	pull := []string{"GITHUB_BASE_REF=main"}
	for _, tt := range []struct {
		it      string
		text    string
		inputs  map[string]string
		env     []string
		ok      bool
		says    string
		summary string
	}{
		{"takes a good inventory", good, release("command", "check test"), nil, true, "0 differ from the inventory", ""},
		{"tests nothing that it is not asked for", good, release(), nil, true, "no errors in 1 domain", ""},
		{"fails for an archive with another sum", good, release("sha256", strings.Repeat("0", 64)), nil, false, "FAILED", ""},
		{"fails for a word that is no command", good, release("command", "check build"), nil, false, `command has "build"`, ""},
		{"annotates the changed line of a pull request", broken, release(), pull, false, "::error file=mail.yaml,line=12,", ""},
		{"hands flags on to check", good + "      sales: andrei # virtmap:ignore VM014 nothing\n", release("args", "--fail-on warning"), nil, false, "::warning file=mail.yaml,line=12,", ""},
		{"fails for a test that does not hold", good + "tests: {info@bakery.example: bea@elsewhere.example}\n", release("command", "test"), nil, false, "", ""},
		{"adds what changes to the summary", good + "      sales: andrei\n", release("command", "check\n  diff\n"), pull, true, "+ sales@bakery.example: andrei", "| + | `sales@bakery.example` |"},
		{"compares nothing without a base", good, release("command", "diff"), nil, true, "", ""},
		{"says that the base is not here", good, release(), []string{"GITHUB_BASE_REF=absent"}, true, "::notice title=virtmap::origin/absent is not here", ""},
		{"runs no text of an input", good, release("inventory", "$(touch pwned)`touch pwned`", "args", "$(touch pwned);touch pwned"), nil, false, "", ""},
	} {
		s := newSite(t)
		s.must(t, "git update-ref refs/remotes/origin/main HEAD")
		s.write(t, "mail.yaml", tt.text)
		out, summary, err := runAction(t, s, tt.inputs, tt.env...)
		if tested := strings.Contains(out, "differ from the inventory"); tested != strings.Contains(tt.inputs["command"], "test") && tt.ok {
			t.Errorf("it %s: tested is %v", tt.it, tested)
		}
		if (err == nil) != tt.ok || !strings.Contains(out, tt.says) || !strings.Contains(summary, tt.summary) || tt.summary == "" && summary != "" {
			t.Errorf("it %s: %v\n%s\nsummary:\n%s", tt.it, err, out, summary)
		}
		if _, err := os.Stat(filepath.Join(s.dir, "pwned")); err == nil {
			t.Errorf("it %s: an input was run", tt.it)
		}
	}
}

// TestActionOverABaseWithFaults compares nothing, because nothing can be built.
func TestActionOverABaseWithFaults(t *testing.T) {
	s := newSite(t)
	s.write(t, "mail.yaml", broken)
	s.must(t, "git add . && git commit -qm broken && git update-ref refs/remotes/origin/main HEAD")
	s.write(t, "mail.yaml", good)
	out, summary, err := runAction(t, s, map[string]string{"command": "check diff"}, "GITHUB_BASE_REF=main")
	if err != nil || !strings.Contains(out, "cannot be built, so that nothing is compared") || summary != "" {
		t.Errorf("%v\n%s\nsummary:\n%s", err, out, summary)
	}
}
