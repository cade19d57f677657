package contrib

import (
	"os"
	"strings"
	"testing"
)

func TestEximCronLine(t *testing.T) {
	s := newSite(t)
	env := restarting(t, s, "systemctl")
	line, variables := cronLine(t, "virtmap-exim.cron", env[0])
	bare := append(append([]string{"env", "-i", "PATH=/usr/bin:/bin"}, variables...), env[1:]...)
	line = strings.ReplaceAll(line, "/etc/exim4/mail.yaml", s.dir+"/mail.yaml")
	reloadsExim(t, s, strings.Join(append(bare, "sh", "-c", "'"+strings.ReplaceAll(line, "'", `'\''`)+"'"), " "), nil)
}

func TestEximUnit(t *testing.T) {
	text, err := os.ReadFile("virtmap-exim.service")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "ExecStart=")
	command, _, _ := strings.Cut(after, "\n")
	s := newSite(t)
	command = strings.NewReplacer("/usr/bin/virtmap", "virtmap", "$$", "$", "/etc/exim4/mail.yaml", s.dir+"/mail.yaml").Replace(command)
	reloadsExim(t, s, command, restarting(t, s, "systemctl"))
	verifyUnit(t, s, string(text))
}

// reloadsExim runs a command for a new inventory, for the same one, for a further
// domain and for a further name of the server. Exim is reloaded for the first and the last.
func reloadsExim(t *testing.T, s *site, command string, env []string) {
	t.Helper()
	text := strings.Replace(good, "host:\n", "host:\n  server: exim\n", 1)
	s.write(t, "mail.yaml", text)
	reloads := func(want int, when string) {
		t.Helper()
		s.must(t, command, env...)
		if got := strings.Count(s.must(t, "cat restarted"), "reload exim4"); got != want {
			t.Errorf("%s: Exim is reloaded %d times, want %d", when, got, want)
		}
	}
	reloads(1, "a new inventory")
	reloads(1, "nothing new")
	text += "  mill.example:\n    addresses:\n      info: andrei\n"
	s.write(t, "mail.yaml", text)
	reloads(1, "a further domain")
	if got := s.must(t, "cat domains addresses"); !strings.Contains(got, "mill.example\tmill.example\n") || !strings.Contains(got, "info@mill.example\t") {
		t.Errorf("the tables are\n%s", got)
	}
	s.write(t, "mail.yaml", strings.Replace(text, "server: exim\n", "server: exim\n  local_names: [old.example.net]\n", 1))
	reloads(2, "a further name of the server")
}
