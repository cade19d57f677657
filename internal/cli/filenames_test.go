package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hostileName has control characters for a terminal, and a command for a runner of
// GitHub. Both act if the name is printed unchanged.
const hostileName = "a\n::add-mask::x\r\x1b]0;x\x07\u202e\u009b31m.yaml"

// ran runs the program and returns all its output.
func ran(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	Run(context.Background(), append([]string{"virtmap"}, args...), Stdio{In: strings.NewReader(""), Out: &out, Err: &out})
	return out.String()
}

// holdHarmless fails if the name of a file was printed unchanged.
func holdHarmless(t *testing.T, doing, printed string) {
	t.Helper()
	if printed == "" {
		t.Errorf("%s prints nothing", doing)
	}
	for line := range strings.Lines(printed) {
		if strings.HasPrefix(line, "::add-mask::") {
			t.Errorf("%s prints a line of its file's name:\n%q", doing, printed)
			return
		}
	}
	if at := strings.IndexAny(printed, "\r\x1b\x07\u202e\u009b"); at >= 0 {
		t.Errorf("%s prints a control character: %q", doing, printed[at:min(len(printed), at+20)])
	}
}

// TestFileNamesAreHarmless: the names in an inventory from a merge request are escaped
// in all output.
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
		{"map", "check", hostileName}, {"map", "make", hostileName}, {"init", hostileName}, {"page", "-i", hostileName, "-o", hostileName + ".html"},
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

