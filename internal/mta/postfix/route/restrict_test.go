package route

import (
	"slices"
	"strings"
	"testing"
)

// closing is a site with an access table before everything else.
func closing(access, more string) testSite {
	return testSite{
		main: `virtual_alias_domains = d.example, sub.d.example
			virtual_alias_maps = texthash:DIR/virtual
			recipient_delimiter = +
			smtpd_recipient_restrictions = check_recipient_access texthash:DIR/access
			` + more,
		texts:    map[string]string{"virtual": "@d.example andrei\nx@sub.d.example andrei\n", "access": access},
		accounts: []string{"andrei", "bea"},
	}
}

func TestRightSidesOfAccess(t *testing.T) {
	closing(`r1@d.example 550 5.1.1 Ann left; write to info@d
r2@d.example 551 5.1.6 now at x
r3@d.example 450 4.2.1 being moved
r4@d.example 550 gone
r5@d.example 550 4.1.1 odd
r6@d.example 550 5.1.1
r7@d.example 252 x
r8@d.example 299 x
r9@d.example 421 4.3.2 x
s1@d.example REJECT x
s2@d.example REJECT 5.1.1 x
s3@d.example DEFER x
s4@d.example 550 5.7.1 "a\b" % ( < # $x  two ü
s5@d.example OK
s6@d.example DUNNO whatever
s7@d.example reject
s8@d.example 12345
s9@d.example nonsense
t1@d.example own
t2@d.example DISCARD
t3@d.example HOLD
t4@d.example REDIRECT bea@mx1.example.net
t5@d.example BCC bea@mx1.example.net
t6@d.example WARN x
t7@d.example PREPEND X: y
t8@d.example DEFER_IF_PERMIT 4.2.2 maybe
t9@d.example DEFER_IF_REJECT 4.2.2 maybe
u1@out.example DEFER_IF_REJECT 4.2.2 maybe
u2@d.example 550 5.1.8 a status of senders
u3@d.example check_recipient_access hash:/x
u4@d.example warn_if_reject reject
`, `smtpd_restriction_classes = own
		own = permit_auth_destination, reject
		smtpd_relay_before_recipient_restrictions = no
	`).check(t, `
		r1@d.example => 550 5.1.1 Ann left; write to info@d
		R1+x@D.Example. => 550 5.1.1 Ann left; write to info@d
		r2@d.example => 551 5.1.6 now at x
		r3@d.example => 450 4.2.1 being moved
		r4@d.example => 550 5.7.1 gone
		r5@d.example => 550 5.1.1 odd
		r6@d.example => 550 5.1.1 Access denied
		r7@d.example => 451 4.3.5 Server configuration error
		r8@d.example => 451 4.3.5 Server configuration error
		r9@d.example => 421 4.3.2 x
		s1@d.example => 554 5.7.1 x
		s2@d.example => 554 5.1.1 x
		s3@d.example => 450 4.7.1 x
		s4@d.example => 550 5.7.1 "a\b" % ( < # $x  two ü
		s5@d.example => 250 andrei
		s6@d.example => 250 andrei
		s7@d.example => 554 5.7.1 Access denied
		s8@d.example => 250 andrei
		s9@d.example => 451 4.3.5 Server configuration error
		t1@d.example => 250 andrei
		t2@d.example => 250
		t3@d.example => 250
		t4@d.example => 250 bea
		t5@d.example => 250 andrei, bea
		t6@d.example => 250 andrei
		t7@d.example => 250 andrei
		t8@d.example => 450 4.2.2 maybe
		t9@d.example => 250 andrei
		u1@out.example => 454 4.7.1 not ours
		u2@d.example => 550 5.1.2 a status of senders
		u3@d.example => 451 4.3.5 Server configuration error
		u4@d.example => 250 andrei
	`)
}

func TestKeysOfAccess(t *testing.T) {
	site := closing("user+ext@d.example 550 5.7.1 whole\nuser@d.example 550 5.7.1 without\nd.example 550 5.7.1 domain\n.d.example 550 5.7.1 below\npost@ 550 5.7.1 everywhere\nlisted@d.example DUNNO\n", "")
	site.check(t, `
		user+ext@d.example => 550 5.7.1 whole
		user+y@d.example => 550 5.7.1 without
		other@d.example => 550 5.7.1 domain
		post@d.example => 550 5.7.1 domain
		listed@d.example => 250 andrei
		x@sub.d.example => 550 5.7.1 domain
	`)
	site.main += "\nparent_domain_matches_subdomains =\n"
	site.check(t, "x@sub.d.example => 550 5.7.1 below")
	site.texts["access"] = "post@ 550 5.7.1 everywhere\n"
	site.check(t, `
		post@d.example => 550 5.7.1 everywhere
		post+x@sub.d.example => 550 5.7.1 everywhere
	`)
}

func TestRulesAreAskedWithTheWholeAddress(t *testing.T) {
	site := closing(`/^old@d\.example$/ 550 5.7.1 no
/^(a|b)\+/ 550 5.7.1 $1
`, "")
	site.main = strings.Replace(site.main, "texthash:DIR/access", "regexp:DIR/access", 1)
	site.check(t, `
		old@d.example => 550 5.7.1 no
		old+x@d.example => 250 andrei
		b+x@d.example => 550 5.7.1 b
	`)
}

