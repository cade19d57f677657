package servers_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/servers"
	"virtmap/internal/workshop/peer"
)

// programs has for each server whether its program is there, otherwise the test is skipped,
// and how it is installed in a namespace.
var programs = map[string]struct {
	there   func(t testing.TB) string
	install func(t *testing.T)
}{
	"sendmail":  {func(t testing.TB) string { return peer.Find(t, "sendmail") }, func(*testing.T) {}},
	"postfix":   {peer.PostfixRoot, func(t *testing.T) { peer.InstallPostfix(t, host) }},
	"exim":      {peer.EximRoot, func(t *testing.T) { peer.InstallExim(t, host, "127.0.0.2::2525", true) }},
	"opensmtpd": {peer.OpenSMTPDRoot, func(t *testing.T) { peer.Lay(t, peer.OpenSMTPDRoot(t), "/usr", "/etc") }},
}

const host = "mx1.example.net"

// TestProgramsGiveTheTable asks the real program of each server what the table of
// docs/servers.md says, over the files of the same inventories. Every cell shows: no answer
// of a program has less in it.
func TestProgramsGiveTheTable(t *testing.T) {
	for _, s := range servers.All {
		t.Run(s.Name, func(t *testing.T) {
			if s.Ask == nil {
				t.Skip("its program cannot be asked")
			}
			program, ok := programs[s.Name]
			if !ok {
				t.Fatal("no test knows how its program is installed")
			}
			program.there(t)
			if !peer.Namespace(t) {
				return
			}
			program.install(t)
			withoutUsers(t)
			compared := 0
			for _, w := range wants {
				b, refused := built(t, s, w)
				if refused != "" {
					continue
				}
				cells := outcomesOf(t, s, w)
				for i, is := range askedOf(t, s, b, w.ask) {
					if compared++; is != cells[i] {
						t.Errorf("%s, %s: %q, and the table has %q", w.what, w.ask[i], is, cells[i])
					}
				}
			}
			if t.Logf("%d addresses", compared); compared < len(wants) {
				t.Error("too few addresses were compared")
			}
		})
	}
}

// withoutUsers takes the users of the inventories off this machine: they are those of
// another one.
func withoutUsers(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	var rest strings.Builder
	for line := range strings.Lines(string(text)) {
		if name, _, _ := strings.Cut(line, ":"); !slices.Contains([]string{"andrei", "bea", "carol", "dora", "mailman"}, name) {
			rest.WriteString(line)
		}
	}
	path := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(path, []byte(rest.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	peer.Bind(t, path, "/etc/passwd")
}

// askedOf returns what the program of a server answers for addresses, over the files of a
// build.
func askedOf(t *testing.T, s *mta.Server, b mta.Build, addresses []string) (all []string) {
	t.Helper()
	dir := peer.SafeDir(t)
	if err := mtatest.Install(s, b, dir); err != nil {
		t.Fatal(err)
	}
	h := mta.Host{Name: host, Account: func(string) bool { return false }}
	set, err := s.Open(mta.Place{Dir: dir}, h)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	asked, err := s.Ask(context.Background(), mta.Asking{Build: b, Set: set, Host: h, Work: dir, Tell: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	got, err := asked.Ask(context.Background(), addresses)
	if err != nil {
		t.Fatal(err)
	}
	if asked.Relays() {
		t.Error("a stranger may relay")
	}
	for _, out := range got {
		all = append(all, becomes(out))
	}
	return all
}
