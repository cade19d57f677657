package exim_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/exim/program"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/internal/publish"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// account reports whether the server of the samples has an account or an alias.
func account(name string) bool {
	_, alias := sample.LocalAliases[name]
	return alias || slices.Contains(sample.Accounts, name)
}

// compiled compiles an inventory.
func compiled(text string) (exim.Build, *diag.List) {
	m, faults := inventory.Parse("mail.yaml", text)
	if faults.Failed() {
		return exim.Build{}, faults
	}
	return exim.Compile(m, faults), faults
}

// publishInto puts the files of a build into a folder.
func publishInto(b mta.Build, dir string) error {
	outputs, err := fileset.Outputs(exim.Server, b, dir, -1)
	if err != nil {
		return err
	}
	_, err = publish.Publish(context.Background(), publish.Set{Outputs: outputs, State: filepath.Join(dir, ".state"), FS: publish.OS, Adopt: true})
	return err
}

// startExim returns the real Exim over the files of a folder, in which a build is.
func startExim(t testing.TB, dir string, b exim.Build) *program.Exim {
	t.Helper()
	var aliases strings.Builder
	aliases.WriteString("root: daemon\n") // otherwise exim -bt does not show the detail of root
	for name, to := range sample.LocalAliases {
		fmt.Fprintf(&aliases, "%s: %s\n", name, to)
	}
	o := exim.Question(b)
	o.Root, o.Folder, o.Tables, o.Aliases = program.Unpacked(peer.EximRoot(t)), filepath.Join(dir, "exim"), dir, aliases.String()
	if err := os.MkdirAll(o.Folder, 0o755); err != nil {
		t.Fatal(err)
	}
	e, err := program.New(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestAgainstExim builds generated inventories and asks a real Exim about their
// addresses: the reply to RCPT from a stranger, and where the mail ends. Exim and the
// Router must both keep the promise of the inventory.
func TestAgainstExim(t *testing.T) {
	peer.EximRoot(t)
	addresses, refused := 0, 0
	for seed := range uint64(peer.Campaign(12)) {
		n, err := againstExim(t, seed)
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

// againstExim tries one generated inventory.
func againstExim(t *testing.T, seed uint64) (tried int, err error) {
	r := rand.New(rand.NewPCG(seed, 56))
	text := sample.Inventory(r, "/etc/exim4/virtmap", exim.Server.Maps[seed%3])
	b, faults := compiled(strings.Replace(text, "host: {", "host: {server: exim, ", 1))
	if faults.Failed() {
		return 0, nil
	}
	addresses := addressesOf(r, b.Model)
	return len(addresses), compareAll(t, b, addresses)
}

// compareAll asks Exim and the Router about addresses of a build, and compares their
// answers with the promise.
func compareAll(t *testing.T, b exim.Build, addresses []string) error {
	dir := peer.SafeDir(t)
	if err := publishInto(b, dir); err != nil {
		return err
	}
	set, err := exim.Server.Open(mta.Place{Dir: dir}, mta.Host{Name: sample.HostName, Account: account})
	if err != nil {
		return err
	}
	defer set.Close()
	got, err := startExim(t, dir, b).Outcomes(context.Background(), addresses)
	if err != nil {
		return err
	}
	promises := promise.Promises{Model: b.Model, Account: account}
	var wrong []error
	for i, addr := range addresses {
		folded, _ := mailaddr.Fold(addr)
		promised := promises.Of(folded)
		routed, _ := set.Route(addr)
		if !alike(got[i], promised) || !alike(routed, promised) {
			wrong = append(wrong, fmt.Errorf("%s is %v (%s) in Exim, %v for the Router, and promised is %v", addr, got[i], got[i].Text, routed, promised))
		}
	}
	return errors.Join(wrong...)
}

// alike reports whether an outcome keeps a promise. An empty detail is none, and case does
// not count.
func alike(got, promised outcome.Outcome) bool { return folded(got).Keeps(folded(promised)) }

func folded(o outcome.Outcome) outcome.Outcome {
	all := slices.Clone(o.Recipients)
	for i, to := range all {
		all[i] = strings.TrimSuffix(mailaddr.Lower(to), "+")
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
		return local == "postmaster" && m.IsHostName(m.Meant(domain)) // Debian always takes it
	})
}
