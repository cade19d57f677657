package spf

import (
	"fmt"
	"strings"
	"testing"
)

// TestFaults reads records with mistakes, as postmasters make them.
func TestFaults(t *testing.T) {
	for _, c := range []struct{ record, want string }{
		{"v=spf1 -all", ""},
		{"V=SPF1 MX A:mail.fakemail.example/24//64 IP4:192.0.2.0/24 IP6:2001:db8::/32 ?INCLUDE:relay.example ~all", ""},
		{"v=spf1 a:%{i}._spf.%{d2} exists:%{l1r+-}.%{o}.example. ptr:fakemail.example redirect=%{d}._spf.example exp=why.%{d}", ""},
		{"v=spf1 a//64 mx/24 mx:fakemail.example//64 a:a/b.example", ""},
		{"v=spf1 moo.x-y_z=%{s}%%%_%- -all   ", ""},
		{"v=spf1", ""},
		{"spf1 -all", `0: it does not begin with "v=spf1" and a space`},
		{"v=spf10 -all", `0: it does not begin with "v=spf1" and a space`},
		{"v=spf1 ipv4:192.0.2.25 -all", `7 ipv4:192.0.2.25: there is no mechanism "ipv4"; write ip4:192.0.2.25`},
		{"v=spf1 ip:192.0.2.25 redirect:x.example", `7 ip:192.0.2.25: there is no mechanism "ip"; write ip4:192.0.2.25
21 redirect:x.example: there is no mechanism "redirect"; write redirect=x.example`},
		{"v=spf1 192.0.2.25 2001:db8::/32 mail.fakemail.example -", `7 192.0.2.25: an address has the name of a mechanism in front; write ip4:192.0.2.25
18 2001:db8::/32: a network has the name of a mechanism in front; write ip6:2001:db8::/32
32 mail.fakemail.example: it is no mechanism; a name has one in front; write a:mail.fakemail.example, or include:mail.fakemail.example for its SPF record
54 -: a qualifier has no mechanism behind it; write -all at the end of the record`},
		{"v=spf1 foo -al", `7 foo: there is no mechanism "foo"; the mechanisms are all, include, a, mx, ptr, ip4, ip6, exists
11 -al: there is no mechanism "al"; the mechanisms are all, include, a, mx, ptr, ip4, ip6, exists`},
		{"v=spf1 ip4: ip4 ip4:192.0.2 ip4:192.0.2.0/33 ip4:192.0.2.0/024 ip4:192.0.2.0/ ip4:2001:db8::1 ip6:192.0.2.1 ip6:2001:db8::/129 ip6:fe80::1%eth0",
			`7 ip4:: ip4 needs an address, as in ip4:192.0.2.25
12 ip4: ip4 needs an address, as in ip4:192.0.2.25
16 ip4:192.0.2: "192.0.2" is no address
28 ip4:192.0.2.0/33: /33 is no length of a network; it is 0 to 32
45 ip4:192.0.2.0/024: /024 has a zero in front; write /24
63 ip4:192.0.2.0/: a number is missing behind /
78 ip4:2001:db8::1: 2001:db8::1 is no address of ip4; write ip6:2001:db8::1
94 ip6:192.0.2.1: 192.0.2.1 is no address of ip6; write ip4:192.0.2.1
108 ip6:2001:db8::/129: /129 is no length of a network; it is 0 to 128
127 ip6:fe80::1%eth0: "fe80::1%eth0" is no address`},
		{"v=spf1 a: a:mail a:192.0.2.25 a:mail.x..  a:mail.123 a:mail.exa_mple a/33 a//129 a/ a:x.example/-1 a:x.example:25", `7 a:: a domain is missing
10 a:mail: "mail" is no domain; a name has a dot, as in mail.fakemail.example
17 a:192.0.2.25: "192.0.2.25" is an address, and a name must stand there; write ip4: or ip6: in front of an address
30 a:mail.x..: "mail.x.." ends with two dots
42 a:mail.123: "mail.123" ends with "123", which no name ends with; the last part of a name has letters, digits and hyphens, and not digits only
53 a:mail.exa_mple: "mail.exa_mple" ends with "exa_mple", which no name ends with; the last part of a name has letters, digits and hyphens, and not digits only
69 a/33: /33 is no length of a network; it is 0 to 32
74 a//129: /129 is no length of a network; it is 0 to 128
81 a/: a number is missing behind /
84 a:x.example/-1: /-1 is no length of a network; it is 0 to 32
99 a:x.example:25: "x.example:25" ends with "example:25", which no name ends with; the last part of a name has letters, digits and hyphens, and not digits only`},
		{"v=spf1 include include: exists ptr/24 -all:x.example all.", `7 include: include needs a domain; as in include:relay.example
15 include:: a domain is missing
24 exists: exists needs a domain; as in exists:relay.example
31 ptr/24: "/24" cannot stand behind ptr
38 -all:x.example: nothing stands behind all; write -all
53 all.: it is no mechanism; a name has one in front; write a:all., or include:all. for its SPF record`},
		{"v=spf1 a:%{x}.example a:%{d a:%d a:%{} a:%{d0} a:%{l!}.x a:%{c}.x a:x.%", `7 a:%{x}.example: there is no macro %{x}; the letters are s l o d i p h v
22 a:%{d: the macro %{d has no }
28 a:%d: a percent sign has no { behind it; write %% for a percent sign
33 a:%{}: the macro %{} has no letter
39 a:%{d0}: the macro %{d0} keeps no part
47 a:%{l!}.x: the macro %{l!} has "!", which is no delimiter
57 a:%{c}.x: the macro %{c} is for the text of an explanation only (RFC 7208 7.2)
66 a:x.%: a percent sign has no { behind it; write %% for a percent sign`},
		{"v=spf1 a\u00a0mx -\u2013all", `7 a` + "\u00a0" + `mx: it has the character '\u00a0'; terms are separated by spaces, and have visible ASCII characters only; is it pasted from a web page?
13 -` + "\u2013" + `all: it has the character '\u2013'; terms are separated by spaces, and have visible ASCII characters only; is it pasted from a web page?`},
		{"v=spf1 redirect=a.example redirect=b.example exp=c.example exp=c.example", `26 redirect=b.example: redirect= is there twice (RFC 7208 6); keep one of them
59 exp=c.example: exp= is there twice (RFC 7208 6); keep one of them`},
		{"v=spf1 -redirect=a.example =x 1up=x redirect= exp=x", `7 -redirect=a.example: a modifier such as redirect= takes no - in front; write redirect=a.example
27 =x: the name of a modifier begins with a letter, and has letters, digits and - _ . only
30 1up=x: the name of a modifier begins with a letter, and has letters, digits and - _ . only
36 redirect=: a domain is missing
46 exp=x: "x" is no domain; a name has a dot, as in mail.fakemail.example`},
		{"v=spf1 include=relay.example -all mx redirect=a.example v=spf1", `harmless 7 include=relay.example: with = it is an unknown modifier, which receivers ignore; write include:relay.example
harmless 34 mx: it stands behind all, where nothing is looked at (RFC 7208 5.1); move it in front of all
harmless 37 redirect=a.example: it is never used, because the record has all (RFC 7208 5.1); keep one of the two
harmless 56 v=spf1: a second record begins within the record; its version is ignored; publish one record with all terms`},
		{"v=spf1 a:x..y exp=a..example unknown=..  -all", `harmless 7 a:x..y: the DNS has no name such as "x..y", and it never matches; the parts of a name have 1 to 63 characters
harmless 14 exp=a..example: the DNS has no name such as "a..example", and it never matches; the parts of a name have 1 to 63 characters`},
		{"v=spf1 redirect=a.example -all", `harmless 7 redirect=a.example: it is never used, because the record has all (RFC 7208 5.1); keep one of the two`},
	} {
		_, faults := Parse(c.record)
		if got := describe(faults); got != c.want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", c.record, got, c.want)
		}
	}
}

