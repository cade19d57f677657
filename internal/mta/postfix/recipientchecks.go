package postfix

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mta/postfix/maincf"
)

// passStrangers are the restrictions behind which smtpd(8) asks no check for strangers:
// they let strangers pass, or end the list (postconf(5), smtpd_recipient_restrictions).
var passStrangers = []string{
	"permit", "permit_auth_destination", "permit_mx_backup", "permit_naked_ip_address", "permit_dnswl_client", "permit_rhswl_client",
	"check_relay_domains", "reject", "defer",
}

// passClients are the restrictions that let clients of the site itself pass.
var passClients = []string{
	"permit_mynetworks", "permit_sasl_authenticated", "permit_tls_clientcerts", "permit_tls_all_clientcerts", "permit_inet_interfaces",
}

// lacksCheck says why a check of ours is not asked for the mail of strangers; empty if
// it is asked.
func (c *configuration) lacksCheck(check string) string {
	before, found := c.checksBefore(check, recipientChecks)
	if !found {
		return fmt.Sprintf("%s does not have %q", recipientChecks, check)
	}
	for _, restriction := range before {
		if word, _, _ := strings.Cut(strings.ToLower(restriction), " "); slices.Contains(passStrangers, word) {
			return fmt.Sprintf("%s has %q before %q, which is then not asked for everyone", recipientChecks, restriction, check)
		}
	}
	return ""
}

// checksBefore returns the restrictions that stand before a check in a list.
func (c *configuration) checksBefore(check, list string) (before []string, found bool) {
	_, path, _ := strings.Cut(check, " ")
	for _, restriction := range c.flat(c.config.Param(list), 0) {
		word, at, _ := strings.Cut(restriction, " ")
		if strings.EqualFold(word, "check_recipient_access") && sameTable(at, path) {
			return before, true
		}
		before = append(before, restriction)
	}
	return before, false
}

// flat returns the restrictions of a list. A restriction class is replaced by its own
// restrictions.
func (c *configuration) flat(list string, level int) (all []string) {
	classes := c.config.List("smtpd_restriction_classes")
	for _, restriction := range maincf.Restrictions(list) {
		if slices.Contains(classes, restriction) && level < 20 {
			all = append(all, c.flat(c.config.Param(restriction), level+1)...)
		} else {
			all = append(all, restriction)
		}
	}
	return all
}

// guards are the restrictions of which smtpd(8) demands one in smtpd_relay_restrictions
// or smtpd_recipient_restrictions.
var guards = []string{"reject_unauth_destination", "defer_unauth_destination", "reject", "defer", "defer_if_permit", "check_relay_domains"}

// guarded reports whether one of the two lists has one of guards before a permit for
// everyone.
func (c *configuration) guarded() bool {
	for _, list := range []string{"smtpd_relay_restrictions", recipientChecks} {
		for _, restriction := range c.flat(c.config.Param(list), 0) {
			word := strings.ToLower(restriction)
			if slices.Contains(guards, word) {
				return true
			}
			if word == "permit" {
				break
			}
		}
	}
	return false
}
