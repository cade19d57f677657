package route

import (
	"fmt"
	"strings"
	"testing"
)

// oddAddresses are forms of addresses at which parsers differ.
var oddAddresses = []string{
	"a@d.example x", "a@d.example> SIZE=3 <", "a@d.example> x", "<a@d.example", "a\x01b@d.example", "a\tb@d.example",
	"a@[::1]", "a@[IPv6:::1]", "a@[IPv6:2001:db8::1]", "a@[", "a@]", "[a]", "a@[127.0.0.1", "a@[127.0.0.01]", "a@127.0.0.1",
	"a@d.example,", ",a@d.example", `"a"b@d.example`, `a."b"@d.example`, `"a".b@d.example`, `""@d.example`, `"`, `""`, `a"b"c@d.example`,
	"a@(c)d.example", "a@d(c).example", "a @ d.example", "a@d .example", "(a)", "()", "a(b", "a)b", "(c(d)e)a@d.example", `(\))a@d.example`,
	"a@d_.example", "a@_d.example", "a@d.e-x", "a@d.-e", "a@d.example-", "A@D.EXAMPLE.", "a@0.example", "a@0.1", "a@0x.1", "x@-", "a@d", "a@.",
	`\`, `a\`, `\\@d.example`, `a\@b@d.example`, `a\ b@d.example`, "@a:b", ":", "a:", "<>", "@a", "@:a@d.example", "@a,@b:a@d.example", "@a@d.example:x",
	"%", "!", "a%", "!a", "%a", "a!", "a%@d.example", "%@d.example", "!@d.example", ".@d.example", "a@.d.example", "a@d.example@", "a@@", "@@", "@@d.example",
	"|cmd", "/file", "/f@d.example", "a;b", "a;", "g:a@d.example;", "g:;", "g:a@d.example,b@d.example;", "a@d.example;b", "Andrei <andrei>", "<a@d.example>, x", "x <a@d.example> y",
	"double-bounce", "Double-Bounce@mx1.example.net", "double-bounce@d.example", "mailer-daemon", "POSTMASTER", "postmaster@d.example", "postmaster@mx1.example.net",
	"a%b%d.example", "a!b!c", "d.example!a%b", "mx1.example.net!a%d.example", "mx1.example.net!d.example!a", `"a@d.example"`, `"a%d.example"`, `"d.example!a"`,
	`"a"@mx1.example.net@d.example`, "a@mx1.example.net@mx1.example.net", "a@d.example@mx1.example.net", `"a@d.example"@mx1.example.net`, `"-x"@d.example`, "-", "--@d.example",
	"é@d.example", "é@é.example", "é", "\xff@d.example", "a@\xff.example", "a@xn--e-bga.example", "a@b\u00ad.example",
	strings.Repeat("x", 2000) + "@d.example", strings.Repeat("x", 2020) + "@d.example", strings.Repeat("x", 2028) + "@d.example", strings.Repeat("x", 2029) + "@d.example",
	strings.Repeat("x", 2030) + "@d.example", strings.Repeat("x", 2031) + "@d.example", strings.Repeat("x", 4000) + "@d.example",
	"x@" + strings.Repeat("y", 63) + ".example", "x@" + strings.Repeat("y", 64) + ".example", "x@" + strings.Repeat("y.", 120) + "example", "x@" + strings.Repeat("y.", 124) + "example",
}

// TestOddAddressesAgainstPostfix compares the replies to odd addresses, word by word.
func TestOddAddressesAgainstPostfix(t *testing.T) {
	w := newTwin(t)
	for _, more := range []string{"", "strict_rfc821_envelopes = yes\nsoft_bounce = yes\n", "resolve_null_domain = yes\nresolve_dequoted_address = no\nappend_at_myorigin = no\n",
		"allow_percent_hack = no\nswap_bangpath = no\nallow_min_user = yes\nappend_dot_mydomain = yes\n"} {
		r := w.load(t, testSite{main: "virtual_alias_domains = d.example\nvirtual_alias_maps = inline:{@d.example=andrei}\nrecipient_delimiter = +\n" + more})
		replies, err := w.p.RCPT(t.Context(), oddAddresses)
		if err != nil {
			t.Fatal(err)
		}
		for i, addr := range oddAddresses {
			out, _ := r.Route(addr)
			want := strings.ReplaceAll(fmt.Sprintf("%d %s %s", replies[i].Code, replies[i].Status, replies[i].Text), "?", " ")
			if got := strings.ReplaceAll(r.Reply(addr, out), "?", " "); got != want {
				t.Errorf("%s<%.60s>, %d bytes: %q, want %q", more, addr, len(addr), got, want)
			}
		}
	}
}
