package exim_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/promise"
	"virtmap/internal/workshop/peer"
)

// TestTheInstalledEximIsAsked asks an installed Exim about the shipped example, as
// `virtmap test --server` does. The users of the example need not be accounts.
func TestTheInstalledEximIsAsked(t *testing.T) {
	peer.EximRoot(t)
	if !peer.Namespace(t) {
		return
	}
	peer.InstallExim(t, "mx1.example.net", "127.0.0.2::2525", true)
	b, work := example(t), peer.SafeDir(t)
	if err := mtatest.Install(exim.Server, b, work); err != nil {
		t.Fatal(err)
	}
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/etc/passwd", []byte(strings.ReplaceAll(string(passwd), "andrei:", "anybody:")), 0o644); err != nil {
		t.Fatal(err)
	}
	host := mta.Host{Name: "mx1.example.net", Account: func(name string) bool { return strings.Contains(" andrei bea carol mailman ", " "+name+" ") }}
	set, err := exim.Server.Open(mta.Place{Dir: work}, host)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	asked, err := exim.Server.Ask(context.Background(), mta.Asking{Build: b, Set: set, Host: host, Work: work, Tell: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	promises := promise.Promises{Model: b.Model, Account: host.Account}
	var addresses []string
	for v := range promise.Vectors(b.Model) {
		if !strings.HasPrefix(v.Address, "postmaster@mx1.") && !strings.HasPrefix(v.Address, "postmaster@localhost") {
			addresses = append(addresses, v.Address)
		}
	}
	got, err := asked.Ask(context.Background(), addresses)
	if err != nil {
		t.Fatal(err)
	}
	for i, addr := range addresses {
		if promised := promises.Of(strings.ToLower(addr)); !mtatest.Alike(got[i], promised) {
			t.Errorf("%s is %v, and promised is %v", addr, got[i], promised)
		}
	}
	if len(addresses) < 50 {
		t.Errorf("only %d addresses were asked", len(addresses))
	}
}
