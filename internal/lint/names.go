package lint

import (
	"slices"
	"strings"
	"unicode"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

var (
	checkScripts = &diag.Check{ID: "VM093", Name: "mixed-script", Severity: diag.Warning,
		Rule: "A label of a domain is written in one script."}
	checkSpecialUse = &diag.Check{ID: "VM094", Name: "special-use", Severity: diag.Warning,
		Rule: "A domain is not one of the names that no mail domain of the public DNS has."}
)

// specialUse are the names that are not in the public DNS: those of IANA's registry of
// special-use domain names, and those reserved by ICANN and RFC 9476.
var specialUse = map[string]string{
	"alt":         "RFC 9476",
	"example":     "RFC 6761",
	"example.com": "RFC 6761",
	"example.net": "RFC 6761",
	"example.org": "RFC 6761",
	"home.arpa":   "RFC 8375",
	"internal":    "set aside for private use",
	"invalid":     "RFC 6761",
	"local":       "RFC 6762",
	"localhost":   "RFC 6761",
	"onion":       "RFC 7686",
	"test":        "RFC 6761",
}

func (a *advisor) specialUse() {
	a.enabled(func(d *inventory.Domain) {
		for name := d.Name; name != ""; {
			if why, ok := specialUse[name]; ok && a.m.MXCheckOf(d) != inventory.MXSkip {
				which := d.Name + " is"
				if name != d.Name {
					which += " below " + name + ", which is"
				}
				a.faults.Add(checkSpecialUse.At(d.Pos, len(d.Name), "%s never a mail domain of the public DNS (%s)", which, why).
					WithHelp("write your own domain; for one that only your own DNS has, mx_check: skip"))
				return
			}
			_, name, _ = strings.Cut(name, ".")
		}
	})
}

func (a *advisor) enabled(f func(*inventory.Domain)) {
	for i := range a.m.Domains {
		if a.m.Domains[i].Enabled {
			f(&a.m.Domains[i])
		}
	}
}

func (a *advisor) scripts() {
	a.enabled(func(d *inventory.Domain) {
		if !strings.Contains(d.Name, "xn--") {
			return
		}
		for label := range strings.SplitSeq(mailaddr.Unicode(d.Name), ".") {
			if mixed := scripts(label); len(mixed) > 1 {
				a.faults.Add(checkScripts.At(d.Pos, 1, "%q mixes %s letters", label, strings.Join(mixed, " and ")).
					WithHelp("letters that look alike are other letters; the domain is %s in the DNS", d.Name))
			}
		}
	})
}

// together are scripts that one language uses together (UTS 39, section 5.2).
var together = [][]string{
	{"Han", "Hiragana", "Katakana", "Latin"},
	{"Han", "Hangul", "Latin"},
	{"Bopomofo", "Han", "Latin"},
}

// script returns the script of a letter; empty for a character that all scripts share.
func script(c rune) string {
	if c <= unicode.MaxASCII {
		if unicode.IsLetter(c) {
			return "Latin"
		}
		return ""
	}
	for name, table := range unicode.Scripts {
		if name != "Common" && name != "Inherited" && unicode.Is(table, c) {
			return name
		}
	}
	return ""
}

// scripts returns the scripts of a label, sorted. Scripts that belong together count as
// one.
func scripts(label string) (all []string) {
	for _, c := range label {
		known := slices.ContainsFunc(all, func(name string) bool { return unicode.Is(unicode.Scripts[name], c) })
		if name := script(c); !known && name != "" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	for _, language := range together {
		if !slices.ContainsFunc(all, func(name string) bool { return !slices.Contains(language, name) }) {
			return all[:min(1, len(all))]
		}
	}
	return all
}
