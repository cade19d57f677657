package importer

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// notImported begins the comment about something that an inventory cannot have.
const notImported = "# Not imported"

// A writer writes the inventory. It writes the domains before the head, because the head
// has the users and aliases of the domains.
type writer struct {
	s        *Server
	entries  *entries
	sections map[string]section
	domains  []string          // domains that are written
	copies   map[string]string // by domain with same_as: the value of its only row
	copied   int               // number of rows that copies add
	names    names
	head     page
	body     page
	rows     []bodyLine // sorted by line
}

// A bodyLine is the line of an entry in the body.
type bodyLine struct{ line, entry uint32 }

// of returns the entry of a line.
func (w *writer) of(line int) (entry int, known bool) {
	at, known := slices.BinarySearchFunc(w.rows, line-w.head.line, func(row bodyLine, line int) int { return cmp.Compare(int(row.line), line) })
	if !known {
		return 0, false
	}
	return int(w.rows[at].entry), true
}

// text writes the whole inventory.
func (w *writer) text() string {
	w.names, w.copies = newNames(), map[string]string{}
	w.rows = make([]bodyLine, 0, len(w.entries.as))
	var own []string
	w.sections = w.entries.byDomain()
	own, w.domains = w.s.split(w.sections)
	for _, domain := range w.domains {
		w.domain(domain, w.sections[domain])
	}
	for _, domain := range slices.Sorted(maps.Keys(w.sections)) {
		if !w.writes(domain) {
			for i := range w.sections[domain].all() {
				w.kept(w.entries.at(i), "")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.s.facts.AboveNames)) {
		if !w.writes(name) {
			w.body.comments("", w.s.facts.AboveNames[name])
		}
	}
	for _, text := range w.s.facts.Left {
		w.body.comments("", []string{notImported + text})
	}
	w.body.comments("", w.s.facts.Tail)
	w.writeHead(own)
	if len(w.domains) > 0 {
		w.head.print("")
		w.head.print("domains:")
	}
	text := w.head.out.String() + w.body.out.String()
	w.body = page{} // frees a million lines that text has too
	return text
}

// writes reports whether a name is one of the inventory's domains.
func (w *writer) writes(name string) bool {
	_, written := slices.BinarySearch(w.domains, name)
	return written
}

// A section has the entries of a domain.
type section struct {
	from, to int   // rows from to to-1
	dead     []int // entries that the server does not read
	listed   bool  // a row is not a comment
}

// all yields the numbers of the entries.
func (d section) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := d.from; i < d.to; i++ {
			if !yield(i) {
				return
			}
		}
		for _, i := range d.dead {
			if !yield(i) {
				return
			}
		}
	}
}

// byDomain returns the sections by domain. The rows of a domain are neighbours.
func (all *entries) byDomain() map[string]section {
	sections := map[string]section{}
	for i := 0; i < len(all.as); {
		e := all.at(i)
		d := section{from: i, to: i}
		for ; d.to < len(all.as) && all.isAt(d.to, e.domain()); d.to++ {
			d.listed = d.listed || all.as[d.to] != asComment
		}
		i, sections[e.domain()] = d.to, d
	}
	for i := range all.dead {
		domain := all.dead[i].domain()
		d := sections[domain]
		d.dead = append(d.dead, len(all.as)+i)
		sections[domain] = d
	}
	return sections
}

// isAt reports whether row i is in a domain.
func (all *entries) isAt(i int, domain string) bool {
	key, _ := all.s.rows.Row(i)
	return string(key[bytes.LastIndexByte(key, '@')+1:]) == domain
}

// writeHead writes the part before the domains.
func (w *writer) writeHead(own []string) {
	h := &w.head
	h.comments("", w.s.facts.Head)
	h.print("version: 1")
	h.print("")
	h.print("host:")
	h.print("  name: " + w.s.facts.Host)
	if len(own) > 0 {
		h.printf("  local_names: [%s]", scalars(own))
	}
	if dir := w.s.facts.MailDir; dir != "" {
		h.print("  mail_dir: " + scalar(dir))
	}
	if typ := w.s.facts.MapType; typ != "" {
		h.print("  map: " + typ)
	}
	if users := w.users(w.names); len(users) > 0 {
		h.print("")
		h.print("users:")
		for _, user := range users {
			h.print(user)
		}
	}
	w.localAliases(slices.Sorted(maps.Keys(w.names.aliases)))
}

