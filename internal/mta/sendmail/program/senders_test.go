package program_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// authLines are the lines of a sendmail.mc with which users log in.
var authLines = []string{"TRUST_AUTH_MECH(`PLAIN')dnl", "define(`confAUTH_MECHANISMS', `PLAIN')dnl"}

// TestSendersOfGeneratedInventories has users of generated inventories log in at the real
// sendmail and try their own and foreign addresses. The answer is that of the files, and
// what is promised, but for a sender whose own mail is refused, which sendmail refuses too.
func TestSendersOfGeneratedInventories(t *testing.T) {
	p := installed(t)
	asked, may := 0, 0
	for seed := range peer.Campaign(20) {
		dir := filepath.Join(peer.SafeDir(t), "set")
		r := rand.New(rand.NewPCG(uint64(seed), 29))
		text := sample.Sending(r, sample.Inventory(r, dir, []string{"hash", "cdb", "text"}[seed%3]))
		if seed%3 == 1 && !p.HasMap("cdb") {
			continue
		}
		m, ok := built(t, dir, text)
		if !ok || !m.Submission.Authorise {
			continue
		}
		lines := authLines
		if seed%2 == 0 {
			lines = append(lines, "FEATURE(`delay_checks')dnl") // the sender is refused at RCPT
		}
		cf := serve(t, p, dir, lines...)
		logins := loginsOf(r, m)
		got, err := p.Senders(t.Context(), cf, sample.HostName, peer.SafeDir(t), logins)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		view, promises := sendmail.Compile(m, new(diag.List)).View(), promise.NewSenders(m)
		for i, l := range logins {
			want, _ := view.Sends(l.User, l.From)
			if got[i].Taken != want.Taken || !got[i].Taken && (got[i].Code != want.Code || got[i].Status != want.Status) {
				t.Errorf("seed %d: %s from %s: sendmail says %v %v, the files %v %v\n%s", seed, l.User, l.From, got[i].Taken, got[i], want.Taken, want, text)
			}
			if promised := promises.May(l.User, l.From); got[i].Taken != (promised && !refusedByRow(view, l.From)) {
				t.Errorf("seed %d: %s from %s: sendmail says %v, promised is %v\n%s", seed, l.User, l.From, got[i], promised, text)
			}
			if asked++; got[i].Taken {
				may++
			}
		}
	}
	if may < asked/50 || may > asked/2 {
		t.Errorf("of %d logins %d may send: the sample says little", asked, may)
	}
	t.Logf("%d logins, of which %d may send", asked, may)
}

// refusedByRow reports whether a row refuses mail for an address. sendmail does not ask
// whether the account of a sender exists.
func refusedByRow(view *sendmail.View, addr string) bool {
	_, steps := view.Route(addr)
	return slices.ContainsFunc(steps, func(s outcome.Step) bool { return s.Hit && strings.HasPrefix(s.Value, "error:") })
}

// loginsOf returns some users of an inventory, each with all addresses of a sample.
func loginsOf(r *rand.Rand, m *inventory.Model) (logins []outcome.Login) {
	from := sample.From(r, m)
	for i := range m.Users {
		if r.IntN(3) > 0 {
			continue
		}
		for _, addr := range from {
			logins = append(logins, outcome.Login{User: m.Users[i].Name.Text, From: addr})
		}
	}
	return logins
}