// TestFolderNamesAreHarmless: the names of folders from the command line are escaped in
// all output.
func TestFolderNamesAreHarmless(t *testing.T) {
	t.Setenv("GITHUB_ACTIONS", "")
	t.Chdir(t.TempDir())
	folder := strings.TrimSuffix(hostileName, ".yaml")
	in := func(name string) string { return filepath.Join(folder, name) }
	write := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(in(name)), 0o755), os.WriteFile(in(name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(name string) {
		t.Helper()
		if err := os.RemoveAll(in(name)); err != nil {
			t.Fatal(err)
		}
	}
	harmless := func(args ...string) {
		t.Helper()
		holdHarmless(t, fmt.Sprintf("%q", args), ran(t, args...))
	}
	const head = "version: 1\nhost: {name: mx1.example.net}\nusers: {root: }\n"
	write("mail.yaml", head+"domains: {a.example: {addresses: {info: root, all: [root, b@b.example]}}, b.example: {addresses: {b: root}}}\n")
	write("less.yaml", head+"domains: {a.example: {addresses: {info: b@b.example}}}\n")
	write("faults.yaml", head+"domains: {a.example: {addresses: {info: rot, Info: root}}}\n")
	write("parts.yaml", head+"include: [parts/*.yaml, none/*.yaml, ../outside/*.yaml]\n")
	write("parts/a.yaml", "domains: {a.example: {addresses: {info: root}}}\n")
	write("passwd", "root:x:0:0::/root:/bin/sh\n")
	write("list", "info@a.example root\nnew@a.example root, nobody@a.example\nfoo bar\nx@y.example a b\n")
	write("columns", "a@a.example,root,more\n")
	write("sendmail.mc", "include(`other.mc')\nMAILER(`smtp')\n")
	out, inventory := in("out"), in("mail.yaml")
	build := []string{"build", "--mx", "off", "-i", inventory, "-o", out}
	also := func(more ...string) []string { return append(slices.Clone(build), more...) }
	server := []string{"--host", "mx1.example.net", "--accounts", in("passwd")}

	harmless(also("--dry-run")...)
	harmless(build...)
	harmless("diff", "--mx", "off", "-i", inventory, "-o", out)
	for _, format := range []string{"text", "markdown"} {
		harmless("diff", "--mx", "off", "-i", in("less.yaml"), "-o", out, "--format", format)
	}
	harmless("diff", "--mx", "off", "-i", in("less.yaml"), "-o", out, "--unified")
	harmless("build", "--mx", "off", "-i", in("less.yaml"), "-o", out)
	harmless("build", "--mx", "off", "-i", in("less.yaml"), "-o", out, "--allow", "removed", "--allow", "vanished", "--timings")
	harmless("history", "-o", out)
	harmless("rollback", "-o", out)
	harmless("rollback", "-o", out, "1")
	harmless("rollback", "-o", out, "9")
	harmless("rollback", "-o", in("none"))
	harmless("history", "-o", in("none"))
	harmless("check", "-i", inventory, "--deep", "-o", out)
	harmless("check", "-i", inventory, "--accounts", in("none"))
	for _, name := range []string{"faults.yaml", "parts.yaml", "parts/a.yaml", "none.yaml", "parts"} {
		for _, format := range []string{"text", "json", "github", "gitlab", "sarif", "junit", "checkstyle"} {
			harmless("check", "-i", in(name), "--format", format)
		}
		harmless("fmt", "--check", in(name)+"x")
		holdQuiet(t, "fmt --check", ran(t, "fmt", "--check", in(name)))
		harmless("lookup", "-i", in(name), "info@a.example")
	}
	harmless("check", "-i", in("parts.yaml"), "--include-from", in("none"))
	harmless("check", "-i", inventory, "--format", "sarif="+in("none/x"))
	harmless("lookup", "-i", inventory, "info@a.example")
	harmless("who", "-i", inventory, "root")
	harmless("test", "-i", inventory)
	harmless(append([]string{"lookup", "--maps", out, "info@a.example"}, server...)...)
	harmless(append([]string{"test", "--maps", out}, "-i", inventory)...)
	harmless("map", "get", filepath.Join(out, "virtusertable.db"), "x@a.example")
	harmless("map", "check", filepath.Join(out, "virtusertable.db"), in("none"))
	harmless("map", "make", filepath.Join(out, "virtusertable"))
	harmless("map", "make", in("list"))
	harmless("init", in("new.yaml"))
	harmless("init", in("new.yaml"))
	harmless("mx", "-i", inventory, "--zone", in("none"))
	harmless("mx", "-i", inventory, "--zone", in("list"))
	harmless(also("--mc", in("sendmail.mc"))...)
	harmless(also("--mc", in("none.mc"))...)
	harmless(also("--plan", in("none"))...)
	harmless("build", "--mx", "off", "-i", inventory, "-o", in("told"), "--state", in("state"), "--on-change", "false", "--rollback-on-failure")

	// Files that are damaged, changed by hand, or no regular files.
	for _, name := range []string{"virtusertable", "virtusertable.db", "virtmap-aliases.db", "local-host-names", ".virtmap/manifest.json", ".virtmap/generations/2/meta.json"} {
		write(filepath.Join("out", name), "")
		harmless("diff", "--mx", "off", "-i", inventory, "-o", out)
		harmless("check", "-i", inventory, "--deep", "-o", out)
		ran(t, append([]string{"lookup", "--maps", out, "info@a.example"}, server...)...)
		harmless("history", "-o", out)
		harmless("build", "--mx", "off", "-i", in("less.yaml"), "-o", out)
		harmless(append([]string{"import", in("out")}, server...)...)
		holdQuiet(t, "build of what is damaged", ran(t, build...))
	}
	write("out/virtusertable", "hand@a.example\troot\n")
	for _, more := range [][]string{nil, {"--adopt", "--dry-run"}, {"--adopt"}} {
		harmless(also(more...)...)
	}
	write("out/virtmap.mc", "by hand\n")
	harmless("rollback", "-o", out)
	harmless("rollback", "-o", out, "--adopt")
	for _, name := range []string{"out/virtusertable", "out/local-host-names", "out/.virtmap/lock", "out/.virtmap/generations"} {
		remove(name)
		if err := os.Symlink("/dev/null", in(name)); err != nil {
			t.Fatal(err)
		}
		holdQuiet(t, "build in which something is a link", ran(t, build...))
		harmless("history", "-o", out)
		harmless(append([]string{"import", in("out")}, server...)...)
		remove(name)
	}

	// Files that the server does not read.
	write("no-mc/sendmail.cf", "V10\nFw/etc/mail/other\n")
	write("mc/sendmail.cf", "V10\nFw/etc/mail/other\nKvirtuser hash -o /etc/mail/virtusertable\n")
	write("mc/sendmail.mc", "MAILER(`smtp')\n")
	for _, name := range []string{"no-mc", "mc"} {
		harmless("build", "--mx", "off", "-i", inventory, "-o", in(name))
		harmless("check", "-i", inventory, "--deep", "-o", in(name))
		harmless("rollback", "-o", in(name), "1")
	}

	// Imports.
	write("etc/virtusertable", "info@a.example root\nbad row here\nlist@b.example lst\n")
	write("etc/local-host-names", "a.example\nb.example\n")
	write("etc/aliases", "lst: root, |/bin/x\n")
	write("etc/sendmail.cf", "Kvirtuser hash -o /etc/mail/virtusertable\nFw/etc/mail/local-host-names\nFw/etc/none\nO AliasFile=/etc/mail/aliases\n")
	for _, args := range [][]string{
		{"import", in("etc")}, {"import", "-o", in("imported.yaml"), in("etc")}, {"import", "-o", in("imported.yaml"), in("etc")},
		{"import", "--aliases", in("none"), in("etc")}, {"import", in("none")}, {"import", "--from", "lines:" + in("list")}, {"import", "--from", "csv:" + in("columns")},
		{"import", "--from", "lines:" + in("none")}, {"import", "--from", "lines:" + in("parts")}, {"import", "--from", "lines:" + in("list"), "--into", inventory},
		{"import", "--from", "lines:" + in("list"), "--into", in("faults.yaml")}, {"import", "--from", "lines:" + in("list"), "--into", in("none.yaml")},
		{"import", "--from", "mailbox:" + in("list")}, {"import", "--from", "x:" + in("list")}, {"import", "--mailbox-base", in("list"), "--from", "mailbox:" + in("list")},
	} {
		harmless(append(args, server...)...)
	}
	for _, name := range []string{"out/virtusertable", "out/virtmap-aliases", "out/local-host-names", "out/virtmap.mc", "imported.yaml", "mail.yaml"} {
		text, err := os.ReadFile(in(name))
		if err != nil {
			t.Fatal(err)
		}
		holdHarmless(t, name, string(text))
	}
}

// holdQuiet is holdHarmless where nothing need be printed.
func holdQuiet(t *testing.T, doing, printed string) {
	t.Helper()
	if printed != "" {
		holdHarmless(t, doing, printed)
	}
}
