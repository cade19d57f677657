package servers_test

import (
	"context"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/servers"
	"virtmap/internal/workshop/peer"
)

// installed has for each server how a test installs its program in a namespace.
var installed = map[string]func(t *testing.T){
	"sendmail":  func(t *testing.T) { peer.Find(t, "sendmail") },
	"postfix":   func(t *testing.T) { peer.InstallPostfix(t, host) },
	"exim":      func(t *testing.T) { peer.InstallExim(t, host, "127.0.0.2::2525", true) },
	"opensmtpd": func(t *testing.T) { peer.Lay(t, peer.OpenSMTPDRoot(t), "/usr", "/etc") },
}

const host = "mx1.example.net"

// TestProgramsGiveTheTable asks the real program of each server what the table of
// docs/servers.md says, over the files of the same inventories. Every cell shows: no answer
// of a program has less in it.
func TestProgramsGiveTheTable(t *testing.T) {
	for _, s := range servers.All {
		t.Run(s.Name, func(t *testing.T) {
			install, ok := installed[s.Name]
			if !ok {
				t.Fatal("no test knows how its program is installed")
			}
			if !peer.Namespace(t) {
				return
			}
			install(t)
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
