package contrib

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// forPostfix is good for Postfix.
var forPostfix = strings.Replace(good, "host:\n", "host:\n  server: postfix\n", 1)

// newPostfixSite returns a site with an inventory and a main.cf for Postfix, and the
// environment in which a program records how it is called.
func newPostfixSite(t *testing.T, program string) (s *site, env []string) {
	t.Helper()
	s = newSite(t)
	s.write(t, "mail.yaml", forPostfix)
	s.write(t, "main.cf", "compatibility_level = 3.6\nmyhostname = mx1.example.net\n")
	return s, restarting(t, s, program)
}

// reloadsWhenNeeded runs a command for a new inventory, for the same one, for a further
// address and for a further domain. It prints nothing for the same one, and Postfix is
// reloaded for the first and the last.
func reloadsWhenNeeded(t *testing.T, s *site, command string, env []string) {
	t.Helper()
	command = strings.ReplaceAll(command, "/etc/postfix/", s.dir+"/")
	reloads := func(want int, when string) {
		t.Helper()
		if got := strings.Count(s.must(t, "cat restarted"), "reload"); got != want {
			t.Errorf("%s: Postfix is reloaded %d times, want %d", when, got, want)
		}
	}
	s.must(t, command, env...)
	reloads(1, "a new inventory")
	if got := s.must(t, "cat main.cf"); !strings.Contains(got, "virtual_alias_maps = hash:/etc/postfix/virtmap-virtual\n") {
		t.Errorf("main.cf is\n%s", got)
	}
	if out := s.must(t, command, env...); out != "" && !strings.Contains(out, "Nothing to be done") {
		t.Errorf("nothing changed, and it says %s", out)
	}
	reloads(1, "nothing new")
	address := forPostfix + "      sales: andrei\n"
	s.write(t, "mail.yaml", address)
	s.must(t, "touch -d '+1 minute' mail.yaml")
	s.must(t, command, env...)
	reloads(1, "a further address")
	s.write(t, "mail.yaml", address+"  mill.example:\n    addresses:\n      info: andrei\n")
	s.must(t, "touch -d '+2 minutes' mail.yaml")
	s.must(t, command, env...)
	reloads(2, "a further domain")
	if got := s.must(t, "cat virtmap-virtual"); !strings.Contains(got, "sales@bakery.example\t") || !strings.Contains(got, "info@mill.example\t") {
		t.Errorf("the addresses are\n%s", got)
	}
}

func TestPostfixCronLine(t *testing.T) {
	s, env := newPostfixSite(t, "postfix")
	line, variables := cronLine(t, "virtmap-postfix.cron", env[0])
	bare := append(append([]string{"env", "-i", "PATH=/usr/bin:/bin"}, variables...), env[1:]...)
	bare = append(bare, "sh", "-c", "'"+strings.ReplaceAll(line, "'", `'\''`)+"'")
	reloadsWhenNeeded(t, s, strings.Join(bare, " "), nil)
}

func TestPostfixUnit(t *testing.T) {
	text, err := os.ReadFile("virtmap-postfix.service")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "ExecStart=")
	command, _, _ := strings.Cut(after, "\n")
	command = strings.ReplaceAll(strings.Replace(command, "/usr/bin/virtmap", "virtmap", 1), "$$", "$")
	s, env := newPostfixSite(t, "systemctl")
	reloadsWhenNeeded(t, s, command, env)
	verifyUnit(t, s, string(text))
}

// TestUnitsAreAlike compares the units: the sandbox is the same but for the folder, and what
// Exim needs to say what it reads.
func TestUnitsAreAlike(t *testing.T) {
	var sandbox [3]string
	for i, name := range []string{"virtmap.service", "virtmap-postfix.service", "virtmap-exim.service"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, sandbox[i], _ = strings.Cut(string(text), "StateDirectory=")
		sandbox[i] = strings.NewReplacer("# Exim, which says what it reads, sets its groups first.\n", "", " CAP_SETGID CAP_SETUID", "").Replace(sandbox[i])
	}
	for i, folder := range []string{"/etc/mail", "/etc/postfix", "/etc/exim4"} {
		if strings.Replace(sandbox[0], "/etc/mail", folder, 1) != sandbox[i] {
			t.Errorf("the sandboxes are\n%s\n%s", sandbox[0], sandbox[i])
		}
	}
}

func TestPostfixMakefile(t *testing.T) {
	peer.Find(t, "make")
	makefile, err := filepath.Abs("Makefile.postfix")
	if err != nil {
		t.Fatal(err)
	}
	s, env := newPostfixSite(t, "postfix")
	reloadsWhenNeeded(t, s, "/usr/bin/make -f "+makefile+" virtmap", env)
	s.must(t, "/usr/bin/make -f "+makefile+" virtmap-check")
	s.write(t, "mail.yaml", forPostfix+"      sales: andrai\n")
	if out, err := s.run("touch -d '+3 minutes' mail.yaml; /usr/bin/make -f "+makefile+" virtmap", env...); err == nil {
		t.Errorf("a fault is built: %s", out)
	}
}
