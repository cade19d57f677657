package maincf

import (
	"slices"
	"strings"
)

// recipientRestrictions is the list in which our access map stands, senderRestrictions the one
// in which the restriction about logins does.
const (
	recipientRestrictions = "smtpd_recipient_restrictions"
	senderRestrictions    = "smtpd_sender_restrictions"
)

// lists are the parameters whose value is a list to which the site adds elements. Its value
// is true when the site's elements stand first.
var lists = map[string]bool{
	"alias_maps":                       true,
	"mydestination":                    true,
	"parent_domain_matches_subdomains": false,
	"propagate_unmatched_extensions":   false,
	"relay_domains":                    false,
	"sender_canonical_maps":            false,
	"smtpd_sender_login_maps":          false,
	"transport_maps":                   false,
	"virtual_alias_domains":            false,
	"virtual_alias_maps":               false,
	"virtual_mailbox_domains":          false,
	"virtual_mailbox_maps":             false,
	recipientRestrictions:              false,
	senderRestrictions:                 false,
}

// takenOut are elements that a line takes out of the site's list when it does not have them.
var takenOut = map[string][]string{
	"parent_domain_matches_subdomains": {"relay_domains", "smtpd_access_maps"},
	"propagate_unmatched_extensions":   {"virtual"},
}

// builtInElement is the element of a line that keeps the built-in value. A site that sets the
// parameter decides itself about it.
var builtInElement = map[string]string{"alias_maps": "$alias_database"}

// value returns the value for the block: that of the line, and the elements of the site's
// list.
func (e *editor) value(l Line) string {
	siteFirst, isList := lists[l.Name]
	entry, set := e.own.entry(l.Name)
	switch {
	case !isList && set && e.adopts(l.Name):
		if !e.same(l, entry.value) {
			e.kept[l.Name] = ""
		}
		return l.Value
	case !isList && set && !e.same(l, entry.value):
		e.fault(checkOther, entry.lines[0], "change the line to: "+l.Name+" = "+l.Value+"; or take it out",
			"%s is %q here, and the inventory needs %q", l.Name, entry.value, l.Value)
		return ""
	case !isList:
		return l.Value
	}
	own, site := e.elements(l.Name, l.Value), e.siteElements(l.Name)
	if set {
		own = slices.DeleteFunc(own, func(element string) bool { return element == builtInElement[l.Name] })
	}
	if e.adopts(l.Name) {
		site = e.adopted(l.Name, site)
	}
	site = slices.DeleteFunc(site, func(element string) bool {
		return slices.Contains(own, element) || slices.Contains(takenOut[l.Name], element) || e.within(element, own)
	})
	all := slices.Concat(own, site)
	if siteFirst {
		all = slices.Concat(site, own)
	}
	if l.Name == recipientRestrictions {
		all = e.guarded(all)
	}
	return strings.Join(all, ", ")
}

// same reports whether the site's value means the same as a line's.
func (e *editor) same(l Line, value string) bool {
	ours, _ := e.expand(l.Value)
	theirs, _ := e.expand(value)
	if l.Value == "yes" || l.Value == "no" {
		return strings.EqualFold(l.Value, theirs)
	}
	return slices.Equal(SplitList(ours), SplitList(theirs))
}

// elements splits the value of a list.
func (e *editor) elements(name, value string) []string {
	if name == recipientRestrictions || name == senderRestrictions {
		return Restrictions(value)
	}
	return SplitList(value)
}

// siteElements returns the elements of the site's list, or those that are built in when the
// site does not set it. A reference to a parameter of our lines is replaced by its value
// without our lines.
func (e *editor) siteElements(name string) []string {
	entry, set := e.own.entry(name)
	value := entry.value
	if !set {
		value = e.builtIn(name)
	}
	var all []string
	for _, element := range e.elements(name, value) {
		if !strings.Contains(element, "$") {
			all = append(all, element)
			continue
		}
		x := e.expander()
		switch expanded := x.expand(element, 0); {
		case x.fault != "" && set:
			e.fault(checkLine, entry.lines[0], "", "the value of %s cannot be worked out: %s", name, x.fault)
			return nil
		case x.ours:
			all = append(all, e.elements(name, expanded)...)
		case expanded != "":
			all = append(all, element)
		}
	}
	return all
}

// builtIn returns the built-in value of a list, in words that hold on any Postfix: the type
// of the alias file is not the same everywhere, and mydestination depends on the machine.
func (e *editor) builtIn(name string) string {
	_, set := e.own.entry("alias_database")
	switch {
	case name == "alias_maps" && set:
		return "$default_database_type:/etc/aliases"
	case name == "alias_maps":
		return "$alias_database"
	case name == "relay_domains" && e.site.Param(name) != "":
		return "$mydestination"
	case name == "relay_domains":
		return ""
	}
	return defaults[name]
}

// within reports whether all that an element means is in a list already.
func (e *editor) within(element string, list []string) bool {
	if !strings.Contains(element, "$") {
		return false
	}
	text, _ := e.expand(element)
	for _, part := range SplitList(text) {
		if !slices.Contains(list, part) {
			return false
		}
	}
	return true
}

// An ownExpander expands values of the site's own text.
type ownExpander struct {
	expander
	ours bool // the value depends on a parameter of our lines
}

// expander returns an expander in which references to the name of the machine stay.
func (e *editor) expander() *ownExpander {
	x := &ownExpander{}
	s := scope{config: e.site}
	x.lookup = func(name string) (string, bool) {
		x.ours = x.ours || e.ours[name]
		if _, set := s.set(name); !set && (name == "myhostname" || name == "mydomain") {
			return "$$" + name, true
		}
		return s.lookup(name)
	}
	return x
}

// expand returns a value of the site's own text with its references replaced.
func (e *editor) expand(value string) (text, fault string) {
	x := e.expander()
	text = x.expand(value, 0)
	return text, x.fault
}
