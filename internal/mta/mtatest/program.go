package mtatest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/fileset"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/internal/publish"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// A Program is the real program of a server, as a test asks it.
type Program struct {
	Server *mta.Server
	Name   string // the name of the program in messages
	// Start returns the program over the files of a build in a folder.
	Start func(t testing.TB, dir string, b mta.Build) Asked
	// Sayable is that of the Subject.
	Sayable func(text string) string
	// Apart reports whether the program answers for an address whatever the files say. nil:
	// there is no such address.
	Apart func(m *inventory.Model, addr string) bool
}

// Asked is a program that is ready to answer.
type Asked interface {
	Outcomes(ctx context.Context, addresses []string) ([]outcome.Outcome, error)
}

// Run builds n generated inventories and asks the program about their addresses: the
// reply to RCPT from a stranger, and where the mail ends. The program and the Set must
// both keep the promise of the inventory. If more than half of the inventories have faults,
// the test fails. folder returns a new folder.
func (p Program) Run(t *testing.T, n int, folder func() string) {
	t.Helper()
	addresses, refused := 0, 0
	for seed := range uint64(n) {
		tried, err := p.try(t, seed, folder)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if tried == 0 {
			refused++
		}
		addresses += tried
	}
	t.Logf("%d addresses, %d inventories with faults", addresses, refused)
	if refused*2 > n {
		t.Errorf("%d of %d inventories have faults", refused, n)
	}
}

// try tries one generated inventory.
func (p Program) try(t *testing.T, seed uint64, folder func() string) (tried int, err error) {
	r := rand.New(rand.NewPCG(seed, 56))
	text := sample.Inventory(r, p.Server.Dir, p.Server.Maps[seed%uint64(len(p.Server.Maps))]+", server: "+p.Server.Name)
	if p.Sayable != nil {
		text = p.Sayable(text)
	}
	m, faults := inventory.Parse("mail.yaml", text)
	if faults.Failed() {
		return 0, nil
	}
	b := p.Server.Compile(m, faults)
	if faults.Failed() {
		return 0, nil
	}
	addresses := sample.Vectors(r, m)
	if p.Apart != nil {
		addresses = slices.DeleteFunc(addresses, func(addr string) bool { return p.Apart(m, mailaddr.Lower(addr)) })
	}
	r.Shuffle(len(addresses), func(i, j int) { addresses[i], addresses[j] = addresses[j], addresses[i] })
	addresses = addresses[:min(len(addresses), 60)]
	return len(addresses), p.Compare(t, b, folder(), addresses)
}

// Compare puts the files of a build into a folder, asks the program and the Set about
// addresses, and compares their answers with the promise. The accounts are those of package
// sample.
func (p Program) Compare(t testing.TB, b mta.Build, dir string, addresses []string) error {
	if err := Install(p.Server, b, dir); err != nil {
		return err
	}
	set, err := p.Server.Open(mta.Place{Dir: dir}, mta.Host{Name: sample.HostName, Account: sample.HasName})
	if err != nil {
		return err
	}
	defer set.Close()
	got, err := p.Start(t, dir, b).Outcomes(context.Background(), addresses)
	if err != nil {
		return err
	}
	promises := promise.Promises{Model: b.Inventory(), Account: sample.HasName}
	var wrong []error
	for i, addr := range addresses {
		folded, _ := mailaddr.Fold(addr)
		promised := promises.Of(folded)
		routed, tried := set.Route(addr)
		if !Alike(got[i], promised) || !Alike(routed, promised) {
			wrong = append(wrong, fmt.Errorf("%s is %v (%s) in %s, %v for the Router, and promised is %v; tried %v", addr, got[i], got[i].Text, p.Name, routed, promised, tried))
		}
	}
	return errors.Join(wrong...)
}

// Install puts the files of a build into a folder.
func Install(server *mta.Server, b mta.Build, dir string) error {
	outputs, err := fileset.Outputs(server, b, dir, -1)
	if err != nil {
		return err
	}
	_, err = publish.Publish(context.Background(), publish.Set{Outputs: outputs, State: filepath.Join(dir, ".state"), FS: publish.OS, Adopt: true})
	return err
}

// Alike reports whether an outcome of a program keeps a promise. An empty detail is none,
// and case does not count.
func Alike(got, promised outcome.Outcome) bool { return lowered(got).Keeps(lowered(promised)) }

func lowered(o outcome.Outcome) outcome.Outcome {
	all := slices.Clone(o.Recipients)
	for i, to := range all {
		all[i] = strings.TrimSuffix(mailaddr.Lower(to), "+")
	}
	slices.Sort(all)
	o.Recipients = slices.Compact(all)
	return o
}
