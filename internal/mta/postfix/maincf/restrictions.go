package maincf

import (
	"slices"
	"strings"
)

// Restrictions splits a list of restrictions of smtpd. A restriction stays together with its
// argument, and warn_if_reject with the restriction behind it.
func Restrictions(value string) []string {
	var all []string
	open := false // the last element needs another word
	for _, word := range SplitList(value) {
		if open {
			all[len(all)-1] += " " + word
		} else {
			all = append(all, word)
		}
		open = takesArgument(word)
	}
	return all
}

// takesArgument reports whether a word of a list of restrictions needs another word behind
// it (postconf(5), smtpd_recipient_restrictions).
func takesArgument(word string) bool {
	word = strings.ToLower(word)
	if strings.ContainsAny(word, ":${") || word == "check_relay_domains" {
		return false
	}
	for _, prefix := range []string{"check_", "reject_rbl_", "reject_rhsbl_", "permit_dnswl_", "permit_rhswl_"} {
		if strings.HasPrefix(word, prefix) {
			return true
		}
	}
	return word == "warn_if_reject" || word == "sleep"
}

// guards are the restrictions of which smtpd demands one: it ends when neither
// smtpd_relay_restrictions nor smtpd_recipient_restrictions has any (smtpd(8)).
var guards = []string{"reject_unauth_destination", "defer_unauth_destination", "reject", "defer", "defer_if_permit", "check_relay_domains"}

// guarded returns a list of recipient restrictions that does not open a relay. It adds a
// guard at the end when no list has one. A permit before it is a fault.
func (e *editor) guarded(list []string) []string {
	found, permits := e.guard(strings.Join(list, ", "), 0)
	if relay, _ := e.guard(e.site.Param("smtpd_relay_restrictions"), 0); found || relay {
		return list
	}
	entry, set := e.own.entry(recipientRestrictions)
	if permits && set {
		e.fault(checkRelay, entry.lines[0], "write reject_unauth_destination before permit",
			"permit lets everyone use this server for any domain: no restriction before it refuses that")
		return list
	}
	return append(slices.Clip(list), guards[0])
}

// maxClasses is the most levels of restriction classes within each other.
const maxClasses = 20

// guard reports whether a list has a guard, or else a permit, also in a class. Like smtpd it
// does not count what warn_if_reject makes a warning, and goes on behind a class that
// permits.
func (e *editor) guard(value string, level int) (found, permits bool) {
	text, _ := e.expand(value)
	classes := e.site.List("smtpd_restriction_classes")
	for _, restriction := range Restrictions(text) {
		word := strings.ToLower(restriction)
		switch {
		case word == "permit":
			return false, true
		case slices.Contains(guards, word):
			return true, false
		case slices.Contains(classes, restriction) && level < maxClasses:
			inClass, permitsInClass := e.guard(e.site.Param(restriction), level+1)
			if inClass {
				return true, false
			}
			permits = permits || permitsInClass
		}
	}
	return false, permits
}
