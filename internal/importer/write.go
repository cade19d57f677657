package importer

import (
	"bytes"
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"virtmap/inventory"
)

// notImported begins the comment about something that an inventory cannot have.
const notImported = "# Not imported"

// A writer writes the inventory. It writes the domains before the head, because the head
// has the users and aliases of the domains.
type writer struct {
	s        *Server
	entries  *entries
	sections map[string]section
	domains  []string          // domains that are written, in their order
	copies   map[string]string // by domain with same_as: the value of its only row
	sources  map[string]string // by domain with same_as: the domain that it copies
	copied   int               // number of rows that copies add
	names    names
	unnamed  int // number of users with a comment about what is to be done
	head     page
	body     page
	rows     []bodyLine      // sorted by line
	written  map[string]bool // domains that are written
	scratch  []uint32        // for inOrder

	roles     []role          // role addresses of the defaults
	sharing   map[string]bool // domains that have them from there
	roleLines map[int]string  // by line of the defaults: the role
}

// A bodyLine is a line of an entry in the body.
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
	w.names, w.copies, w.sources, w.unnamed = newNames(), map[string]string{}, map[string]string{}, 0
	w.rows = make([]bodyLine, 0, len(w.entries.as))
	var own []string
	w.sections = w.entries.byDomain()
	own, w.domains = w.s.split(w.sections)
	w.written = make(map[string]bool, len(w.domains))
	for _, domain := range w.domains {
		w.written[domain] = true
	}
	for _, domain := range w.domains {
		if source, ok := w.sameAs(domain); ok {
			w.sources[domain] = source
		}
	}
	w.shareRoles()
	w.body.out.Grow(w.entries.size())
	for _, domain := range w.domains {
		w.domain(domain, w.sections[domain])
	}
	for _, domain := range bySource(w.sections) {
		if !w.writes(domain) {
			for _, i := range w.inOrder(w.sections[domain]) {
				w.kept(w.entries.at(int(i)), "")
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
func (w *writer) writes(name string) bool { return w.written[name] }

// A section has the entries of a domain.
type section struct {
	from, to int    // rows from to to-1
	dead     []int  // entries that the server does not read
	first    uint32 // the place of the first entry in the source
	listed   bool   // a row is not a comment
	named    bool   // no row is listed, and the server has the name
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
		d := section{from: i, to: i, first: behind}
		for ; d.to < len(all.as) && all.isAt(d.to, e.domain()); d.to++ {
			d.first = min(d.first, all.place(d.to))
			d.listed = d.listed || all.as[d.to] != asComment
		}
		i, sections[e.domain()] = d.to, d
	}
	for i := range all.dead {
		domain := all.dead[i].domain()
		d, known := sections[domain]
		if !known {
			d.first = behind
		}
		d.dead, d.first = append(d.dead, len(all.as)+i), min(d.first, all.place(len(all.as)+i))
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
		h.pair("  local_names", scalars(own))
	}
	if w.s.kind.Name != string(inventory.ServerKinds[0].Name) {
		h.print("  server: " + w.s.kind.Name)
	}
	if w.s.kind.Name == w.s.facts.Server {
		w.files()
	}
	w.writeDefaults()
	w.users(w.names)
	w.localAliases(slices.Sorted(maps.Keys(w.names.aliases)))
}

// files writes where the files are, and how tables are stored.
func (w *writer) files() {
	if dir := w.s.facts.MailDir; dir != "" {
		w.head.print("  mail_dir: " + scalar(dir))
	}
	if typ := w.s.facts.MapType; typ != "" {
		w.head.print("  map: " + typ)
	}
}

// users writes the users, also those to which others are forwarded.
func (w *writer) users(n names) {
	values := map[string]yaml{}
	for len(values) < len(n.users) {
		for _, name := range slices.Sorted(maps.Keys(n.users)) {
			if _, known := values[name]; !known {
				values[name] = w.s.userValue(name, w.entries.fileless[name], n)
			}
		}
	}
	if len(values) == 0 {
		return
	}
	w.head.print("")
	w.head.print("users:")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if comment := w.s.comment(name, w.entries.fileless[name]); comment != "" {
			w.head.comments("  ", []string{"# " + comment})
			w.unnamed++
		}
		w.head.pair("  "+scalar(name), values[name])
	}
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
	w.head.comments("", notFound(nobody))
	w.head.pair("local_aliases", scalars(all))
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
	if source, ok := w.sources[name]; ok {
		w.copy(name, d, source)
		return
	}
	detail := w.detail(d)
	if !backup && detail != w.writtenDetail() {
		w.body.print("    detail: " + detailWord[detail])
	}
	catchAll, began := -1, false
	for _, n := range w.inOrder(d) {
		i := int(n)
		e := w.entries.at(i)
		local := strings.TrimSuffix(e.key, "@"+name)
		switch {
		case e.as == asComment:
			w.kept(e, within[began])
			continue
		case local == "":
			catchAll = i
			continue
		case w.shared(local, name):
			continue
		case !began:
			w.body.print("    addresses:")
			began = true
		}
		w.entry(i, e, within[began]+scalar(local), w.value(e, detail))
	}
	switch {
	case backup:
	case catchAll < 0 && w.s.facts.Closed[name]:
		w.body.print(catchAllKey + ": reject")
	case catchAll < 0:
		w.body.print(catchAllKey + ": local")
	default:
		e := w.entries.at(catchAll)
		w.entry(catchAll, e, catchAllKey, w.value(e, detail))
	}
}

// copy writes a domain with same_as.
func (w *writer) copy(name string, d section, source string) {
	for _, i := range d.dead {
		w.kept(w.entries.at(i), within[false])
	}
	e := w.entries.at(d.from)
	leads := w.value(e, w.s.usualDetail())
	w.copies[name] = leads.line()
	w.entry(d.from, e, sameAsKey, yaml{text: scalar(source)})
}

// entry writes a row with its comments above.
func (w *writer) entry(i int, e entry, key string, value yaml) {
	indent := key[:len(key)-len(strings.TrimLeft(key, " "))]
	w.body.comments(indent, w.s.facts.Above[e.key])
	if e.why != "" {
		w.body.comments(indent, w.s.was(e))
	}
	first := w.body.line
	w.body.pair(key, value)
	for line := first; line < w.body.line; line++ {
		w.rows = append(w.rows, bodyLine{uint32(line + 1), uint32(i)})
	}
}

// value returns the value of an entry. detail is that of its domain.
func (w *writer) value(e entry, detail inventory.Detail) yaml {
	switch e.as {
	case asAnswered:
		return yaml{text: w.s.answer(e.key)}
	case withoutRefused:
		m := w.s.means(e)
		members, _ := w.s.splitRefused(m)
		return w.s.long(members, m.Owner, w.s.detailOf(e.key, m.Keeps, detail), w.names)
	case asRecipient:
		to, _ := onlyRecipient(e.key, w.s.outcome(e.key))
		kept := w.s.usualDetail() == inventory.DetailKeep && w.s.means(e).Keeps
		return w.s.long([]string{to}, "", w.s.detailOf(e.key, kept, detail), w.names)
	case asRefused:
		return yaml{text: w.s.refused(e.key)}
	}
	return w.s.value(e, detail, w.names)
}

// kept writes an entry as a comment.
func (w *writer) kept(e entry, indent string) {
	if !w.s.read(e.key) {
		w.body.comments(indent, w.s.facts.Above[e.key])
	}
	begin, end := notImported+":", " ("+e.why+")"
	if e.key != "" {
		begin += " " + e.key
	}
	value := shorten(w.s.Shown(e.right), screen-len(begin+end))
	if value != "" {
		value = "  " + value
	}
	w.body.comments(indent, []string{begin + value + end})
}
