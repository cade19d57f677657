package build

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"runtime"
	"strings"

	"virtmap/internal/endtoend"
	"virtmap/internal/fileset"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/promise"
	"virtmap/internal/publish"
)

// A Proof tries the files of a set over SMTP, against what an inventory promises:
// the files of a folder, or those that are staged and not in their places yet.
type Proof struct {
	Source   sendmail.Build
	Set      *sendmail.Installed
	Account  func(name string) bool // of the server, beside the names of its own aliases
	Sendmail *sendmail.Asker        // the installed program, which is asked too; nil: it is not
	Each     func(*endtoend.Result) error

	// Unreadable says, when Run is over, why rows of the set could not be read; nil:
	// all could.
	Unreadable error
}

// ProofEvents are told of a proof.
type ProofEvents interface {
	// Disproved is given an address that does not keep its promise.
	Disproved(*endtoend.Result) error
}

// Run tries every address. The error is of the machine.
func (p *Proof) Run(ctx context.Context) error {
	promises := promise.Promises{Model: p.Source.Model, Account: p.known}
	promises.Prepare()
	trial := endtoend.Trial{Host: p.Set.Router.Host, Set: p.Set, Promised: promises.Of, Fold: fold, Workers: 4 * runtime.GOMAXPROCS(0),
		Ends: p.Set.Router.Ends, Each: p.Each}
	if p.Sendmail != nil {
		trial.Program = p.Sendmail
	}
	return trial.Run(ctx, p.vectors())
}

// Count is how many addresses are tried, one that is found twice counted twice.
func (p *Proof) Count() (n int) {
	for range p.vectors() {
		n++
	}
	return n
}

// known reports whether the server has a name: an account, or one of its own
// aliases.
func (p *Proof) known(name string) bool {
	_, aliased := p.Set.SiteAliases().Alias(name)
	return aliased || p.Account(name)
}

// vectors are those of the inventory, and one for every row and every domain
// of the files.
func (p *Proof) vectors() iter.Seq[promise.Vector] {
	return func(yield func(promise.Vector) bool) {
		for v := range promise.Vectors(p.Source.Model) {
			if !yield(v) {
				return
			}
		}
		for _, name := range p.Set.Listed() {
			for _, v := range promise.OfName(name) {
				if !p.Source.Takes(name) && !yield(v) {
					return
				}
			}
		}
		enough := errors.New("enough")
		err := p.Set.EachRow(func(key, _ []byte) error {
			if v, ok := promise.OfRow(string(key)); ok && !yield(v) {
				return enough
			}
			return nil
		})
		if p.Unreadable = err; errors.Is(err, enough) {
			p.Unreadable = nil
		}
	}
}

// fold gives the folded form of an address that is one.
func fold(addr string) string {
	if quoted, domain, ok := strings.Cut(addr, `"@`); ok {
		addr = strings.TrimPrefix(quoted, `"`) + "@" + domain // quotes mean nothing
	}
	if folded, problem := mailaddr.Fold(addr); problem == nil {
		return folded
	}
	return addr
}

// prove proves the staged files. at gives the place of what will be at a path.
func (r *run) prove(ctx context.Context, at func(path string) string) error {
	router := r.source.Router()
	set, err := sendmail.OpenAt(r.Out, at, router.Host, router.Account)
	if err != nil {
		return err
	}
	defer set.Close()
	failed := 0
	p := Proof{Source: r.source, Set: set, Account: router.Account}
	p.Each = func(result *endtoend.Result) error {
		if result.Passed() {
			return nil
		}
		failed++
		return r.events.Disproved(result)
	}
	if err := p.Run(ctx); err != nil {
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

// WriteSet writes the files of a source into an empty folder.
func WriteSet(ctx context.Context, source sendmail.Build, dir string) error {
	outputs, err := fileset.Outputs(sendmail.Server, source, dir, -1)
	if err != nil {
		return err
	}
	_, err = publish.Publish(ctx, publish.Set{Outputs: outputs, State: filepath.Join(dir, StateInside), FS: publish.OS})
	return err
}
