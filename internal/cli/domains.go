package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// domainFlag returns the flag that chooses domains of the inventory.
func domainFlag(names *cli.StringSlice, does string) cli.Flag {
	return &cli.StringSliceFlag{
		Name: "domain", Destination: names, EnvVars: []string{"VIRTMAP_DOMAIN"},
		Usage: does + " of the domain `NAME` only; repeatable",
		Action: func(_ *cli.Context, names []string) error {
			if slices.Contains(names, "") {
				return usage(errors.New("--domain is empty; leave it out, or name a domain"))
			}
			return nil
		},
	}
}

// A domainChoice has the domains that --domain names; nil: all domains.
type domainChoice map[string]bool

// has reports whether a domain, given as A-labels, is chosen.
func (c domainChoice) has(domain string) bool { return c == nil || c[domain] }

// keep keeps the faults on the lines of the chosen domains, and returns the number of
// errors on other lines.
func (c domainChoice) keep(m *inventory.Model, faults *diag.List) (others int) {
	if c == nil {
		return 0
	}
	spans := m.Spans()
	within := func(p diag.Pos) bool {
		d, ok := spans.Domain(p)
		return ok && c.has(m.Domains[d].Name)
	}
	faults.Keep(func(f diag.Fault) bool {
		if within(f.Pos) || within(f.Also) {
			return true
		}
		if faults.Severity(f.Check) == diag.Error {
			others++
		}
		return false
	})
	return others
}

// chooseDomains returns the domains of --domain. A domain that the inventory lacks is an
// error of usage.
func chooseDomains(m *inventory.Model, names []string) (domainChoice, error) {
	if len(names) == 0 {
		return nil, nil
	}
	return chooseNames(slices.Collect(domainNames(m)), names)
}

// chooseNames returns the domains of --domain, which are some of the known ones.
func chooseNames(known, names []string) (domainChoice, error) {
	choice := domainChoice{}
	for _, name := range names {
		folded, problem := mailaddr.FoldDomain(name)
		if problem != nil {
			return nil, usage(fmt.Errorf("--domain: %s", strings.TrimSuffix(problem.Text+"; "+problem.Help, "; ")))
		}
		if !slices.Contains(known, folded) {
			return nil, usage(fmt.Errorf("--domain %s: the inventory has no such domain%s", name, nearestOf(folded, slices.Values(known))))
		}
		choice[folded] = true
	}
	return choice, nil
}

// domainNames yields the names of all domains.
func domainNames(m *inventory.Model) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range m.Domains {
			if !yield(m.Domains[i].Name) {
				return
			}
		}
	}
}

// nearestOf returns the end of a message about a word that is none of some names.
func nearestOf(word string, names func(yield func(string) bool)) string {
	words := diag.Words{Names: names}
	if near, ok := words.Nearest(word); ok {
		return "; did you mean " + near + "?"
	}
	return ""
}
