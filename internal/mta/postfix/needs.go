package postfix

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/regular"
)

// A need is something of a line of a build that main.cf must give effect to: an element
// of a list, or the whole value.
type need struct {
	line    maincf.Line
	element string // empty: the value as a whole
}

// String returns the form in which a need is remembered.
func (n need) String() string {
	if n.element == "" {
		return n.line.Name + " = " + n.line.Value
	}
	return n.line.Name + ": " + n.element
}

// file returns the name of the file that the element names; empty if it names none.
func (n need) file() string {
	if at := strings.IndexByte(n.element, '/'); at >= 0 {
		return filepath.Base(n.element)
	}
	return ""
}

// Parameters.
const (
	recipientChecks = "smtpd_recipient_restrictions"
	senderChecks    = "smtpd_sender_restrictions"
	loginMaps       = "smtpd_sender_login_maps"
	canonicalMaps   = "sender_canonical_maps"
	saslEnable      = "smtpd_sasl_auth_enable"
)

// needed returns the needs of a build, in the order of its lines.
func (b Build) needed() (all []need) {
	for _, line := range b.Lines() {
		elements := maincf.SplitList(line.Value)
		if line.Name == recipientChecks || line.Name == senderChecks {
			elements = maincf.Restrictions(line.Value)
		}
		named := false
		for _, element := range elements {
			if strings.Contains(element, ":/") || element == mailboxDomain || element == senderCheck {
				all, named = append(all, need{line, element}), true
			}
		}
		if !named {
			all = append(all, need{line: line})
		}
	}
	return all
}

// decided are the elements of lists that main.cf must have if the line of a build has
// them, and must not have otherwise.
var decided = map[string][]string{
	"parent_domain_matches_subdomains": {"relay_domains", "smtpd_access_maps"},
	"propagate_unmatched_extensions":   {"virtual"},
}

// lacks says why the configuration does not give effect to a need, and which line of
// main.cf clashes. what is empty if the need has effect; line is 0 if main.cf does not set
// the parameter.
func (c *configuration) lacks(n need) (what string, line int) {
	name := n.line.Name
	_, line, _ = c.config.Set(name)
	value := c.config.Param(name)
	switch out, list := decided[name]; {
	case n.element != "" && name == recipientChecks:
		return c.lacksCheck(n.element), line
	case n.element != "" && name == senderChecks:
		return c.lacksSenderCheck(), line
	case n.element != "":
		if !slices.ContainsFunc(maincf.SplitList(value), func(e string) bool { return sameTable(e, n.element) }) {
			return fmt.Sprintf("%s does not name %s", name, n.element), line
		}
	case list:
		for _, word := range out {
			if has, wants := slices.Contains(lowered(value), word), slices.Contains(lowered(n.line.Value), word); has != wants {
				return fmt.Sprintf("%s %s %s", name, map[bool]string{true: "has", false: "does not have"}[has], word), line
			}
		}
	case !strings.EqualFold(strings.TrimSpace(value), n.line.Value):
		return fmt.Sprintf("%s is %q, and the inventory needs %q", name, value, n.line.Value), line
	}
	return "", 0
}

// lowered returns the elements of a list in lower case.
func lowered(list string) []string { return maincf.SplitList(strings.ToLower(list)) }

// sameTable reports whether two elements name the same table. proxymap(8) opens the same
// file.
func sameTable(a, b string) bool {
	a, b = strings.TrimPrefix(a, "proxy:"), strings.TrimPrefix(b, "proxy:")
	aType, aPath, _ := strings.Cut(a, ":")
	bType, bPath, _ := strings.Cut(b, ":")
	return a == b || aType == bType && strings.HasPrefix(aPath, "/") && regular.SamePath(aPath, bPath)
}

// write returns the line for main.cf that gives effect to a line of a build, together
// with the site's own elements of a list.
func (c *configuration) write(line maincf.Line) string {
	var sources diag.Sources
	var faults diag.List
	src, err := sources.Add(c.config.Path, string(c.text))
	if err == nil {
		text := maincf.Edit(src, []maincf.Line{line}, &faults)
		if value, _, ok := maincf.Parse("", []byte(text)).Set(line.Name); ok && !faults.Failed() {
			return line.Name + " = " + value
		}
	}
	return line.Name + " = " + line.Value
}

// edit returns the text of a main.cf with the lines of a build.
func edit(src *diag.Source, of mta.Build, adopt bool, faults *diag.List) (text []byte, lines func([]byte) []string) {
	way := maincf.Edit
	if adopt {
		way = maincf.Adopt
	}
	// Of the lines that get a mark Marked speaks: they are not lost.
	return []byte(way(src, of.(Build).Lines(), faults)), func(text []byte) []string {
		return mainLines(maincf.Unmarked(text))
	}
}
