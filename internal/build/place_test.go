package build

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/mta/servers"
	"virtmap/inventory"
)

// TestOnHost: only the mail folder of this machine may be written to.
func TestOnHost(t *testing.T) {
	names, err := namesOfThisHost()
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(names[0], ".")
	for _, c := range []struct {
		it, cf, name string
		want         *OtherHost // nil: it is this machine
	}{
		{"takes a name of the machine", "", names[0], nil},
		{"takes a name that begins with the machine's", "", first + ".elsewhere.example", nil},
		{"takes the name that sendmail.cf has", "Djmx1.example.net\n", "mx1.example.net", nil},
		{"refuses another name", "", "mx2.example.net", &OtherHost{names[0], "", "mx2.example.net", "sendmail.cf"}},
		{"says the name that sendmail.cf has", "Djmx1.example.net\n", "mx2.example.net", &OtherHost{names[0], "mx1.example.net", "mx2.example.net", "sendmail.cf"}},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "sendmail.cf"), []byte(c.cf), 0o644); err != nil {
			t.Fatal(err)
		}
		err := onHost(servers.All[0], &inventory.Host{Name: inventory.Name{Text: c.name}, MailDir: inventory.Name{Text: dir}})
		var other *OtherHost
		if errors.As(err, &other) != (c.want != nil) || other != nil && *other != *c.want {
			t.Errorf("it %s: %v", c.it, err)
		}
	}
}

func TestHostNames(t *testing.T) {
	const hosts = "127.0.0.1 localhost\n192.0.2.25 mx1.example.net mx1 # ours\n192.0.2.26 mx2.example.net mx2\n"
	tests := []struct{ it, here, hosts, want string }{
		{"takes a full name as it is", "MX1.Example.NET.", hosts, "mx1.example.net"},
		{"finds the full name of a short one", "mx1", hosts, "mx1.example.net mx1"},
		{"does not take another's", "mx3", hosts, "mx3"},
		{"has only the short name without a hosts file", "mx1", "", "mx1"},
	}
	for _, tt := range tests {
		if got := strings.Join(hostNames(tt.here, tt.hosts), " "); got != tt.want {
			t.Errorf("it %s: got %s, want %s", tt.it, got, tt.want)
		}
	}
}
