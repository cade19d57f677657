package contrib

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// restarting returns a PATH with programs that record the restart of a server.
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

// restartsOnce runs the command of a timer twice. The second run prints nothing, and
// sendmail is restarted once.
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

// cronLine returns the command of a cron file, and the variables that the file sets.
// PATH begins with the folders of a test.
func cronLine(t *testing.T, name, path string) (command string, variables []string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	fields := strings.SplitN(lines[len(lines)-1], " ", 7)
	if len(fields) != 7 || fields[5] != "root" || strings.Contains(fields[6], "%") { // to cron % is the end of a line
		t.Fatalf("the line is %q", fields)
	}
	path, _, _ = strings.Cut(strings.TrimPrefix(path, "PATH="), ":"+os.Getenv("PATH"))
	for _, line := range lines {
		if strings.Contains(line, "=") && !strings.ContainsAny(line, "# ") {
			variables = append(variables, strings.Replace(line, "PATH=/usr/local/sbin", "PATH="+path, 1)) // with the program and the recording programs
		}
	}
	return fields[6], variables
}

func TestCronLine(t *testing.T) {
	// cron starts with an almost empty environment and adds the variables of the file.
	s := newSite(t)
	env := restarting(t, s, "service")
	line, variables := cronLine(t, "virtmap.cron", env[0])
	bare := append(append([]string{"env", "-i", "PATH=/usr/bin:/bin"}, variables...), env[1:]...)
	bare = append(bare, "sh", "-c", "'"+strings.ReplaceAll(line, "'", `'\''`)+"'")
	restartsOnce(t, s, strings.Join(bare, " "), nil)
}

// TestThePageHasTheCronFile compares the lines of docs/cron.md with the file.
func TestThePageHasTheCronFile(t *testing.T) {
	page, err := os.ReadFile("../docs/cron.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("virtmap.cron")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if want := "```\n" + strings.Join(lines, "") + "```\n"; !strings.Contains(string(page), want) {
		t.Errorf("docs/cron.md does not have\n%s", want)
	}
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
	verifyUnit(t, s, string(text))
}

// TestPathUnit: the path unit starts the service, and looks at the inventory that each of
// the services reads.
func TestPathUnit(t *testing.T) {
	text, err := os.ReadFile("virtmap.path")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\nUnit=virtmap.service\n") {
		t.Error("it does not start virtmap.service")
	}
	for _, name := range []string{"virtmap.service", "virtmap-postfix.service", "virtmap-exim.service"} {
		unit, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(unit), "build -i ")
		inventory, _, _ := strings.Cut(after, " ")
		for _, path := range []string{inventory, filepath.Join(filepath.Dir(inventory), "domains")} {
			if !strings.Contains(string(text), "\nPathChanged="+path+"\n") {
				t.Errorf("it does not look at %q of %s", path, name)
			}
		}
		if !strings.Contains(string(unit), "\nStartLimitIntervalSec=0\n") {
			t.Errorf("%s cannot be started at each save", name)
		}
	}
}

// verifyUnit has systemd check a unit, the timer and the path unit, and how safe the unit
// is.
func verifyUnit(t *testing.T, s *site, text string) {
	t.Helper()
	analyze := peer.Find(t, "systemd-analyze")
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	// The unit with the path of the program in this test, and without the manual page.
	unit := strings.NewReplacer("/usr/bin/virtmap", filepath.Join(bin, "virtmap"), "Documentation=man:virtmap(1)\n", "").Replace(text)
	s.write(t, "virtmap.service", unit)
	verify := []string{"verify", s.dir + "/virtmap.service"}
	for _, name := range []string{"virtmap.timer", "virtmap.path"} {
		other, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, name, strings.Replace(string(other), "Documentation=man:virtmap(1)\n", "", 1))
		verify = append(verify, s.dir+"/"+name)
	}
	for _, args := range [][]string{verify, {"security", "--offline=yes", "--threshold=30", s.dir + "/virtmap.service"}} {
		if out, errOut, err := peer.Try("", analyze, args...); err != nil || args[0] == "verify" && strings.Contains(errOut, s.dir) {
			t.Errorf("systemd-analyze %s: %v\n%s%s", args[0], err, out, errOut)
		}
	}
}
