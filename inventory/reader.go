package inventory

import (
	"slices"
	"sort"
	"strings"
	"time"

	"virtmap/internal/diag"
)

// A reader makes a Model of YAML nodes and collects faults.
type reader struct {
	model       *Model
	faults      diag.List
	bytes       int               // bytes read so far; the limit is MaxBytes
	texts       map[string]string // texts that replace the contents of files
	aliasesRead int
	includes    []Name
	includeFrom []string               // further folders for included files
	words       map[string]*diag.Words // the known names, by kind, for finding the nearest one
	repeated    []repeatedTarget       // members that may be the same as another one

	plain     map[*diag.Source]map[int]plainBlock // the blocks that were left out, by line
	plainFrom int                                 // the size of a text from which blocks are left out
	ordinary  bool                                // no blocks are left out

	leastDomains int  // the number of domains for which another processor pays
	partial      bool // a part of the inventory was not read
	noUsers      bool // users has no mapping, so that no name can be looked up among them
}

func newReader() *reader {
	m := &Model{
		Sources: &diag.Sources{},
		Host:    Host{Server: ServerKinds[0].Name},
		Defaults: Defaults{
			CatchAll: Target{Kind: Refused, Index: refusedUnknown},
			MXCheck:  MXRequired,
			Detail:   DetailDrop,
		},
		Refusals: []Refusal{refusedUnknown: unknownUser, refusedForNow: tryLater},
		Guards:   Guards{MaxRemovedPercent: 30, MinSize: 10},
		MX:       MX{Recheck: 24 * time.Hour, MaxUnknownAge: 7 * 24 * time.Hour},
	}
	return &reader{model: m, words: map[string]*diag.Words{}, plain: map[*diag.Source]map[int]plainBlock{}, plainFrom: minPlainBytes, leastDomains: 500}
}

func (r *reader) fault(f diag.Fault) { r.faults.Add(f) }

// root returns the root of a source. ok is false after a fault: the source must not be
// read.
func (r *reader) root(src *diag.Source) (root value, ok bool) {
	root, ok = r.document(src)
	if ok && root.node != nil {
		root, ok = r.open(root)
	}
	return root, ok
}

// tooLarge reports that the inventory has too many bytes.
func (r *reader) tooLarge(pos diag.Pos) {
	r.partial = true
	r.fault(checkTooLarge.At(pos, 1, "the inventory with its included files has more than %d MiB", MaxBytes>>20).
		WithHelp("several inventories with a host each are read one by one"))
}

// top reads the inventory's own file.
func (r *reader) top(name, text string, tooLarge bool) error {
	r.model.Name = diag.Printable(name)
	src, err := r.model.Sources.Add(name, text)
	if err != nil {
		return err
	}
	if tooLarge {
		r.tooLarge(src.Pos(0))
		return nil
	}
	root, ok := r.root(src)
	if !ok {
		return nil
	}
	var file topFile
	file.Model = r.model
	readMapping(r, root, "the inventory", topKeys, &file)
	if root.isMapping() || root.isEmpty() || root.isNull() {
		r.model.Part = isPart(root)
		r.required(file, root.src.Pos(0))
	}
	return nil
}

// required reports missing keys that have no default. The place of these faults is the
// first byte of the inventory, because there is no better one.
func (r *reader) required(file topFile, start diag.Pos) {
	also := ""
	if r.model.Part {
		also = "; or check the inventory that includes this file"
	}
	if !file.hasVersion {
		r.fault(checkMissing.At(start, 1, "the inventory does not say its version").WithHelp("write: version: 1%s", also))
	}
	if r.model.Host.Name.Text == "" && !file.badHost {
		r.fault(checkMissing.At(start, 1, "the inventory does not name its mail server").
			WithHelp("write: host: {name: mx1.example.net}%s", also))
	}
}

// included reads an included file.
func (r *reader) included(src *diag.Source) {
	if root, ok := r.root(src); ok {
		readMapping(r, root, "an included file", includedKeys, r.model)
	}
}

// finish sorts the values of all files, reports duplicates, and looks up every name.
func (r *reader) finish() {
	m := r.model
	m.Host.fill()
	sortNamed(r, &m.Users, func(u *User) Name { return u.Name }, "user %q is declared twice")
	sortNamed(r, &m.LocalAliases, func(n *Name) Name { return *n }, "local alias %q is listed twice")
	sortNamed(r, &m.Domains, func(d *Domain) Name { return Name{d.Name, d.Pos} }, "domain %s is listed twice")
	sortNamed(r, &m.Tests, func(t *Test) Name { return Name{t.Address, t.Pos} }, "the test of %s is listed twice")
	if len(m.Host.MXNames) == 0 && m.Host.Name.Text != "" {
		m.Host.MXNames = []Name{m.Host.Name}
	}
	if r.partial {
		return // a name of a part that was not read would seem undeclared
	}
	slices.SortFunc(m.Host.LocalNames, func(a, b Name) int { return strings.Compare(a.Text, b.Text) })
	r.usersBesideAliases()
	r.resolveTargets()
	r.resolveSenders()
	r.resolveSameAs()
	r.checkHostDomains()
}

// sortNamed sorts by folded name and reports duplicates, in the order of the sources.
// Of two values with the same name it keeps the first.
func sortNamed[T any](r *reader, all *[]T, name func(*T) Name, format string) {
	given := *all
	sort.SliceStable(given, func(i, j int) bool { return name(&given[i]).Text < name(&given[j]).Text })
	kept := given[:0]
	for i := range given {
		second := name(&given[i])
		if n := len(kept); n > 0 && name(&kept[n-1]).Text == second.Text {
			r.fault(checkDuplicate.At(second.Pos, 1, format, second.Text).Second(name(&kept[n-1]).Pos, "first given here").
				WithHelp("keep one of the two"))
			continue
		}
		kept = append(kept, given[i])
	}
	clear(given[len(kept):])
	*all = kept
}

func (r *reader) usersBesideAliases() {
	for _, alias := range r.model.LocalAliases {
		if i, ok := r.model.User(alias.Text); ok {
			r.fault(checkDuplicate.At(alias.Pos, len(alias.Text), "%q is a local alias and a user", alias.Text).
				Second(r.model.Users[i].Name.Pos, "the user is declared here").
				WithHelp("keep it under users if it is an account, under local_aliases if the server's alias files define it"))
		}
	}
}

// nearest returns the help for a name that is not there.
func (r *reader) nearest(kind, word string, names func(yield func(string) bool)) string {
	w := r.words[kind]
	if w == nil {
		w = &diag.Words{Names: names}
		r.words[kind] = w
	}
	best, _ := w.Nearest(word)
	return best
}
