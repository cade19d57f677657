package lint

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

var checkNear = &diag.Check{ID: "VM087", Name: "one-letter-off", Severity: diag.Warning,
	Rule: "No two domains, and no two users, differ by one letter alone."}

// minNear is the length of the shortest label that is checked. Many short labels are
// one letter apart.
const minNear = 5

// A named is a name that is compared with other names, and its place.
type named struct {
	text string
	pos  diag.Pos
	only bool // it is not declared, but may be a misspelling of a declared name
	copy int  // 1 + the last domain in its chain of copies; 0: not a domain
}

// near reports domains and users that look like a misspelling of another one, and
// targets in domains outside that look like a domain of the inventory.
func (a *advisor) near() {
	var domains, users []named
	for i := range a.m.Domains {
		d := &a.m.Domains[i]
		domains = append(domains, named{text: d.Name, pos: d.Pos, copy: 1 + a.tables.Original(i)})
	}
	seen := map[string]bool{}
	a.own(func(address *inventory.Address) {
		if t := &address.To; a.outside(t) {
			if _, domain, _ := mailaddr.Split(t.Text); !seen[domain] {
				seen[domain] = true
				domains = append(domains, named{text: domain, pos: t.Pos, only: true})
			}
		}
	})
	for i := range a.m.Users {
		users = append(users, named{text: a.m.Users[i].Name.Text, pos: a.m.Users[i].Name.Pos})
	}
	for at, other := range nearPairs(domains) {
		a.faults.Add(checkNear.At(at.pos, len(at.text), "domain %s is one letter off %s", at.text, other.text).
			Second(other.pos, "the other domain").WithHelp("mend the one that is misspelled"))
	}
	for at, other := range nearPairs(users) {
		a.faults.Add(checkNear.At(at.pos, len(at.text), "user %s is one letter off %s", at.text, other.text).
			Second(other.pos, "the other user").WithHelp("mend the one that is misspelled"))
	}
}

// nearPairs yields names that are one edit away from another name, each once. Two such
// names share a form, which is a name without at most one letter. The forms are sorted
// by their hash, and only names with the same form are compared.
func nearPairs(all []named) iter.Seq2[named, named] {
	return func(yield func(at, other named) bool) {
		told := make([]bool, len(all))
		var forms []form
		for pass := range uint64(passes) {
			forms = shortForms(forms[:0], all, pass)
			for i, f := range forms {
				other, ok := neighbour(all, told, forms[:i], f)
				if !ok {
					continue
				}
				told[f.name] = true
				if !yield(all[f.name], all[other]) {
					return
				}
			}
		}
	}
}

// A form is a name, or a name without one letter, as a hash.
type form struct {
	hash uint64
	name int32 // the index of the name
}

// passes limits the memory for forms: each pass looks at a part of the hashes.
const passes = 8

// shortForms returns those forms of all names that belong to a pass, sorted.
func shortForms(forms []form, all []named, pass uint64) []form {
	add := func(h uint64, i int) {
		if h%passes == pass {
			forms = append(forms, form{h, int32(i)})
		}
	}
	for i, n := range all {
		if len(n.text) < minNear {
			continue
		}
		add(fnv(fnvOffset, n.text), i)
		before := uint64(fnvOffset)
		for k := range len(n.text) {
			add(fnv(before, n.text[k+1:]), i)
			before = fnv(before, n.text[k:k+1])
		}
	}
	slices.SortFunc(forms, func(x, y form) int { return cmp.Or(cmp.Compare(x.hash, y.hash), cmp.Compare(x.name, y.name)) })
	return forms
}

// fnvOffset is the start value of FNV-1a.
const fnvOffset = 14695981039346656037

func fnv(h uint64, text string) uint64 {
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}

// compared is the largest number of names with the same form that are compared with one
// name. A hostile inventory has thousands of them.
const compared = 16

// neighbour finds a name with the same form that is one edit away.
func neighbour(all []named, told []bool, before []form, f form) (other int32, ok bool) {
	for _, o := range slices.Backward(before[max(0, len(before)-compared):]) {
		switch at, other := &all[f.name], &all[o.name]; {
		case o.hash != f.hash:
			return 0, false
		case told[f.name] || at.only && other.only:
		case at.copy > 0 && at.copy == other.copy: // a copy on purpose, for people who mistype the name
		case oneLetterOff(at.text, other.text):
			return o.name, true
		}
	}
	return 0, false
}

// oneLetterOff reports whether one letter was added, left out or changed, or two
// neighbours were swapped, in a label that is long enough. A difference in a digit or a
// hyphen does not count, because it is made on purpose.
func oneLetterOff(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	if a == b || len(a)-len(b) > 1 {
		return false
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	if labelLen(a, i) < minNear {
		return false
	}
	isLetter := func(c byte) bool { return 'a' <= c && c <= 'z' }
	switch {
	case len(a) > len(b):
		return a[i+1:] == b[i:] && isLetter(a[i])
	case a[i+1:] == b[i+1:]:
		return isLetter(a[i]) && isLetter(b[i])
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] && isLetter(a[i]) && isLetter(b[i])
}

// labelLen returns the length of the label around a byte.
func labelLen(name string, at int) int {
	from := strings.LastIndexByte(name[:at], '.') + 1
	return strings.IndexByte(name[at:]+".", '.') + at - from
}