// users returns the lines of the users, also of users to which others are forwarded.
func (w *writer) users(n names) []string {
	values := map[string]string{}
	for len(values) < len(n.users) {
		for _, name := range slices.Sorted(maps.Keys(n.users)) {
			if _, known := values[name]; !known {
				values[name] = w.s.userValue(name, n)
			}
		}
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, "  "+scalar(name)+":"+values[name])
	}
	return all
}

// localAliases writes the names that are no accounts, with a comment about those that
// are no aliases.
func (w *writer) localAliases(all []string) {
	if len(all) == 0 {
		return
	}
	var nobody []string
	for _, name := range all {
		if !w.s.Knows(name) {
			nobody = append(nobody, name)
		}
	}
	w.head.print("")
	if len(nobody) > 0 {
		w.head.printf("# Neither an account nor an alias was found for %s.", strings.Join(nobody, ", "))
	}
	w.head.printf("local_aliases: [%s]", scalars(all))
}

// within is the indent of rows: before the key addresses (false) and below it (true).
var within = map[bool]string{false: "    ", true: "      "}

// The keys of a domain for the names that it does not list.
const (
	sameAsKey   = "    same_as"
	catchAllKey = "    catch_all"
)

// domain writes a domain with its rows.
func (w *writer) domain(name string, d section) {
	w.body.comments("  ", w.s.facts.AboveNames[name])
	w.body.printf("  %s:", scalar(name))
	backup := w.s.Relays(name)
	if backup {
		w.body.print("    role: backup")
	}
	if source, ok := w.sameAs(name); ok {
		w.copy(name, d, source)
		return
	}
	keeps := w.keeps(d)
	if keeps {
		w.body.print("    detail: keep")
	}
	catchAll, began := -1, false
	for i := range d.all() {
		e := w.entries.at(i)
		local := strings.TrimSuffix(e.key, "@"+name)
		switch {
		case e.as == asComment:
			w.kept(e, within[began])
			continue
		case local == "":
			catchAll = i
			continue
		case !began:
			w.body.print("    addresses:")
			began = true
		}
		w.entry(i, e, within[began]+scalar(local), w.value(e, keeps))
	}
	switch {
	case backup:
	case catchAll < 0:
		w.body.print(catchAllKey + ": local")
	default:
		e := w.entries.at(catchAll)
		w.entry(catchAll, e, catchAllKey, w.value(e, keeps))
	}
}

// copy writes a domain with same_as.
func (w *writer) copy(name string, d section, source string) {
	for _, i := range d.dead {
		w.kept(w.entries.at(i), within[false])
	}
	e := w.entries.at(d.from)
	w.copies[name] = w.value(e, false)
	w.entry(d.from, e, sameAsKey, scalar(source))
}

// keeps reports whether the catch-all of a domain keeps the detail. The catch-all is the
// last row.
func (w *writer) keeps(d section) bool {
	if d.from == d.to {
		return false
	}
	e := w.entries.at(d.to - 1)
	if e.key[0] != '@' || e.as != asWritten {
		return false
	}
	m := w.s.means(e)
	return m.Keeps && !m.Same
}

// entry writes a row with its comments above.
func (w *writer) entry(i int, e entry, key, value string) {
	indent := key[:len(key)-len(strings.TrimLeft(key, " "))]
	w.body.comments(indent, w.s.facts.Above[e.key])
	if e.why != "" {
		w.body.comments(indent, []string{"# The row was " + w.s.Shown(e.right) + ", and " + e.why + "."})
	}
	w.rows = append(w.rows, bodyLine{uint32(w.body.line + 1), uint32(i)})
	w.body.print(key + ": " + value)
}

// value returns the YAML of an entry.
func (w *writer) value(e entry, keeps bool) string {
	switch e.as {
	case asAnswered:
		return w.s.answer(e.key)
	case withoutRefused:
		m := w.s.means(e)
		members, _ := w.s.splitRefused(m)
		return withMore(w.s.listed(members, w.names), w.s.bouncesTo(m.Owner, w.names)+detailOf(e.key, false, keeps))
	case asRecipient:
		out, steps, _ := w.s.outcome(e.key)
		to, _ := onlyRecipient(e.key, out, steps)
		return withMore(w.s.target(to, w.names), detailOf(e.key, false, keeps))
	case asRefused:
		return w.s.refused(e.key)
	}
	return w.s.value(e, keeps, w.names)
}

// kept writes an entry as a comment.
func (w *writer) kept(e entry, indent string) {
	if !w.s.read(e.key) {
		w.body.comments(indent, w.s.facts.Above[e.key])
	}
	w.body.comments(indent, []string{fmt.Sprintf("%s: %s  %s (%s)", notImported, e.key, w.s.Shown(e.right), e.why)})
}
