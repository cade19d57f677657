package contrib

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpenSMTPDCronLine runs the line for a new inventory, for the same one, for a further
// domain and for a first key that a detail decides about. smtpd is restarted for the first
// and the last, and reads its tables again for the further domain.
func TestOpenSMTPDCronLine(t *testing.T) {
	s := newSite(t)
	text := strings.Replace(good, "host:\n", "host:\n  server: opensmtpd\n", 1)
	s.write(t, "mail.yaml", text)
	env := restarting(t, s, "systemctl")
	bin, _, _ := strings.Cut(strings.TrimPrefix(env[0], "PATH="), ":")
	for _, program := range []string{"smtpd", "smtpctl"} {
		if err := os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\necho \""+program+" $@\" >> "+s.dir+"/restarted\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	line, variables := cronLine(t, "virtmap-opensmtpd.cron", env[0])
	line = strings.ReplaceAll(line, "/etc/mail/mail.yaml", s.dir+"/mail.yaml")
	bare := append(append([]string{"env", "-i", "PATH=/usr/bin:/bin"}, variables...), env[1:]...)
	command := strings.Join(append(bare, "sh", "-c", "'"+strings.ReplaceAll(line, "'", `'\''`)+"'"), " ")
	told := func(restarts, domains int, when string) {
		t.Helper()
		s.must(t, command)
		got := s.must(t, "cat restarted")
		if strings.Count(got, "restart opensmtpd") != restarts || strings.Count(got, "smtpctl update table virtmap_domains\n") != domains {
			t.Errorf("%s: smtpd was told\n%s", when, got)
		}
		if strings.Contains(got, "virtmap_domains\nsmtpctl") {
			t.Errorf("%s: the domains are not the last\n%s", when, got)
		}
	}
	told(1, 0, "a new inventory")
	told(1, 0, "nothing new")
	text += "  mill.example:\n    addresses:\n      info: andrei\n"
	s.write(t, "mail.yaml", text)
	told(1, 1, "a further domain")
	s.write(t, "mail.yaml", text+"      info+*: andrei\n      info+x: reject\n")
	told(2, 1, "a key that a detail decides about")
}