func TestPlaceOfTheCheck(t *testing.T) {
	access := "old@d.example 550 5.7.1 no\nopen@d.example OK\nopen@out.example OK\n"
	check := "check_recipient_access texthash:DIR/access"
	for _, c := range []struct{ it, more, want string }{
		{"refuses in the client restrictions", "smtpd_client_restrictions = " + check, "old@d.example => 550 5.7.1 no"},
		{"does nothing there without smtpd_delay_reject", "smtpd_delay_reject = no\nsmtpd_client_restrictions = " + check, "old@d.example => 250 andrei"},
		{"refuses in the sender restrictions", "smtpd_sender_restrictions = " + check, "old@d.example => 550 5.7.1 no"},
		{"refuses in the relay restrictions", "smtpd_relay_restrictions = " + check + ", reject_unauth_destination", "old@d.example => 550 5.7.1 no"},
		{"opens the relay with OK", "smtpd_relay_restrictions = " + check + ", reject_unauth_destination", "open@out.example => 250 open@out.example"},
		{"does not refuse behind an OK of its list", "smtpd_recipient_restrictions = permit_auth_destination, " + check, "old@d.example => 250 andrei"},
		{"refuses in spite of an OK in another list", "smtpd_relay_restrictions = permit_auth_destination, reject\nsmtpd_recipient_restrictions = " + check, "old@d.example => 550 5.7.1 no"},
		{"refuses before the relay restrictions", "smtpd_relay_before_recipient_restrictions = no\nsmtpd_recipient_restrictions = reject", "x@out.example => 554 5.7.1 Access denied"},
		{"refuses behind the relay restrictions", "smtpd_recipient_restrictions = reject", "x@out.example => 454 4.7.1 not ours"},
		{"is permanent with reject_unauth_destination", "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination", "x@out.example => 554 5.7.1 not ours"},
		{"names the client", "smtpd_client_restrictions = reject", "x@d.example => 554 5.7.1 Client host rejected: Access denied"},
		{"is temporary with soft_bounce", "soft_bounce = yes\nsmtpd_recipient_restrictions = " + check, "old@d.example => 450 4.7.1 no"},
		{"permits our domains as a backup", "smtpd_recipient_restrictions = permit_mx_backup, reject", "x@d.example => 250 andrei"},
		{"is a check of the recipient without a name", "smtpd_recipient_restrictions = texthash:DIR/access", "old@d.example => 550 5.7.1 no"},
		{"is a check of the sender without a name", "smtpd_sender_restrictions = texthash:DIR/access", "old@d.example => 250 andrei"},
		{"refuses in a class", "smtpd_restriction_classes = own\nown = " + check + "\nsmtpd_recipient_restrictions = own", "old@d.example => 550 5.7.1 no"},
		{"only warns", "smtpd_recipient_restrictions = warn_if_reject " + check, "old@d.example => 250 andrei"},
		{"only warns, and still defers what is refused behind it", "smtpd_recipient_restrictions = warn_if_reject defer_if_reject, reject", "x@d.example => 450 4.7.0 defer_if_reject requested"},
		{"does so by a row", "smtpd_recipient_restrictions = warn_if_reject check_recipient_access inline:{{x@d.example=DEFER_IF_REJECT later}}, reject", "x@d.example => 450 4.7.1 later"},
		{"asks for a whole name", "smtpd_recipient_restrictions = reject_non_fqdn_recipient", "andrei => 504 5.5.2 need fully-qualified address"},
		{"lets postmaster pass", "smtpd_recipient_restrictions = reject", "postmaster => 250"},
		{"counts with the code of the site", "smtpd_recipient_restrictions = reject\nreject_code = 521", "x@d.example => 521 5.7.1 Access denied"},
		{"is a fault for a name that is no restriction", "smtpd_recipient_restrictions = rejekt", "x@d.example => 451 4.3.5 Server configuration error"},
		{"ends smtpd without a guard", "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = permit", "x@d.example => 421 4.3.0 smtpd ends: no restriction refuses mail for other domains"},
	} {
		t.Run(c.it, func(t *testing.T) {
			site := closing(access, "")
			site.main = strings.Replace(site.main, "smtpd_recipient_restrictions = check_recipient_access texthash:DIR/access", c.more, 1)
			site.check(t, c.want)
		})
	}
}

func TestChecksOfOthersAreNamed(t *testing.T) {
	site := closing("", "smtpd_client_restrictions = reject_rbl_client rbl.example, check_client_access texthash:DIR/access, check_policy_service unix:private/policy, reject_unknown_sender_domain, reject_unknown_sender_domain\ncontent_filter = smtp:x")
	r := site.router(t)
	got := r.Warnings()
	for _, want := range []string{"reject_rbl_client", "check_client_access", "check_policy_service", "reject_unknown_sender_domain", "content_filter"} {
		if n := len(slices.DeleteFunc(slices.Clone(got), func(s string) bool { return !strings.Contains(s, want) })); n != 1 {
			t.Errorf("%s is named %d times in %q", want, n, got)
		}
	}
	if got := verdictOf(r, "x@d.example"); got != "250 andrei" {
		t.Errorf("such checks decide: %s", got)
	}
}
