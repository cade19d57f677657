package opensmtpd

import (
	"slices"
	"strings"

	"virtmap/internal/mapfile"
)

// with returns a build with what the running smtpd may still need of an installed set while
// its tables are read again one after another. The next build takes it out.
//
//   - The rows and listed addresses of a domain stay if it leaves its list of domains: the
//     list is read after them.
//   - A domain stays in its list if it moves to one that is read later. That list has the
//     match line that counts.
//   - Mailboxes to which installed rows lead stay.
//   - The tables of details stay if the installed virtmap.conf asks them, because another
//     virtmap.conf counts only after a restart.
func (b Build) with(old *contents) Build {
	b.rows.details = b.rows.details || old.details
	served, local := b.domains()
	backups := b.backups()
	for _, name := range old.local {
		if slices.Contains(served, name) {
			b.kept.local = append(b.kept.local, name)
		}
	}
	for _, name := range old.relayed {
		if slices.Contains(served, name) || slices.Contains(local, name) && !slices.Contains(backups, name) {
			b.kept.backups = append(b.kept.backups, name)
		}
	}
	moved := movedFrom(old.served, served)
	for name := range movedFrom(old.local, local) {
		moved[name] = true
	}
	if len(moved) > 0 {
		b.rows = b.rows.with(old, moved)
	}
	b.kept.mailboxes = b.mailboxes().missing(old.mailboxes.rows, func(user string) bool { return old.leadsTo(user) })
	return b
}

// movedFrom returns the names of an installed list that the new one does not have.
func movedFrom(old, next []string) map[string]bool {
	moved := map[string]bool{}
	for _, name := range old {
		if _, stays := slices.BinarySearch(next, name); !stays {
			moved[name] = true
		}
	}
	return moved
}

// with returns rows with those of some domains in an installed set.
func (r rows) with(old *contents, domains map[string]bool) rows {
	of := func(addr string) bool {
		_, domain := cutAddress(addr)
		return domains[domain]
	}
	for k := range r.tables {
		r.tables[k] = append(slices.Clone(r.tables[k]), r.tables[k].missing(old.tables[k].rows, of)...)
		r.tables[k].sort()
	}
	ofExpression := func(line string) bool { return of(strings.ReplaceAll(strings.TrimSuffix(line, "$"), `\`, "")) }
	r.listed = withKept(r.listed, old.listed, of)
	r.detail = withKept(r.detail, old.detail, ofExpression)
	r.emptyDetail = withKept(r.emptyDetail, old.empty, ofExpression)
	return r
}

// withKept returns lines with those installed ones that stay.
func withKept(lines, old []string, stays func(line string) bool) []string {
	all := slices.Clone(lines)
	for _, line := range old {
		if stays(line) {
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// missing returns the rows that a sorted table does not have and that stay.
func (t table) missing(old mapfile.Rows, stays func(key string) bool) (kept table) {
	for key, value := range mapfile.All(old) {
		if _, have := t.find(string(key)); !have && stays(string(key)) {
			kept = append(kept, entry{key: string(key), value: string(value)})
		}
	}
	return kept
}

// leadsTo reports whether a row leads to the mailbox of a user.
func (c *contents) leadsTo(user string) bool {
	for _, t := range c.tables {
		for _, value := range mapfile.All(t.rows) {
			for to := range strings.SplitSeq(string(value), ", ") {
				if to == user+"@"+maildirDomain || to == user+"@"+mboxDomain {
					return true
				}
			}
		}
	}
	return false
}
