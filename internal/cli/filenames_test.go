package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostileName speaks to a terminal and to a runner of GitHub, where it is
// printed as it is.
const hostileName = "a\n::add-mask::x\r\x1b]0;x\x07\u202e\u009b31m.yaml"

// ran runs the program and gives all that it printed.
func ran(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	Run(context.Background(), append([]string{"virtmap"}, args...), Stdio{In: strings.NewReader(""), Out: &out, Err: &out})
	return out.String()
}

// holdHarmless fails where a file's name was printed as it is.
func holdHarmless(t *testing.T, doing, printed string) {
	t.Helper()
	if printed == "" {
		t.Errorf("%s prints nothing", doing)
	}
	for line := range strings.Lines(printed) {
		if strings.HasPrefix(line, "::add-mask::") {
			t.Errorf("%s prints a line of its file's name:\n%q", doing, printed)
		}
	}
	if at := strings.IndexAny(printed, "\r\x1b\x07\u202e\u009b"); at >= 0 {
		t.Errorf("%s prints a control character: %q", doing, printed[at:min(len(printed), at+20)])
	}
}

// TestFileNamesAreHarmless in everything that is printed about an inventory
// that somebody sends as a merge request.
func TestFileNamesAreHarmless(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "")
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("domains", 0o755); err != nil {
		t.Fatal(err)
	}
	included := filepath.Join("domains", hostileName)
	write("mail.yaml", "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: }\ninclude: [domains/*.yaml]\n")
	wrong := "domains: {a.example: {addresses: {info: andrie, Info: andrei}}, a.example: {}}\n"
	sound := "domains: {a.example: {addresses: {info: andrei}}}\n"

	write(included, wrong)
	for _, format := range []string{"text", "json", "github", "gitlab", "sarif", "junit", "checkstyle"} {
		holdHarmless(t, "check --format "+format, ran(t, "check", "--format", format))
	}
	for _, command := range [][]string{{"build", "-o", "out", "--mx", "off"}, {"diff", "-o", "out", "--mx", "off"}, {"fmt", included}} {
		holdHarmless(t, strings.Join(command[:1], " "), ran(t, command...))
	}
	write(included, strings.ReplaceAll(wrong, "\n", "\r\n"))
	for _, format := range []string{"text", "json", "github"} {
		holdHarmless(t, "check --format "+format+" of a file with CR", ran(t, "check", "--format", format))
	}

	write(included, sound)
	write(hostileName, "version: 1\nhost: {name: mx1.example.net}\nusers:\n    andrei:\n"+sound)
	for _, command := range [][]string{
		{"check"}, {"build", "-o", "out", "--mx", "off"}, {"lookup", "info@a.example"}, {"lookup", "--format", "json", "info@a.example"},
		{"who", "andrei"}, {"who", "--format", "json", "andrei"}, {"check", "-i", hostileName}, {"build", "-i", hostileName, "-o", "out2", "--mx", "off"},
		{"fmt", "--check", hostileName}, {"fmt", "--diff", hostileName}, {"check", "-i", hostileName + "x"}, {"history", "-o", "out2"},
		{"map", "check", hostileName}, {"map", "make", hostileName}, {"init", hostileName},
	} {
		holdHarmless(t, strings.Join(command, " "), ran(t, command...))
	}
	for _, name := range []string{"virtusertable", "virtmap-aliases", "local-host-names", "virtmap.mc"} {
		text, err := os.ReadFile(filepath.Join("out2", name))
		if err != nil {
			t.Fatal(err)
		}
		holdHarmless(t, name, string(text))
	}

	write(hostileName+".zone", "$TTL 60\n@ SOA a b 1 1 1 1 1\na MX x\n")
	holdHarmless(t, "mx of a zone file with faults", ran(t, "mx", "--zone", hostileName+".zone"))
	write(hostileName+".zone", "$ORIGIN a.example.\n@ 60 SOA a b 1 1 1 1 1\nb.example. 60 A 192.0.2.1\n")
	holdHarmless(t, "mx of a zone file with warnings", ran(t, "mx", "--zone", hostileName+".zone"))
}
