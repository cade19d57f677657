package build

import (
	"context"
	"iter"
	"path/filepath"
	"runtime"
	"strings"

	"virtmap/internal/endtoend"
	"virtmap/internal/fileset"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/promise"
	"virtmap/internal/publish"
	"virtmap/inventory"
)

// A Proof compares the files of a set with the promises of an inventory, over SMTP. The
// files are those of a folder, or staged files that are not in their places yet.
type Proof struct {
	Source  mta.Build
	Set     mta.Set
	Host    mta.Host         // the server; Account does not know the names of its own aliases
	Program endtoend.Program // the installed program, which is also asked; nil: it is not asked
	Each    func(*endtoend.Result) error

	EachSender func(*endtoend.SenderResult) error // for RunSenders

	// Asks reports whether the addresses of a domain, given in lower case, are tried; nil:
	// all are tried.
	Asks func(domain string) bool

	// Unreadable says, after Run, why rows of the set could not be read; nil: all rows
	// were read.
	Unreadable error
}

// ProofEvents receive the events of a proof.
type ProofEvents interface {
	// Disproved receives an address that does not keep its promise.
	Disproved(*endtoend.Result) error
	// DisprovedSender receives a user and an address for which the promise is not kept.
	DisprovedSender(*endtoend.SenderResult) error
}

// Run tries every address. An error is a fault of the machine.
func (p *Proof) Run(ctx context.Context) error {
	promises := promise.Promises{Model: p.Source.Inventory(), Account: p.known}
	promises.Prepare()
	trial := endtoend.Trial{Host: p.Host.Name, Set: p.Set, Promised: promises.Of, Fold: fold, Workers: 4 * runtime.GOMAXPROCS(0), Program: p.Program, Each: p.Each}
	if local, ok := p.Set.(mta.Local); ok {
		trial.Ends = local.Ends
	}
	return trial.Run(ctx, p.vectors())
}

// Count returns the number of addresses to try. An address that is found twice counts
// twice.
func (p *Proof) Count() (n int) {
	for range p.vectors() {
		n++
	}
	return n
}

// known reports whether the server has a name, as an account or as one of its own
// aliases.
func (p *Proof) known(name string) bool {
	local, ok := p.Set.(mta.Local)
	return ok && local.Knows(name) || p.Host.Account(name)
}

// listed yields the vectors of those domains in the files that the inventory does not
// serve.
func (p *Proof) listed(yield func(promise.Vector) bool) bool {
	local, ok := p.Set.(mta.Local)
	if !ok {
		return true
	}
	for _, name := range local.Listed() {
		for _, v := range promise.OfName(name) {
			if !takes(p.Source.Inventory(), name) && !yield(v) {
				return false
			}
		}
	}
	return true
}

// takes reports whether an inventory takes mail for a domain.
func takes(m *inventory.Model, domain string) bool {
	i, ok := m.Domain(domain)
	return ok && m.Domains[i].Enabled && !m.Domains[i].Held || m.IsHostName(domain)
}

// vectors yields the vectors whose domains are asked.
func (p *Proof) vectors() iter.Seq[promise.Vector] {
	if p.Asks == nil {
		return p.every()
	}
	return func(yield func(promise.Vector) bool) {
		for v := range p.every() {
			_, domain, _ := mailaddr.Split(v.Address)
			if p.Asks(mailaddr.Lower(domain)) && !yield(v) {
				return
			}
		}
	}
}

// every yields the vectors of the inventory, and those of every row and every domain in
// the files.
func (p *Proof) every() iter.Seq[promise.Vector] {
	return func(yield func(promise.Vector) bool) {
		for v := range promise.Vectors(p.Source.Inventory()) {
			if !yield(v) {
				return
			}
		}
		if !p.listed(yield) {
			return
		}
		rows, err := p.Set.Rows()
		if p.Unreadable = err; err != nil {
			return
		}
		for key := range mapfile.All(rows) {
			if v, ok := promise.OfRow(string(key)); ok && !yield(v) {
				return
			}
		}
	}
}

// fold returns an address in folded form. Another text is not changed.
func fold(addr string) string {
	if quoted, domain, ok := strings.Cut(addr, `"@`); ok {
		addr = strings.TrimPrefix(quoted, `"`) + "@" + domain // the quotes have no meaning
	}
	if folded, problem := mailaddr.Fold(addr); problem == nil {
		return folded
	}
	return addr
}

// prove proves the staged files. at returns the path of the staged file for a path.
func (r *run) prove(ctx context.Context, at func(path string) string) error {
	host := mta.Host{Name: r.source.Inventory().Host.Name.Text, Account: Account(r.source.Inventory())}
	set, err := r.server.Open(mta.Place{Dir: r.Out, At: at}, host)
	if err != nil {
		return err
	}
	defer set.Close()
	failed := 0
	p := Proof{Source: r.source, Set: set, Host: host}
	p.Each = func(result *endtoend.Result) error {
		if result.Passed() {
			return nil
		}
		failed++
		return r.events.Disproved(result)
	}
	p.EachSender = func(result *endtoend.SenderResult) error {
		if result.Passed() {
			return nil
		}
		failed++
		return r.events.DisprovedSender(result)
	}
	if err := p.Run(ctx); err != nil {
		return err
	}
	if err := p.RunSenders(ctx); err != nil {
		return err
	}
	switch {
	case p.Unreadable != nil:
		return p.Unreadable
	case failed > 0:
		return &Disproved{failed}
	}
	return nil
}

// Account returns a function that reports whether a name is an account of an inventory:
// a user or a local alias.
func Account(m *inventory.Model) func(name string) bool {
	return func(name string) bool {
		_, user := m.User(name)
		_, alias := m.LocalAlias(name)
		return user || alias
	}
}

// WriteSet writes the files of a build into an empty folder.
func WriteSet(ctx context.Context, server *mta.Server, source mta.Build, dir string) error {
	outputs, err := fileset.Outputs(server, source, dir, -1)
	if err != nil {
		return err
	}
	_, err = publish.Publish(ctx, publish.Set{Outputs: outputs, State: filepath.Join(dir, StateInside), FS: publish.OS})
	return err
}
