// Package mtatest tests whether a server keeps the contract of package mta:
//
//	func TestContract(t *testing.T) { mtatest.Run(t, mtatest.Subject{Server: NAME.Server}, 300) }
//
// The test generates inventories. For each one, and for an edited form of it, it
// checks:
//
//   - The files, written and opened again, give the promise of the inventory for every
//     address and near miss. The Set of the Build gives the same before it is written.
//   - Rows are sorted by their keys. Each row has a place in the inventory. The served
//     and relayed domains are those of the inventory.
//   - When the swap of the edited set is stopped at any call, each address has its old
//     outcome, its new outcome, or the old one with the new form of the files that
//     other files lead to.
//   - A domain that leaves keeps its outcomes until the server is restarted, if the server
//     reads its lists of domains only then.
//   - A rollback brings the old outcomes back.
//   - A configuration that reads everything has no gap. Without any one of its lines it
//     has a gap.
//
// Try returns the first fault as an error, so that a test can also try a server that is
// wrong on purpose.
package mtatest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/promise"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// A Subject is the server under test.
type Subject struct {
	Server *mta.Server

	// Configuration returns the file name and the lines of a main configuration that
	// reads everything a build needs from a folder. None of the lines is redundant.
	// Configuration may be nil if the server has no Conf.
	Configuration func(dir string, b mta.Build) (name string, lines []string)

	// During returns the file name and the text of a main configuration that reads
	// everything two builds need, as it must be while their files are swapped. nil: the
	// server needs none.
	During func(old, next mta.Build) (name string, text []byte)

	// Apart reports whether an address of an inventory has another outcome than the
	// promised one, as a note of the server says. Such an address is not tried. nil: there
	// is none.
	Apart func(m *inventory.Model, addr string) bool

	// Sayable returns a generated inventory without what the server refuses in every
	// inventory. nil: too little is refused to matter.
	Sayable func(text string) string

	// LooseDetails says that the server keeps the keys for details in two files, of which
	// it reads one only at a restart. Until then, an address with a detail may have the
	// outcome of another key, and is not looked at.
	LooseDetails bool
}

// Run tests n generated inventories. An inventory with faults passes, because a server
// must refuse what it cannot do. If more than half of them have faults, the test fails.
func Run(t *testing.T, s Subject, n int) {
	t.Helper()
	addresses, refused := 0, 0
	for seed := range n {
		tried, err := Try(t.TempDir(), s, uint64(seed))
		switch {
		case errors.Is(err, ErrFaults):
			refused++
		case err != nil:
			t.Fatalf("%s, seed %d: %v", s.Server.Name, seed, err)
		}
		addresses += tried
	}
	t.Logf("%s: %d inventories, %d with faults, %d addresses", s.Server.Name, n, refused, addresses)
	if refused*2 > n {
		t.Errorf("%s: %d of %d inventories have faults", s.Server.Name, refused, n)
	}
}

// ErrFaults says that a generated inventory has faults.
var ErrFaults = errors.New("the inventory has faults")

// Try tests the server with the inventories of one seed. folder must be empty.
// addresses is the number of addresses that were tried.
func Try(folder string, s Subject, seed uint64) (addresses int, err error) {
	old, err := s.compile(seed, 1)
	if err != nil {
		return 0, err
	}
	next, err := s.compile(seed, 2)
	if err != nil {
		return 0, err
	}
	c := &trial{Subject: s, folder: folder, old: old, next: next}
	c.addresses = slices.Concat(old.addresses, next.addresses)
	slices.Sort(c.addresses)
	c.addresses = slices.Compact(c.addresses)
	for _, hold := range []func() error{
		func() error { return c.written(old) }, func() error { return c.written(next) },
		c.swapped, c.leaving, c.rolledBack, c.wired,
	} {
		if err := hold(); err != nil {
			return len(c.addresses), err
		}
	}
	return len(c.addresses), nil
}

// A trial is the test with the inventories of one seed.
type trial struct {
	Subject
	folder    string
	old, next *edition
	addresses []string
}

// An edition is one of the two inventories, compiled.
type edition struct {
	model     *inventory.Model
	build     mta.Build
	promises  *promise.Promises
	addresses []string
}

// compile generates and compiles one of the two inventories of a seed. Some domains are
// the same in both inventories, some have other addresses, and some are in only one.
func (s Subject) compile(seed, edit uint64) (*edition, error) {
	r := rand.New(rand.NewPCG(seed, edit))
	text := sample.Inventory(r, s.Server.Dir, s.Server.Maps[seed%uint64(len(s.Server.Maps))])
	text = strings.Replace(text, "domains:\n", fmt.Sprintf("domains:\n  stays.example:\n"+
		"    addresses: {list: [games, bin, far%d@elsewhere.example], one: [root, sys], n%d: [games, sys]}\n"+
		"  leaves%d.example: {addresses: {info: bin, all: [sys, man]}}\n", edit, edit, edit), 1)
	text = strings.Replace(text, "host: {", "host: {server: "+s.Server.Name+", ", 1)
	if s.Sayable != nil {
		text = s.Sayable(text)
	}
	m, faults := inventory.Parse("mail.yaml", text)
	if faults.Failed() {
		return nil, fmt.Errorf("%w: %s", ErrFaults, first(faults))
	}
	e := &edition{model: m, build: s.Server.Compile(m, faults), promises: &promise.Promises{Model: m, Account: sample.HasName}}
	if faults.Failed() {
		return nil, fmt.Errorf("%w: %s", ErrFaults, first(faults))
	}
	e.promises.Prepare()
	for _, addr := range sample.Vectors(r, m) {
		e.add(addr)
	}
	for v := range promise.Vectors(m) {
		e.add(v.Address)
	}
	if s.Apart != nil {
		e.addresses = slices.DeleteFunc(e.addresses, func(addr string) bool { return s.Apart(m, addr) })
	}
	return e, nil
}

// add adds an address that a client can send. The address is folded. postmaster is left
// out where only accounts get mail: it is no account here, and some servers take its
// mail in any case (RFC 5321 section 4.5.1).
func (e *edition) add(addr string) {
	folded, problem := mailaddr.Fold(addr)
	if problem != nil || !strings.Contains(folded, "@") {
		return
	}
	if strings.HasPrefix(folded, "postmaster@") && e.promises.Of(folded).AnyText {
		return
	}
	e.addresses = append(e.addresses, folded)
}

func first(faults *diag.List) string {
	for _, f := range faults.Faults() {
		if f.Check.Severity == diag.Error {
			return f.Text
		}
	}
	return ""
}
