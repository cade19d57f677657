package route

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/outcome"
)

// sendingSite is a site in which users log in.
var sendingSite = testSite{
	main: `recipient_delimiter = +
virtual_alias_domains = d.example, all.example, none.example
smtpd_sender_login_maps = texthash:DIR/owners
sender_canonical_maps = texthash:DIR/senders
sender_canonical_classes = envelope_sender, header_sender
`,
	texts: map[string]string{
		"owners": "a@d.example andrei\ntwo@d.example bea, andrei\n\"b c\"@d.example andrei\nd+x@d.example bea\nd@d.example andrei\nbare andrei\n" +
			"andrei@mx1.example.net andrei\n@all.example bea\ne@all.example andrei\n@none.example none\nbig@d.example Andrei\n",
		"senders": "andrei a@d.example\nbea bea@d.example\nbea@d.example bea@d.example\n",
	},
}

// TestSendsIsThatOfPostfix has the answers of Postfix 3.7.11 to the same senders: those of
// TestKeysOfLogins in package program.
func TestSendsIsThatOfPostfix(t *testing.T) {
	s := sendingSite
	s.main += "smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch\n"
	r := s.router(t)
	for _, test := range []struct {
		it, user, from string
		sends          bool
	}{
		{"the address", "andrei", "a@d.example", true},
		{"another case of the address", "andrei", "A@D.Example", true},
		{"another case of the login", "ANDREI", "a@d.example", true},
		{"another case in the row", "andrei", "big@d.example", true},
		{"the second of two users", "andrei", "two@d.example", true},
		{"a part of a name", "andre", "a@d.example", false},
		{"a detail", "andrei", "a+list@d.example", true},
		{"an empty detail", "andrei", "a+@d.example", true},
		{"a listed detail", "bea", "d+x@d.example", true},
		{"a listed detail of another one", "andrei", "d+x@d.example", false},
		{"another detail beside a listed one", "andrei", "d+y@d.example", true},
		{"a bare name at the host", "andrei", "bare@mx1.example.net", true},
		{"a bare name at localhost", "andrei", "bare@localhost", true},
		{"a bare name at a virtual domain", "andrei", "bare@d.example", false},
		{"a name without a domain", "andrei", "andrei", true},
		{"a whole domain", "bea", "anything@all.example", true},
		{"a listed address of a whole domain", "bea", "e@all.example", false},
		{"a whole domain of nobody", "andrei", "x@none.example", false},
		{"a domain below", "bea", "x@sub.all.example", false},
		{"quotes that are not needed", "andrei", `"a"@d.example`, true},
		{"quotes that are needed", "andrei", `"b c"@d.example`, true},
		{"a quoted detail", "andrei", `"a+b c"@d.example`, true},
		{"a source route", "andrei", "@relay.example:a@d.example", true},
		{"a percent hack", "andrei", "a%d.example@mx1.example.net", true},
		{"a bang path", "andrei", "d.example!a", true},
		{"a dot behind the domain", "andrei", "a@d.example.", true},
		{"the null sender", "andrei", "", true},
		{"an address elsewhere", "andrei", "andrei@far.example", false},
	} {
		if o, steps := r.Sends(test.user, test.from); o.Taken != test.sends {
			t.Errorf("%s: %s from <%s> is %v, want sends %v; %+v", test.it, test.user, test.from, o, test.sends, steps)
		}
	}
	if o, _ := r.Sends("bea", "a@d.example"); fmt.Sprint(o) != "553 5.7.1 not owned by user bea" {
		t.Errorf("a refusal is %v", o)
	}
	for _, text := range r.Warnings() {
		if strings.Contains(text, authenticated) {
			t.Errorf("there is a warning of a restriction that no stranger meets: %s", text)
		}
	}
}

