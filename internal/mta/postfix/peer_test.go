package postfix_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// TestAgainstPostfix builds generated inventories and asks a running Postfix about their
// addresses: the reply to RCPT from a stranger, and where the mail ends. Postfix and the
// Router must both keep the promise of the inventory.
func TestAgainstPostfix(t *testing.T) {
	w := startWitness(t)
	addresses, refused := 0, 0
	for seed := range uint64(peer.Campaign(12)) {
		n, err := w.inventory(seed)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if n == 0 {
			refused++
		}
		addresses += n
	}
	t.Logf("%d addresses, %d inventories with faults", addresses, refused)
}

// inventory tries one generated inventory.
func (w *witness) inventory(seed uint64) (tried int, err error) {
	r := rand.New(rand.NewPCG(seed, 25))
	m, faults := generated(r, seed, func(text string) string { return text })
	if faults.Failed() {
		return 0, nil
	}
	b := postfix.Compile(m, faults)
	if faults.Failed() {
		return 0, nil
	}
	return w.compare(r, b)
}

// generated parses a generated inventory after a change of its text.
func generated(r *rand.Rand, seed uint64, change func(text string) string) (*inventory.Model, *diag.List) {
	maps := slices.DeleteFunc(slices.Clone(postfix.Server.Maps), func(typ string) bool { return typ == "lmdb-1.0" })
	text := sample.Inventory(r, "/etc/postfix", maps[seed%uint64(len(maps))])
	text = strings.Replace(text, "host: {", "host: {server: postfix, ", 1)
	return inventory.Parse("mail.yaml", change(text))
}

// compare asks Postfix and the Router about addresses of a build, and compares their
// answers with the promise.
func (w *witness) compare(r *rand.Rand, b postfix.Build) (tried int, err error) {
	m := b.Model
	if err := w.load(b); err != nil {
		return 0, err
	}
	account := func(name string) bool {
		_, alias := sample.LocalAliases[name]
		return alias || slices.Contains(sample.Accounts, name)
	}
	promises := promise.Promises{Model: m, Account: account}
	addresses := addressesOf(r, m)
	set, err := postfix.Server.Open(mta.Place{Dir: w.dir, At: func(path string) string { return path }}, mta.Host{Name: sample.HostName, Account: account})
	if err != nil {
		return 0, err
	}
	defer set.Close()
	got, err := w.p.Outcomes(context.Background(), addresses)
	if err != nil {
		return 0, err
	}
	for i, addr := range addresses {
		folded, _ := mailaddr.Fold(addr)
		promised, routed := promises.Of(folded), outcome.Outcome{}
		routed, _ = set.Route(addr)
		if !alike(got[i], promised) {
			return len(addresses), fmt.Errorf("%s is %v (%s) in Postfix, and promised is %v; the Router has %v", addr, got[i], got[i].Text, promised, routed)
		}
		if !alike(routed, promised) {
			return len(addresses), fmt.Errorf("%s is %v for the Router, and promised is %v; Postfix has %v", addr, routed, promised, got[i])
		}
	}
	return len(addresses), nil
}

// alike reports whether an outcome keeps a promise. The site's aliases are followed, an
// empty detail is none, and case does not count.
func alike(got, promised outcome.Outcome) bool { return ends(got).Keeps(ends(promised)) }

func ends(o outcome.Outcome) outcome.Outcome {
	all := slices.Clone(o.Recipients)
	for i, to := range all {
		to = strings.TrimSuffix(mailaddr.Lower(to), "+")
		name, _, _ := strings.Cut(to, "+")
		if of, ok := sample.LocalAliases[name]; ok && !strings.Contains(to, "@") {
			to = of
		}
		all[i] = to
	}
	slices.Sort(all)
	o.Recipients = slices.Compact(all)
	return o
}

// addressesOf returns some addresses of an inventory, and near misses.
func addressesOf(r *rand.Rand, m *inventory.Model) []string {
	all := sample.Vectors(r, m)
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	all = all[:min(len(all), 60)]
	return slices.DeleteFunc(all, func(addr string) bool {
		local, domain, _ := mailaddr.Split(mailaddr.Lower(addr))
		return apart(m, mailaddr.Lower(addr)) || local == "postmaster" && m.IsHostName(domain) // Postfix always takes it (RFC 5321 section 4.5.1)
	})
}
