package intake

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"virtmap/internal/diag"
)

// A writer writes the inventory line by line.
type writer struct {
	s       *Server
	entries []entry
	out     strings.Builder
	line    int
	of      map[int]int     // the entry of a line
	keeps   map[string]bool // domains whose catch-all keeps the detail
}

func (w *writer) print(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.out.WriteString(text + "\n")
	w.line += 1 + strings.Count(text, "\n")
}

func (w *writer) text() string {
	w.of = map[int]int{}
	byDomain := map[string][]int{}
	withRows := map[string]bool{}
	for i := range w.entries {
		domain := w.entries[i].domain()
		byDomain[domain] = append(byDomain[domain], i)
		if w.entries[i].as != asComment {
			withRows[domain] = true
		}
	}
	own, domains := w.s.split(withRows)
	n := names{map[string]bool{}, map[string]bool{}}
	values := w.values(n)
	w.head(own, n)
	if len(domains) > 0 {
		w.print("\ndomains:")
	}
	for _, domain := range domains {
		w.domain(domain, byDomain[domain], values)
		delete(byDomain, domain)
	}
	for _, domain := range slices.Sorted(maps.Keys(byDomain)) {
		for _, i := range byDomain[domain] {
			w.kept(i, "")
		}
	}
	for _, odd := range w.s.odd {
		w.comments("", []string{"# Not imported, a line of local-host-names: " + odd})
	}
	w.comments("", w.s.lines.tail)
	return w.out.String()
}

// values are what the entries lead to.
func (w *writer) values(n names) []string {
	values := make([]string, len(w.entries))
	w.keeps = map[string]bool{}
	for i := range w.entries {
		if e := &w.entries[i]; e.key[0] == '@' && e.as == asWritten {
			_, w.keeps[e.domain()] = keptDetail(e.right)
		}
	}
	for i := range w.entries {
		switch e := &w.entries[i]; e.as {
		case asWritten:
			values[i] = w.s.value(e.key, e.right, w.keeps[e.domain()], n)
		case asAnswered:
			values[i] = w.s.answer(e.key)
		case asRefused:
			values[i] = w.s.refused(e.key)
		}
	}
	return values
}

// head writes what stands before the domains.
func (w *writer) head(own []string, n names) {
	w.comments("", w.s.lines.head)
	w.print("version: 1\n\nhost:\n  name: %s", w.s.router.Host)
	if len(own) > 0 {
		w.print("  local_names: [%s]", scalars(own))
	}
	if w.s.mailDir != "" {
		w.print("  mail_dir: %s", scalar(w.s.mailDir))
	}
	if w.s.mapType != usualMap {
		w.print("  map: %s", w.s.mapType)
	}
	users := w.users(n)
	if len(users) > 0 {
		w.print("\nusers:\n%s", strings.Join(users, "\n"))
	}
	w.localAliases(slices.Sorted(maps.Keys(n.aliases)))
}

// users gives the lines of the users; what theirs are forwarded to may be
// users too.
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

// localAliases writes the names that are no accounts, those apart that are no
// aliases either.
func (w *writer) localAliases(all []string) {
	if len(all) == 0 {
		return
	}
	var nobody []string
	for _, name := range all {
		if _, ok := w.s.site.Alias(name); !ok {
			nobody = append(nobody, name)
		}
	}
	w.print("")
	if len(nobody) > 0 {
		w.print("# Neither an account nor an alias was found for %s.", strings.Join(nobody, ", "))
	}
	w.print("local_aliases: [%s]", scalars(all))
}

// within is how far rows are indented, before and behind the key addresses.
var within = map[bool]string{false: "    ", true: "      "}

// domain writes a domain with its rows.
func (w *writer) domain(name string, rows []int, values []string) {
	w.print("  %s:", scalar(name))
	backup := w.s.relayed(name)
	if backup {
		w.print("    role: backup")
	}
	if w.keeps[name] {
		w.print("    detail: keep")
	}
	catchAll, began := -1, false
	for _, i := range rows {
		e := &w.entries[i]
		local := strings.TrimSuffix(e.key, "@"+name)
		switch {
		case e.as == asComment:
			w.kept(i, within[began])
			continue
		case local == "":
			catchAll = i
			continue
		case !began:
			w.print("    addresses:")
			began = true
		}
		w.entry(i, within[began], scalar(local), values[i])
	}
	switch {
	case backup:
	case catchAll < 0:
		w.print("    catch_all: local")
	default:
		w.entry(catchAll, "    ", "catch_all", values[catchAll])
	}
}

// entry writes a row with the comments above it.
func (w *writer) entry(i int, indent, key, value string) {
	e := &w.entries[i]
	w.comments(indent, w.s.lines.above[e.key])
	if e.why != "" {
		w.comments(indent, []string{"# The row was " + e.right + ", and " + e.why + "."})
	}
	w.of[w.line+1] = i
	w.print("%s%s: %s", indent, key, value)
}

// kept writes a row that the inventory does not say.
func (w *writer) kept(i int, indent string) {
	e := &w.entries[i]
	if !w.s.read(e.key) {
		w.comments(indent, w.s.lines.above[e.key])
	}
	w.comments(indent, []string{fmt.Sprintf("# Not imported: %s  %s (%s)", e.key, e.right, e.why)})
}

// comments writes comments, whatever bytes are in them.
func (w *writer) comments(indent string, all []string) {
	for _, comment := range all {
		w.print("%s%s", indent, diag.Printable(asUTF8(comment)))
	}
}
