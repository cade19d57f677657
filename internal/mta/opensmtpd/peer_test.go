package opensmtpd_test

import (
	"context"
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
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/mta/opensmtpd/program"
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
func compiled(text string) (opensmtpd.Build, *diag.List) {
	m, faults := inventory.Parse("mail.yaml", text)
	if faults.Failed() {
		return opensmtpd.Build{}, faults
	}
	return opensmtpd.Compile(m, faults), faults
}

// publishInto puts the files of a build into a folder.
func publishInto(b mta.Build, dir string) error {
	outputs, err := fileset.Outputs(opensmtpd.Server, b, dir, -1)
	if err != nil {
		return err
	}
	_, err = publish.Publish(context.Background(), publish.Set{Outputs: outputs, State: filepath.Join(dir, ".state"), FS: publish.OS, Adopt: true})
	return err
}

// start starts a real OpenSMTPD over the files of a folder, in which a build is.
func start(t testing.TB, dir string, b opensmtpd.Build) *program.Server {
	t.Helper()
	o := opensmtpd.Question(b)
	o.Root, o.Folder, o.Tables = peer.OpenSMTPDRoot(t), filepath.Join(dir, "smtpd"), dir
	var aliases strings.Builder
	aliases.WriteString("root: virtmap-root\n") // smtpd delivers nothing as root
	for name, to := range sample.LocalAliases {
		fmt.Fprintf(&aliases, "%s: %s\n", name, to)
	}
	o.Aliases, o.Accounts = aliases.String(), append(slices.Clone(sample.Accounts), "virtmap-root")
	if err := os.MkdirAll(o.Folder, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := program.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestAgainstOpenSMTPD builds generated inventories and asks a real OpenSMTPD about their
// addresses: the reply to RCPT from a stranger, and where the mail ends. OpenSMTPD and
// the Router must both keep the promise of the inventory.
func TestAgainstOpenSMTPD(t *testing.T) {
	peer.OpenSMTPDRoot(t)
	addresses, refused := 0, 0
	for seed := range uint64(peer.Campaign(12)) {
		n, err := againstOpenSMTPD(t, seed)
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

// againstOpenSMTPD tries one generated inventory.
func againstOpenSMTPD(t *testing.T, seed uint64) (tried int, err error) {
	r := rand.New(rand.NewPCG(seed, 56))
	text := sample.Plain(sample.Inventory(r, opensmtpd.DefaultDir, opensmtpd.Server.Maps[0]))
	b, faults := compiled(strings.Replace(text, "host: {", "host: {server: opensmtpd, ", 1))
	if faults.Failed() {
		return 0, nil
	}
	dir := peer.SafeDir(t)
	if err := publishInto(b, dir); err != nil {
		return 0, err
	}
	set, err := opensmtpd.Server.Open(mta.Place{Dir: dir}, mta.Host{Name: sample.HostName, Account: account})
	if err != nil {
		return 0, err
	}
	defer set.Close()
	addresses := addressesOf(r, b.Model)
	got, err := start(t, dir, b).Outcomes(context.Background(), addresses)
	if err != nil {
		return 0, err
	}
	promises := promise.Promises{Model: b.Model, Account: account}
	for i, addr := range addresses {
		folded, _ := mailaddr.Fold(addr)
		promised := promises.Of(folded)
		routed, _ := set.Route(addr)
		if !alike(got[i], promised) {
			return len(addresses), fmt.Errorf("%s is %v (%s) in OpenSMTPD, and promised is %v; the Router has %v", addr, got[i], got[i].Text, promised, routed)
		}
		if !alike(routed, promised) {
			return len(addresses), fmt.Errorf("%s is %v for the Router, and promised is %v; OpenSMTPD has %v", addr, routed, promised, got[i])
		}
	}
	return len(addresses), nil
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
	return all[:min(len(all), 60)]
}
