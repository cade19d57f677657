package sending

import (
	"fmt"
	"strings"
	"testing"
)

// TestDMARCRecords reads DMARC records. Each says which sentence of RFC 7489 is behind the
// answer.
func TestDMARCRecords(t *testing.T) {
	for _, c := range []struct{ name, record, want string }{
		{"B.2.1: the first example", "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com", "none r r dmarc-feedback@example.com"},
		{"B.2.2: reports of failures", "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com; ruf=mailto:auth-reports@example.com", "none r r dmarc-feedback@example.com auth-reports@example.com"},
		{"B.2.4: a subdomain and a part", "v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@example.com,mailto:tld-test@thirdparty.example.net!10m; pct=25", "quarantine r r dmarc-feedback@example.com tld-test@thirdparty.example.net"},
		{"6.3: modes", "v=DMARC1; p=reject; adkim=s; aspf=s; fo=1:d:s; rf=afrf; ri=3600; sp=none", "reject s s"},
		{"6.4: spaces around = and ; are allowed", "v = DMARC1 ;p =  reject ;", "reject r r"},
		{"6.4: words of the grammar are of any case (RFC 5234 2.3)", "v=DMARC1; p=REJECT; adkim=S", "reject s r"},
		{"6.3: tags that are not known are ignored", "v=DMARC1; p=none; np=reject; psd=n; t=y", "none r r"},
		{"6.6.3: without p, with rua, it counts as none", "v=DMARC1; rua=mailto:a@example.com", "none r r a@example.com; ignored: p= is missing, and counts as none"},
		{"6.6.3: likewise with a bad p", "v=DMARC1; p=discard; rua=mailto:a@example.com", "none r r a@example.com; ignored: p=discard is not none, quarantine or reject, and counts as none"},
		{"6.6.3: without both it is ignored", "v=DMARC1; sp=reject", "none r r; fatal: p= is missing"},
		{"6.6.3: rua without a mail address does not help", "v=DMARC1; rua=a@example.com", "none r r; fatal: p= is missing; ignored: rua=a@example.com has no mailto: in front, and gets no reports"},
		{"RFC 6376 3.2, which 6.3 names: a tag is there once", "v=DMARC1; p=none; p=reject", "none r r; fatal: p= is there twice"},
		{"6.3: defaults take the place of what is wrong", "v=DMARC1; p=reject; aspf=strict; pct=101; ri=x", "reject r r; ignored: aspf=strict has no meaning, and is ignored; ignored: pct=101 has no meaning, and is ignored; ignored: ri=x has no meaning, and is ignored"},
		{"6.2: only mailto: is known", "v=DMARC1; p=none; rua=https://reports.example/,mailto:a,mailto:a@b@c.example", "none r r; ignored: rua=https://reports.example/ is no mailto: address; ignored: rua=mailto:a is no mail address; ignored: rua=mailto:a@b@c.example is no mail address"},
	} {
		r, fatal, others := readDMARC(c.record)
		got := fmt.Sprintf("%s %s %s", r.Policy, r.DKIMAlignment, r.SPFAlignment)
		for _, addr := range r.reports {
			got += " " + addr
		}
		for _, why := range fatal {
			got += "; fatal: " + why
		}
		for _, why := range others {
			got += "; ignored: " + why
		}
		if got != c.want {
			t.Errorf("%s: %s\ngot  %s\nwant %s", c.name, c.record, got, c.want)
		}
	}
}

// TestIsDMARC finds the records among other texts (6.6.3: the first tag is v=DMARC1).
func TestIsDMARC(t *testing.T) {
	for text, want := range map[string]bool{
		"v=DMARC1; p=none": true, "v=DMARC1": true, "v = DMARC1;": true, " v=DMARC1;p=none": true,
		"v=DMARC10; p=none": false, "v=dmarc1; p=none": false, "p=none; v=DMARC1": false, "v=DMARC1 p=none": false, "": false, "v=spf1 -all": false,
	} {
		if isDMARC(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

// TestOrganizationalDomain finds the domain below the public suffix (RFC 7489 3.2).
func TestOrganizationalDomain(t *testing.T) {
	for name, want := range map[string]string{
		"fakemail.example": "fakemail.example", "news.shop.fakemail.example": "fakemail.example", "a.shop.co.uk": "shop.co.uk", "co.uk": "co.uk", "example": "example",
	} {
		if got := organizational(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestPolicies reads MTA-STS policies (RFC 8461 3.2), and finds hosts in them (4.1).
func TestPolicies(t *testing.T) {
	const good = "version: STSv1\nmode: enforce\nmx: mx1.example.net\nmx: *.fakemail.example\nmax_age: 604800\n"
	p, mistakes := ParsePolicy(good)
	if len(mistakes) > 0 || p.Mode != "enforce" || p.MaxAge != 604800 {
		t.Fatalf("%+v %q", p, mistakes)
	}
	for host, want := range map[string]bool{
		"mx1.example.net": true, "mx2.example.net": false, "mx.fakemail.example": true, "a.b.fakemail.example": false, "fakemail.example": false,
	} {
		if p.Lists(host) != want {
			t.Errorf("%s: %v", host, !want)
		}
	}
	for text, want := range map[string]string{
		strings.ReplaceAll(good, "\n", "\r\n"):                      "",
		"version: STSv1\nmode: none\nmax_age: 0":                    "",
		good + "future: x\nmode: none\n":                            "",
		strings.ToUpper(good[:15]) + good[15:]:                      "version: STSv1 is missing",
		"version: STSv1\nmode: enforce\nmax_age: 1":                 "it has no mx:",
		"version: STSv1\nmode: testing\nmx: a b\nmax_age: 31557601": "max_age: is no number of seconds up to 31557600; it is \"31557601\"; mx: a b is no name of a host",
		"<html>": `line 1 "<html>" has no colon; version: STSv1 is missing; mode: is not enforce, testing or none; max_age: is no number of seconds up to 31557600; it has no mx:`,
		"version: STSv1\nmode: enforce\nmx: mx.*.example\nmax_age: 604800\n\n": "mx: mx.*.example is no name of a host",
	} {
		if _, mistakes := ParsePolicy(text); strings.Join(mistakes, "; ") != want {
			t.Errorf("%q: %q, want %q", text, mistakes, want)
		}
	}
}

// FuzzRecords reads any text as a DMARC record and as a policy.
func FuzzRecords(f *testing.F) {
	for _, text := range []string{"v=DMARC1; p=none; rua=mailto:a@b.example!10m, x; fo=1:d; pct=5", "version: STSv1\nmode: none\nmax_age: 1\nmx: *.b.example", ";;=;p", "v=DMARC1;rua=mailto:@,"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, fatal, _ := readDMARC(text)
		if len(fatal) == 0 && r.Policy == "" {
			t.Errorf("%q has no policy", text)
		}
		for _, addr := range r.reports {
			if !strings.Contains(addr, "@") || !strings.Contains(text, addr) {
				t.Errorf("%q: %q is no address of it", text, addr)
			}
		}
		if p, mistakes := ParsePolicy(text); len(mistakes) == 0 && p.Mode != "none" && len(p.MX) == 0 {
			t.Errorf("%q: %+v", text, p)
		}
	})
}
