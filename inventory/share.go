package inventory

import (
	"maps"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/parallel"
)

// share reads n values on all processors. Each has its own reader for a range of them,
// and the results are joined in order. The result is the same as that of one reader.
// least is the number of values for which another processor pays.
func (r *reader) share(n, least int, read func(r *reader, from, to int)) {
	parts := parallel.Parts(n, least)
	if parts == 1 {
		read(r, 0, n)
		return
	}
	forks := make([]*reader, parts)
	_ = parallel.Ranges(n, least, func(part, from, to int) error {
		forks[part] = r.fork()
		read(forks[part], from, to)
		return nil
	})
	for _, f := range forks {
		r.join(f)
	}
}

// hasAnchors reports whether a text may have anchors. Values that are read through
// aliases are counted in one place, because their number is limited.
func hasAnchors(src *diag.Source) bool { return strings.Contains(src.Text, "&") }

// fork returns a reader for a part of the inventory.
func (r *reader) fork() *reader {
	f := newReader()
	f.plain, f.plainFrom, f.ordinary = maps.Clone(r.plain), r.plainFrom, r.ordinary
	f.leastDomains = r.leastDomains
	return f
}

// join adds the result of a fork.
func (r *reader) join(f *reader) {
	m, from := r.model, f.model
	lists, patterns, refusals := uint32(len(m.Lists)), uint32(len(m.Patterns)), uint32(len(m.Refusals)-fixedRefusals)
	if lists > 0 || patterns > 0 || refusals > 0 {
		from.EachTarget(func(t *Target) {
			switch {
			case t.Kind == ToList:
				t.Index += lists
			case t.Kind == ToPattern:
				t.Index += patterns
			case t.Kind == Refused && t.Index >= fixedRefusals:
				t.Index += refusals
			}
		})
	}
	m.Users = append(m.Users, from.Users...)
	m.LocalAliases = append(m.LocalAliases, from.LocalAliases...)
	m.Domains = append(m.Domains, from.Domains...)
	m.Tests = append(m.Tests, from.Tests...)
	for pos, text := range from.Notes {
		r.note(pos, text)
	}
	if m.Senders == nil {
		m.Senders = from.Senders
	} else {
		maps.Copy(m.Senders, from.Senders)
	}
	m.Lists = append(m.Lists, from.Lists...)
	m.Patterns = append(m.Patterns, from.Patterns...)
	m.Refusals = append(m.Refusals, from.Refusals[fixedRefusals:]...)
	r.repeated = append(r.repeated, f.repeated...)
	r.faults.Join(&f.faults)
}

// EachTarget calls do for every target of a Model.
func (m *Model) EachTarget(do func(*Target)) {
	for i := range m.Domains {
		m.Domains[i].eachTarget(do)
	}
	m.eachOtherTarget(do)
}

// eachOtherTarget calls do for the targets that do not belong to a domain.
func (m *Model) eachOtherTarget(do func(*Target)) {
	for i := range m.Users {
		do(&m.Users[i].Forward)
	}
	for i := range m.Lists {
		for j := range m.Lists[i].Members {
			do(&m.Lists[i].Members[j])
		}
		do(&m.Lists[i].BouncesTo)
	}
	do(&m.Defaults.CatchAll)
	for i := range m.Defaults.Roles {
		do(&m.Defaults.Roles[i].To)
	}
	for i := range m.Tests {
		for j := range m.Tests[i].Want.Recipients {
			do(&m.Tests[i].Want.Recipients[j])
		}
	}
}

func (d *Domain) eachTarget(do func(*Target)) {
	do(&d.CatchAll)
	for i := range d.Addresses {
		do(&d.Addresses[i].To)
	}
	for i := range d.Roles {
		do(&d.Roles[i].To)
	}
}
