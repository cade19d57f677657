package postfix

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/regular"
)

// holder returns the element with which a list of domains of the site has a domain. Files
// of virtmap are passed over, and so are tables that cannot be read. relay_domains also
// has the names below its own, if parent_domain_matches_subdomains says so.
func (c *configuration) holder(list, domain string) (element string, held bool) {
	below := list == "relay_domains" && slices.Contains(c.config.List("parent_domain_matches_subdomains"), list)
	return c.holderOf(c.config.List(list), domain, below, 0)
}

func (c *configuration) holderOf(list []string, domain string, below bool, level int) (string, bool) {
	for _, element := range list {
		name := strings.TrimLeft(element, "!")
		if !c.stands(name, domain, below, level) {
			continue
		}
		return element, (len(element)-len(name))%2 == 0
	}
	return "", false
}

// stands reports whether an element stands for a domain.
func (c *configuration) stands(element, domain string, below bool, level int) bool {
	switch {
	case ours(mapfile.WithoutSuffix(element[strings.LastIndexByte(element, '/')+1:])):
		return false
	case strings.HasPrefix(element, "/"):
		text, err := regular.ReadIfThere(c.place(element))
		if err != nil || level > 10 {
			return false
		}
		var names []string
		for _, line := range logicalLines(text) {
			names = append(names, table.Split(string(line))...)
		}
		_, held := c.holderOf(names, domain, below, level+1)
		return held
	case strings.Contains(element, ":"):
		t, err := c.tables.Open(element)
		if err != nil {
			return false
		}
		for name := domain; name != ""; {
			if _, found, err := t.Find(name); found && err == nil {
				return true
			}
			if _, name, _ = strings.Cut(name, "."); !below {
				return false
			}
		}
		return false
	}
	return strings.EqualFold(element, domain) || below && strings.HasSuffix(domain, "."+mailaddr.Lower(element))
}

// maxProbes is the number of rows of a build with which a table of the site is asked if
// its own rows cannot be listed.
const maxProbes = 10_000

// hit returns the first of the keys of rows that a table of the site has. Files of
// virtmap, and tables that cannot be read, have none. Of more than maxProbes keys, a table
// whose rows cannot be listed, such as one of rules, is asked only every second, third, …,
// so that hit may miss a key that such a table has.
func (c *configuration) hit(element string, rows mapfile.Rows) (key string, found bool) {
	_, path, typed := strings.Cut(strings.TrimPrefix(element, "proxy:"), ":")
	if !typed || ours(path[strings.LastIndexByte(path, '/')+1:]) {
		return "", false
	}
	t, err := c.tables.Open(element)
	if err != nil {
		return "", false
	}
	step, may := 1, func(string) bool { return true }
	switch {
	case rows.Len() <= maxProbes:
	case t.Each != nil:
		may = keysOf(t)
	default:
		step = (rows.Len() + maxProbes - 1) / maxProbes
	}
	for i := 0; i < rows.Len(); i += step {
		key, _ := rows.Row(i)
		if !may(string(key)) {
			continue
		}
		if _, found, err := t.Find(string(key)); found && err == nil {
			return string(key), true
		}
	}
	return "", false
}

// keysOf returns a function that reports whether a table that can be listed may have a key.
// The list is read once, which is quicker than many look-ups in a file.
func keysOf(t *table.Table) func(key string) bool {
	keys := map[string]bool{}
	err := t.Each(func(key, _ string) bool {
		keys[key] = true
		return true
	})
	return func(key string) bool { return err != nil || keys[table.Fold(key)] }
}
