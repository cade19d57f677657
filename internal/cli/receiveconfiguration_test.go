package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReceiveAnswersAsTheConfigurationSays compares the receiver with sendmail for
// class {VirtHost}, for a name that no inventory can have, and for LUSER_RELAY.
func TestReceiveAnswersAsTheConfigurationSays(t *testing.T) {
	const table = "Kvirtuser text -k0 -v1 -z\\t /etc/mail/virtusertable\n"
	const entire = "C{VirtHost}shop.example\nCR$={VirtHost}\nR<!> $+ < @ $* $={VirtHost} . >\t$: x\n"
	for _, server := range []struct {
		name, cf, rows string
		answers        map[string]string
	}{
		{"class {VirtHost}", table + entire, "info@sub.shop.example\tandrei\n@shop.example\terror:5.1.1:\"550 Closed\"\n", map[string]string{
			"info@sub.shop.example": "250",
			"other@shop.example":    "550 5.1.1 <other@shop.example>... Closed",
			"other@x.shop.example":  "250",
			"other@x.example":       "550 5.7.1 <other@x.example>... Relaying denied",
		}},
		{"a name with an underscore", table + "Cwmy_host.example\n", "info@my_host.example\tandrei\n", map[string]string{
			"info@my_host.example": "250",
			"who@my_host.example":  "550 5.1.1 <who@my_host.example>... User unknown",
		}},
		{"LUSER_RELAY", table + "Cwshop.example\nDLbackup.real.test\n", "old@shop.example\terror:5.1.1:\"550 Gone\"\n", map[string]string{
			"who@shop.example": "250",
			"old@shop.example": "550 5.1.1 <old@shop.example>... Gone",
		}},
	} {
		t.Run(server.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"sendmail.cf": "Djmx1.example.net\n" + server.cf, "virtusertable": server.rows, "passwd": "andrei:x:1:1::/:/bin/sh\n"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			r := startReceive(t, "--maps", dir, "--accounts", filepath.Join(dir, "passwd"))
			for address, want := range server.answers {
				if got := r.send(address); got != want {
					t.Errorf("%s is answered %q, want %q", address, got, want)
				}
			}
			if code := r.stop(); code != 0 {
				t.Errorf("it ends with %d", code)
			}
		})
	}
}
