package importer_test

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// rowsKept looks for each key of the tables in the inventory, or in a line about what is
// not imported.
func (w *siteRun) rowsKept(c *importedSite) {
	rows, err := c.built.Rows()
	if err != nil {
		w.fail("%v", err)
		return
	}
	var left []string
	for line := range strings.Lines(c.inv.Text) {
		if text := strings.TrimSpace(line); strings.HasPrefix(text, "# Not imported") {
			left = append(left, strings.ToLower(text))
		}
	}
	has := func(key string) bool {
		return mta.HasRow(rows, key) || slices.ContainsFunc(left, func(line string) bool { return strings.Contains(line, key) })
	}
	for _, name := range []string{"virtual", "virtual2", "vmailbox", "relayed"} {
		if slices.ContainsFunc(left, func(line string) bool { return strings.Contains(line, c.dir+"/"+name+" ") }) {
			w.count("tables that the inventory names as unread", 1)
			continue
		}
		for _, row := range c.rows(name) {
			w.count("keys of tables", 1)
			if !c.keeps(row, has, left) {
				w.fail("%s: the row %s %q is lost", name, row.key, row.value)
			}
		}
	}
	for name, typ := range c.types {
		if typ == "regexp" && !slices.ContainsFunc(left, func(line string) bool { return strings.Contains(line, "/"+name) }) {
			w.fail("%s: a table of rules is not named", name)
		}
	}
}

// keeps reports whether an inventory says something of the key of a row.
func (c *importedSite) keeps(row tableRow, has func(key string) bool, left []string) bool {
	local, domain, isAddress := mailaddr.Split(row.key)
	folded, _ := mailaddr.FoldDomain(domain)
	switch {
	case !isAddress && strings.Contains(row.key, "."): // a domain
		_, ok := c.model.Domain(row.key)
		return ok || has(row.key)
	case !isAddress:
		for _, name := range append(c.local, siteHost) {
			if !has(row.key + "@" + name) {
				return false
			}
		}
		return true
	case has(row.key) || has(local+"@"+folded):
		return true
	case local == "" && c.leadsOn(folded):
		return true
	case slices.Contains(c.relayed, folded):
		return slices.ContainsFunc(left, func(line string) bool { return strings.Contains(line, "relay_recipient_maps") })
	}
	return false
}

// leadsOn reports whether the names of a domain that are not listed have a target, which may
// be one row for each of them.
func (c *importedSite) leadsOn(domain string) bool {
	at, ok := c.model.Domain(domain)
	targets := []inventory.TargetKind{inventory.ToUser, inventory.ToAlias, inventory.ToAddress, inventory.ToPattern, inventory.ToList, inventory.ToDomain}
	return ok && (c.model.Domains[at].SameAs.Text != "" || slices.Contains(targets, c.model.Domains[at].CatchAll.Kind))
}
