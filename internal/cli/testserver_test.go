package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// postfixExample writes the example for Postfix into a folder.
func postfixExample(t *testing.T, dir string) (file string) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/example/mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "mail.yaml")
	forPostfix := strings.Replace(string(text), "host:\n", "host:\n  server: postfix\n", 1)
	if err := os.WriteFile(file, []byte(forPostfix), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestPostfixIsAskedToo compares the inventory, the receiver and an installed Postfix with
// Debian's configuration, and then with configurations that break the promise.
func TestPostfixIsAskedToo(t *testing.T) {
	peer.PostfixRoot(t)
	if !peer.Namespace(t) {
		return
	}
	peer.InstallPostfix(t, "mx1.example.net")
	dir := t.TempDir()
	file, out, copied := postfixExample(t, dir), filepath.Join(dir, "out"), filepath.Join(dir, "copy")
	if code, said, complaint := run("", "build", "-i", file, "-o", out, "--mx", "off"); code != 0 {
		t.Fatalf("build ends with %d: %s%s", code, said, complaint)
	}
	const mainCF = "/etc/postfix/main.cf"
	usual, lines := textOf(t, mainCF), textOf(t, filepath.Join(out, "virtmap.main.cf"))
	expect := func(it, main string, code int, says string, args ...string) {
		t.Helper()
		if err := os.WriteFile(mainCF, []byte(main), 0o644); err != nil {
			t.Fatal(err)
		}
		got, said, complaint := run("", append([]string{"test", "-i", file, "--server"}, args...)...)
		if got != code || !strings.Contains(said+complaint, says) {
			t.Errorf("Postfix %s: test ends with %d (want %d) and does not say %q:\n%s%s", it, got, code, says, complaint, said)
		}
	}
	const kept = ": 0 differ from the inventory"
	expect("as Debian has it", usual, 0, kept)
	expect("with the lines", usual+lines, 0, kept)
	expect("with a virtual domain among its own", strings.Replace(usual, "localhost.localdomain", "fakemail.example", 1), exitProblems,
		"mailman@fakemail.example (an account's name at a domain): promised is 550 5.1.1 User unknown, but it is mailman, but with postfix it is mailman")
	expect("with another delimiter", strings.Replace(usual, "recipient_delimiter = +", "recipient_delimiter = -", 1), 0, `main.cf:16: recipient_delimiter is "-" here`)
	expect("for a folder without main.cf", usual, 0, out+" has no main.cf: postfix is asked over "+mainCF, "--maps", out)

	peer.Run(t, "", "sh", "-c", "cp "+out+"/virtmap* /etc/postfix && cp -r /etc/postfix "+copied+" && cat /etc/postfix/virtmap.main.cf >> "+copied+"/main.cf")
	expect("of a copy", usual, 0, kept, "--maps", copied)
	expect("without the lines in its folder", usual, exitProblems, "fake@fakemail.example (listed): promised is andrei, but", "--maps", "/etc/postfix")
	expect("without the accounts", usual+lines, exitProblems, "lists@fakemail.example (listed): promised is mailman, but with postfix it is ", "--maps", "/etc/postfix")
	peer.Run(t, "", "sh", "-c", "for u in andrei bea carol mailman; do echo $u:x:60001:60001::/nonexistent:/bin/false; done >> /etc/passwd")
	expect("in its place", usual+lines, 0, kept, "--maps", "/etc/postfix")
	early := strings.Replace(lines, "smtpd_recipient_restrictions = ", "smtpd_recipient_restrictions = permit_auth_destination, ", 1)
	expect("with a check that comes too late", usual+early, exitProblems, "old@fakemail.example (listed): promised is 550 5.1.1 Ann has left", "--maps", "/etc/postfix")
}

// textOf returns the text of a file.
func textOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAMissingPostfixIsNamed asks for a Postfix on a machine without one.
func TestAMissingPostfixIsNamed(t *testing.T) {
	peer.Root(t)
	if _, err := os.Stat("/usr/sbin/postconf"); err == nil {
		peer.Skip(t, "this machine has Postfix installed")
	}
	code, _, complaint := run("", "test", "-i", postfixExample(t, t.TempDir()), "--server")
	if code != exitIO || !strings.Contains(complaint, "postfix is not installed: there is no postconf; install the package postfix") {
		t.Errorf("test ends with %d: %s", code, complaint)
	}
}