func describe(faults []Fault) string {
	var lines []string
	for _, f := range faults {
		line := fmt.Sprintf("%d %s: %s; %s", f.Offset, f.Term, f.Text, f.Help)
		if f.Term == "" {
			line = fmt.Sprintf("%d: %s; %s", f.Offset, f.Text, f.Help)
		}
		if !f.Fatal {
			line = "harmless " + line
		}
		lines = append(lines, strings.TrimSuffix(line, "; "))
	}
	return strings.Join(lines, "\n")
}

// TestFixes reads terms with a mistake that can be meant in one way only.
func TestFixes(t *testing.T) {
	for term, want := range map[string]string{
		"ipv4:192.0.2.25": "ip4:192.0.2.25", "~IP:192.0.2.0/24": "~ip4:192.0.2.0/24", "-ip4:2001:db8::/32": "-ip6:2001:db8::/32", "?2001:db8::1": "?ip6:2001:db8::1",
		"192.0.2.0/24": "ip4:192.0.2.0/24", "redirect:a.example": "redirect=a.example", "-all:x": "-all", "+exp=a.example": "exp=a.example",
		"+a=": "", "incl:a": "", "ip4:192.0.2.300": "", "fakemail.example": "", "include:": "", "a/024": "",
	} {
		_, faults := Parse("v=spf1 " + term)
		if len(faults) != 1 || faults[0].Fix != want {
			t.Errorf("%s: %+v, want %q", term, faults, want)
		}
	}
}