// TestWhichRestrictionsAuthorise finds the restriction in any list, if a user who has logged
// in meets it.
func TestWhichRestrictionsAuthorise(t *testing.T) {
	for _, test := range []struct {
		it, main           string
		authorises         bool
		foreign, elsewhere bool // whether bea sends from andrei's address, and from far.example
	}{
		{"without a restriction", "", false, true, true},
		{"only owned addresses", "smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch", true, false, false},
		{"that also asks strangers", "smtpd_sender_restrictions = reject_sender_login_mismatch", true, false, false},
		{"known addresses", "smtpd_sender_restrictions = reject_known_sender_login_mismatch", true, false, true},
		{"only strangers", "smtpd_sender_restrictions = reject_unauthenticated_sender_login_mismatch", false, true, true},
		{"in capitals", "smtpd_sender_restrictions = REJECT_sender_login_mismatch", true, false, false},
		{"in another list", "smtpd_recipient_restrictions = reject_unauth_destination, reject_known_sender_login_mismatch", true, false, true},
		{"in a class", "smtpd_restriction_classes = own\nown = reject_known_sender_login_mismatch\nsmtpd_client_restrictions = own", true, false, true},
		{"behind a permit of users", "smtpd_sender_restrictions = permit_sasl_authenticated, reject_sender_login_mismatch", false, true, true},
		{"behind a permit of networks", "smtpd_sender_restrictions = permit_mynetworks, reject_sender_login_mismatch", true, false, false},
		{"only as a warning", "smtpd_sender_restrictions = warn_if_reject reject_sender_login_mismatch", false, true, true},
		{"without a table", "smtpd_sender_restrictions = reject_sender_login_mismatch\nsmtpd_sender_login_maps =", true, false, false},
		{"with a table that cannot be opened", "smtpd_sender_restrictions = reject_sender_login_mismatch\nsmtpd_sender_login_maps = texthash:DIR/missing", true, false, false},
		{"with a table that only Postfix reads", "smtpd_sender_restrictions = reject_sender_login_mismatch\nsmtpd_sender_login_maps = texthash:DIR/owners mysql:x", true, false, true},
	} {
		s := sendingSite
		s.main += test.main + "\n"
		r := s.router(t)
		foreign, _ := r.Sends("bea", "a@d.example")
		elsewhere, _ := r.Sends("bea", "x@far.example")
		if r.Authorises() != test.authorises || foreign.Taken != test.foreign || elsewhere.Taken != test.elsewhere {
			t.Errorf("%s: authorises %v, from another one's address %v, from elsewhere %v; want %v, %v, %v", test.it, r.Authorises(), foreign, elsewhere, test.authorises, test.foreign, test.elsewhere)
		}
	}
}

// TestSendsAs is what sender_canonical_maps makes of an account.
func TestSendsAs(t *testing.T) {
	for _, test := range []struct{ it, main, account, want string }{
		{"has a row", "", "andrei", "a@d.example"},
		{"has a row for its detail", "", "andrei+x", "a+x@d.example"},
		{"has a row in another case", "", "Andrei", "a@d.example"},
		{"has none", "", "carol", ""},
		{"has a row that leads to itself", "", "bea", "bea@d.example"},
		{"comes from a domain that is not here", "myorigin = far.example", "andrei", "a@d.example"},
		{"is only rewritten in the envelope", "sender_canonical_classes = envelope_sender", "andrei", ""},
		{"is not rewritten", "sender_canonical_maps =", "andrei", ""},
	} {
		s := sendingSite
		s.main += test.main + "\n"
		addr, steps, ok := s.router(t).SendsAs(test.account)
		if ok != (test.want != "") || ok && addr != test.want {
			t.Errorf("an account that %s: %q %v, want %q; %+v", test.it, addr, ok, test.want, steps)
		}
		if hit := slices.ContainsFunc(steps, func(s outcome.Step) bool { return s.Hit }); ok && !hit {
			t.Errorf("an account that %s: no step is a hit: %+v", test.it, steps)
		}
	}
}
