package route

import (
	"errors"
	"slices"
	"strings"

	"virtmap/internal/mta/postfix/table"
)

// A names is a list of domains: names, /files and tables, each perhaps negated by !.
type names struct {
	param   string
	below   bool           // a name stands for the names below it too (parent_domain_matches_subdomains)
	hosts   bool           // .name stands for the names below name
	exact   map[string]int // the place of a name in the list
	list    []namePattern
	tables  []namePattern // those of list that are tables
	negates bool
}

// A namePattern is a name or a table.
type namePattern struct {
	negated bool
	name    string
	table   *source
	at      int // the place in the list
}

// names reads a list of domains. hosts and below are as in type names.
func (r *Router) names(param string, hosts, below bool) *names {
	n := &names{param: param, hosts: hosts, below: hosts && below, exact: map[string]int{}}
	r.addNames(n, r.param(param), false, 0)
	return n
}

func (r *Router) addNames(n *names, list string, negated bool, depth int) {
	for _, field := range table.Split(list) {
		if field[0] == '#' {
			r.warn("%s: a comment behind a value is no comment: %s", n.param, field)
			return
		}
		item := strings.TrimLeft(field, "!")
		not := negated != ((len(field)-len(item))%2 == 1)
		n.negates = n.negates || not
		switch {
		case item == "":
			r.warn("%s: there is no name behind an exclamation mark", n.param)
		case item[0] == '/' && depth < 10:
			r.addFile(n, item, not, depth)
		case item[0] != '[' && strings.Contains(item, ":"):
			if s := r.open(n.param, item); s != nil {
				n.add(namePattern{negated: not, table: s})
			}
		default:
			item = table.Fold(item)
			n.add(namePattern{negated: not, name: item})
		}
	}
}

// addFile adds the lines of a file, each of which is a list.
func (r *Router) addFile(n *names, path string, negated bool, depth int) {
	s := r.open(n.param, path)
	if s == nil {
		return
	}
	if s.Lines == nil {
		n.add(namePattern{negated: negated, table: s})
		return
	}
	for _, line := range s.Lines {
		if !strings.HasPrefix(line, "#") {
			r.addNames(n, line, negated, depth+1)
		}
	}
}

// match reports whether a domain is in the list. The first pattern that fits decides.
func (n *names) match(w *walk, domain string) (bool, error) {
	domain = table.Fold(domain)
	patterns, named := n.list, -1
	if !n.negates { // names are found at once, and only the tables before them are asked
		if patterns, named = n.tables, n.named(domain); named >= 0 {
			before, _ := slices.BinarySearchFunc(patterns, named, func(p namePattern, at int) int { return p.at - at })
			patterns = patterns[:before]
		}
	}
	for _, p := range patterns {
		hit, err := n.fits(w, p, domain)
		if err != nil {
			return false, err
		}
		if hit {
			w.built(n.param, domain, !p.negated)
			return !p.negated, nil
		}
	}
	w.built(n.param, domain, named >= 0)
	return named >= 0, nil
}

func (n *names) fits(w *walk, p namePattern, domain string) (bool, error) {
	if p.table != nil {
		return n.inTable(w, p.table, domain)
	}
	return n.covers(p.name, domain), nil
}

// add adds a pattern to the list.
func (n *names) add(p namePattern) {
	p.at = len(n.list)
	n.list = append(n.list, p)
	if p.table != nil {
		n.tables = append(n.tables, p)
	} else if _, there := n.exact[p.name]; !there {
		n.exact[p.name] = p.at
	}
}

// named returns the place of the first name that covers a domain; -1: there is none.
func (n *names) named(domain string) int {
	first := -1
	at := func(name string) {
		if i, ok := n.exact[name]; ok && (first < 0 || i < first) {
			first = i
		}
	}
	at(domain)
	for rest := domain; n.hosts; {
		dot := strings.IndexByte(rest, '.')
		if dot < 0 {
			break
		}
		if rest = rest[dot+1:]; n.below {
			at(rest)
		} else {
			at("." + rest)
		}
	}
	return first
}

func (n *names) covers(name, domain string) bool {
	switch {
	case name == domain:
		return true
	case n.below:
		return strings.HasSuffix(domain, "."+name)
	}
	return n.hosts && strings.HasPrefix(name, ".") && strings.HasSuffix(domain, name) && len(domain) > len(name)
}

// inTable looks a domain up, and for a list of hosts the domains above it.
func (n *names) inTable(w *walk, s *source, domain string) (bool, error) {
	for key := domain; key != ""; {
		if key == domain || s.Indexed {
			_, ok, err := w.ask(s, key)
			if ok || err != nil {
				return ok, err
			}
		}
		dot := strings.IndexByte(key[1:], '.')
		if dot < 0 || !n.hosts {
			return false, nil
		}
		if key = key[1+dot:]; n.below {
			key = key[1:]
		}
	}
	return false, nil
}

// all returns the names of the list, with those of tables whose rows can be listed.
func (n *names) all() (found []string) {
	for _, p := range n.list {
		switch {
		case p.negated:
		case p.table == nil:
			found = append(found, p.name)
		case p.table.Each != nil:
			_ = p.table.Each(func(key, _ string) bool {
				if !strings.Contains(key, "@") { // virtual_alias_domains is $virtual_alias_maps unless it is set
					found = append(found, key)
				}
				return true
			})
		}
	}
	return sortedUnique(found)
}

// errLookup is the error of a table that Postfix cannot open or read.
var errLookup = errors.New("temporary lookup failure")

// errEmpty is the error for a row without a value.
var errEmpty = errors.New("a row has no value")
