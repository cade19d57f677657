package contrib

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"virtmap/internal/workshop/peer"
)

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

// TestReadmeNewServer runs the commands of the README for a new server.
func TestReadmeNewServer(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, lines, ok := strings.Cut(string(readme), "## A new server\n\nAs root in /etc/mail, for sendmail:\n\n```\n")
	lines, _, closed := strings.Cut(lines, "```")
	if !ok || !closed || strings.Count(lines, "virtmap ") != 3 {
		t.Fatalf("the lines are %q", lines)
	}
	s := newSite(t)
	env := restarting(t, s, "service")
	s.must(t, "rm mail.yaml")
	s.write(t, "sendmail.mc", "OSTYPE(`linux')dnl\nMAILER(`local')dnl\n")
	s.must(t, "set -e; "+strings.ReplaceAll(lines, "/etc/mail/sendmail.mc", s.dir+"/sendmail.mc"), env...)
	if got := s.must(t, "cat virtusertable sendmail.mc restarted"); !strings.Contains(got, "dnl >>> virtmap") || !strings.Contains(got, "sendmail restart") {
		t.Errorf("the files are\n%s", got)
	}
}
