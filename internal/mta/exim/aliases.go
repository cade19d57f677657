package exim

import (
	"path/filepath"
	"strconv"
	"strings"

	"virtmap/internal/mta/rowtext"
	"virtmap/internal/outcome"
	"virtmap/internal/regular"
)

// aliases are the server's own aliases by name, in lower case, as the router
// system_aliases of Debian looks them up with lsearch.
type aliases map[string]string

// readAliases reads an alias file; a missing one is empty.
func readAliases(path string) (aliases, error) {
	text, err := regular.ReadIfThere(path)
	return parseAliases(string(text)), err
}

// parseAliases reads the text of an alias file. The first of two equal names counts, and
// a line that begins with a blank goes on with the line before it.
func parseAliases(text string) aliases {
	all, last := aliases{}, ""
	for line := range strings.SplitSeq(text, "\n") {
		bare := strings.TrimSpace(line)
		switch {
		case bare == "" || bare[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if last != "" {
				all[last] += " " + bare
			}
		default:
			name, value := aliasOf(bare)
			if _, known := all[name]; known {
				last = ""
				continue
			}
			all[name], last = value, name
		}
	}
	return all
}

// aliasOf returns the name and the value of a line of an alias file. A name ends at a
// colon or a blank, unless it is quoted.
func aliasOf(line string) (name, value string) {
	if quoted, behind, ok := strings.Cut(strings.TrimPrefix(line, `"`), `"`); ok && line[0] == '"' {
		return strings.ToLower(quoted), strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(behind), ":"))
	}
	end := strings.IndexAny(line, ": \t")
	if end < 0 {
		return strings.ToLower(line), ""
	}
	return strings.ToLower(line[:end]), strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line[end:]), ":"))
}

// of returns the alias of a local part, or of what is before its detail.
func (a aliases) of(local string) (name, value string, ok bool) {
	if value, ok = a[local]; ok {
		return local, value, true
	}
	name, _, _ = strings.Cut(local, "+")
	value, ok = a[name]
	return name, value, ok && name != ""
}

// membersOf returns the members of an alias. The lines of an :include: file are members.
func membersOf(value string) (all []string) {
	for _, member := range addressList(strings.ReplaceAll(value, "\n", ",")) {
		path, include := strings.CutPrefix(member, ":include:")
		if !include {
			all = append(all, member)
			continue
		}
		text, err := regular.ReadIfThere(strings.TrimSpace(path))
		if err != nil {
			continue
		}
		for _, line := range rowtext.PlainLines(text) {
			all = append(all, addressList(line)...)
		}
	}
	return all
}

// ownAliases returns the path of the server's own alias file for a folder such as
// /etc/exim4/virtmap: the file aliases beside the folder of Exim, also in a copy of /etc.
// It is empty for a folder elsewhere.
func ownAliases(dir string) string {
	switch above := filepath.Dir(filepath.Clean(dir)); filepath.Base(above) {
	case "exim4", "exim":
		return filepath.Join(filepath.Dir(above), "aliases")
	}
	return ""
}

// localEnds returns where mail for an account ends, after the server's own aliases. Exim
// leaves out the router of the aliases for a name that leads to itself.
func (w *walk) localEnds(local string, before int) (all []string) {
	name, value, ok := w.alias(local)
	if !ok || before > maxAncestors || w.above[name] {
		return []string{local}
	}
	if w.above == nil {
		w.above = map[string]bool{}
	}
	w.above[name] = true
	defer delete(w.above, name)
	for _, member := range membersOf(value) {
		switch {
		case member == "" || strings.HasPrefix(member, ":"): // :blackhole:, or a refusal
		case member[0] == '/' || member[0] == '|':
			all = append(all, member)
		case !strings.Contains(member, "@"):
			all = append(all, w.ending(member+"@"+w.router.name, before+1)...)
		default:
			all = append(all, w.ending(member, before+1)...)
		}
	}
	return all
}

// alias looks a local part up in the server's own aliases.
func (w *walk) alias(local string) (name, value string, ok bool) {
	if w.aliases == nil {
		return "", "", false
	}
	name, value, ok = w.aliases.of(local)
	if !ok {
		name = local
	}
	w.steps = append(w.steps, outcome.Step{Table: "aliases", Key: name, Value: value, Hit: ok})
	return name, value, ok
}

// refusalOf returns the outcome of an alias that refuses mail. Its text may begin with a
// code of the same class.
func refusalOf(value string) (o outcome.Outcome, refuses bool) {
	for word, code := range map[string]int{":fail:": 550, ":defer:": 451} {
		text, ok := strings.CutPrefix(value, word)
		if !ok {
			continue
		}
		text = strings.TrimSpace(text)
		if digits, behind, _ := strings.Cut(text, " "); len(digits) == 3 {
			if own, err := strconv.Atoi(digits); err == nil && own/100 == code/100 {
				code, text = own, behind
			}
		}
		return outcome.OfReply(code, text), true
	}
	return o, false
}

// Ends returns the final recipients of a local name, after the server's own aliases.
func (s *Set) Ends(name string) []string {
	w := walk{router: &s.router, ends: map[string]bool{}}
	return taken(w.localEnds(name, 0)).Recipients
}

// Knows reports whether the server's own aliases have a name.
func (s *Set) Knows(name string) bool {
	_, ok := s.router.aliases[name]
	return ok
}

// Listed returns the domains in the files that a build writes.
func (s *Set) Listed() []string {
	served, relayed := s.Domains()
	return append(served, relayed...)
}

// withAliases returns the set with other aliases of the server. Names without a domain in
// them belong to a domain. The set need not be closed.
func (s *Set) withAliases(own aliases, domain string) *Set {
	with := *s
	with.router.aliases, with.router.name = own, domain
	return &with
}