// TestTerms reads the terms of a record, with their places.
func TestTerms(t *testing.T) {
	r, faults := Parse("v=spf1  +a ~mx/24//64 ip4:192.0.2.0/24 ?ip6:2001:db8::1 X.y=z redirect=b.example")
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	var got []string
	for _, term := range r.Terms {
		got = append(got, fmt.Sprintf("%d %s %s %v %v", term.Offset, term.Name, term.Result, term.Modifier, term.Network))
	}
	want := `8 a pass false invalid Prefix
11 mx softfail false invalid Prefix
22 ip4 pass false 192.0.2.0/24
39 ip6 neutral false 2001:db8::1/128
56 x.y pass true invalid Prefix
62 redirect pass true invalid Prefix`
	if strings.Join(got, "\n") != want {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// FuzzParse reads any text. Every term and every fault is at its place, and a record
// without a fatal fault has all its terms.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"v=spf1 -all", "v=spf1 a:%{d2}.x//24 mx/24 include:a.b ip4:1.2.3.4/8 ip6::: redirect=x.y exp=%{l} -all", "v=spf1 \x80 a:\xff %", "v=spf1 a/0//0 ?", "V=SPF1", "v=spf1 a:%{I999999999999999999999r.=}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, faults := Parse(text)
		fatal := 0
		for _, fault := range faults {
			if fault.Fatal {
				fatal++
			}
			if fault.Fix != "" {
				if _, again := Parse("v=spf1 " + fault.Fix); len(again) > 0 {
					t.Errorf("%q: the fix %q is wrong: %+v", text, fault.Fix, again)
				}
			}
			if fault.Text == "" || !strings.HasPrefix(text[fault.Offset:], fault.Term) {
				t.Errorf("%q: fault %+v", text, fault)
			}
		}
		for _, term := range r.Terms {
			if !strings.HasPrefix(text[term.Offset:], term.Text) || term.Name == "" {
				t.Errorf("%q: term %+v", text, term)
			}
			term.domain.expand(func(byte) string { return "a.b-c" })
		}
		if IsRecord(text) && fatal == 0 && len(r.Terms) != len(strings.FieldsFunc(text[len(version):], func(r rune) bool { return r == ' ' })) {
			t.Errorf("%q: %d terms", text, len(r.Terms))
		}
	})
}
