package contrib

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// An instruction is one of a Containerfile, with the lines that continue it.
type instruction struct{ word, rest string }

// instructions reads a Containerfile (containerfile(5)).
func instructions(t *testing.T, path string) (all []instruction) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	for line := range strings.Lines(joined) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if !slices.Contains([]string{"FROM", "WORKDIR", "COPY", "RUN", "ARG", "USER", "CMD"}, word) {
			t.Fatalf("%s has an instruction %q", path, line)
		}
		all = append(all, instruction{word, strings.TrimSpace(rest)})
	}
	return all
}

// TestContainerfile: the stages follow each other, what is copied exists, and the image
// has a shell for a CI server, no entry point, and a user who is not root.
func TestContainerfile(t *testing.T) {
	stages, user, command := []string{}, "", ""
	for i, in := range instructions(t, "../Containerfile") {
		fields := strings.Fields(in.rest)
		switch in.word {
		case "FROM":
			if !regexp.MustCompile(`^docker\.io/library/[a-z]+:[0-9.]+(-alpine)?( AS [a-z]+)?$`).MatchString(in.rest) {
				t.Errorf("%q is no image with a version", in.rest)
			}
			stages, user = append(stages, fields[len(fields)-1]), ""
		case "COPY":
			from, staged := strings.CutPrefix(fields[0], "--from=")
			if staged && !slices.Contains(stages, from) {
				t.Errorf("there is no stage %q", from)
			}
			for _, source := range fields[:len(fields)-1] {
				if _, err := os.Stat(filepath.Join("..", source)); !staged && err != nil {
					t.Error(err)
				}
			}
		case "USER":
			user = in.rest
		case "CMD":
			command = in.rest
		}
		if i == 0 && in.word != "FROM" {
			t.Errorf("it begins with %s", in.word)
		}
	}
	if len(stages) != 2 || !strings.HasPrefix(stages[1], "docker.io/library/alpine:") {
		t.Errorf("the stages are %q", stages)
	}
	if user == "" || strings.HasPrefix(user, "0") || strings.HasPrefix(user, "root") {
		t.Errorf("the user is %q", user)
	}
	var words []string
	if err := json.Unmarshal([]byte(command), &words); err != nil || words[0] != "virtmap" {
		t.Errorf("the command is %q: %v", command, err)
	}
}

// TestContainerfileHasTheGoOfTheModule compares the image that builds with go.mod.
func TestContainerfileHasTheGoOfTheModule(t *testing.T) {
	wanted := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read("../go.mod"))
	if wanted == nil || !strings.Contains(read("../Containerfile"), "/golang:"+wanted[1]+"-alpine AS build") {
		t.Errorf("go.mod needs Go %v", wanted)
	}
}

// TestContainerfileBuilds runs the command that builds. The program needs no library, and
// knows its version.
func TestContainerfileBuilds(t *testing.T) {
	command := ""
	for _, in := range instructions(t, "../Containerfile") {
		if in.word == "RUN" && strings.Contains(in.rest, "go build") {
			command = in.rest
		}
	}
	program := filepath.Join(t.TempDir(), "virtmap")
	if !strings.Contains(command, " -o /virtmap ") {
		t.Fatalf("the command is %q", command)
	}
	cmd := exec.Command("sh", "-ec", strings.Replace(command, " -o /virtmap ", " -o "+program+" ", 1))
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "VERSION=1.2.3", "COMMIT=0123456789abcdef")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(program, "version").CombinedOutput(); err != nil || string(out) != "virtmap version 1.2.3 (0123456789ab)\n" {
		t.Errorf("%v: %s", err, out)
	}
	file, err := elf.Open(program)
	if err != nil {
		t.Skipf("no ELF file here: %v", err)
	}
	defer file.Close()
	if libraries, err := file.ImportedLibraries(); err != nil || len(libraries) > 0 || slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Errorf("it needs %q, %v", libraries, err)
	}
}

// TestJobInTheImage runs the script of the GitLab job of docs/ci.md.
func TestJobInTheImage(t *testing.T) {
	page := read("../docs/ci.md")
	_, after, ok := strings.Cut(page, "```\nmail:\n")
	text, _, closed := strings.Cut(after, "```")
	if !ok || !closed {
		t.Fatal("docs/ci.md has no job")
	}
	var job struct{ Script []string }
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll("\n"+text, "\n  ", "\n")), &job); err != nil || len(job.Script) == 0 {
		t.Fatalf("the job is %q: %v", text, err)
	}
	s := newSite(t)
	s.must(t, strings.Join(job.Script, "\n"))
	s.must(t, "test -s gl-code-quality-report.json")
}

// TestWorkflowWithTheAction runs the action with the inputs of docs/ci.md.
func TestWorkflowWithTheAction(t *testing.T) {
	_, after, ok := strings.Cut(read("../docs/ci.md"), "```\nname: mail\n")
	text, _, closed := strings.Cut(after, "```")
	if !ok || !closed {
		t.Fatal("docs/ci.md has no workflow")
	}
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses string
				With map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text), &workflow); err != nil {
		t.Fatal(err)
	}
	steps := workflow.Jobs["virtmap"].Steps
	if len(steps) != 2 || steps[0].With["fetch-depth"] != "0" {
		t.Fatalf("the steps are %v", steps)
	}
	s := newSite(t)
	s.must(t, "git update-ref refs/remotes/origin/main HEAD")
	s.write(t, "mail.yaml", good+"      sales: andrei\n")
	if out, summary, err := runAction(t, s, steps[1].With, "GITHUB_BASE_REF=main"); err != nil || !strings.Contains(summary, "sales@bakery.example") {
		t.Errorf("%v\n%s\n%s", err, out, summary)
	}
}
