package postfix_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

const siteHead = "version: 1\nhost: {name: mx1.example.net, server: postfix}\ndefaults: {roles: {postmaster: bin}}\nusers: {bin: , sys: }\ndomains:\n"

// outcomes returns what Postfix does with addresses. The Router must say the same.
func (w *witness) outcomes(t *testing.T, addrs ...string) []outcome.Outcome {
	t.Helper()
	all, err := w.p.Outcomes(context.Background(), addrs)
	if err != nil {
		t.Fatal(err)
	}
	account := func(name string) bool { return slices.Contains(sample.Accounts, name) }
	set, err := postfix.Server.Open(mta.Place{Dir: w.dir, At: func(path string) string { return path }}, mta.Host{Name: sample.HostName, Account: account})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	for i, addr := range addrs {
		if routed, _ := set.Route(addr); !alike(all[i], routed) {
			t.Errorf("%s is %v (%s) in Postfix, and %v for the Router", addr, all[i], all[i].Text, routed)
		}
	}
	return all
}

// inWords returns an outcome as its recipients, or as the status and text of its refusal.
func inWords(o outcome.Outcome) string {
	if o.Taken {
		return strings.Join(ends(o).Recipients, " ")
	}
	return fmt.Sprintf("%d %s %s", o.Code, o.Status, o.Text)
}

// TestUnicodeDomain asks for addresses in both forms of a domain, in any case.
func TestUnicodeDomain(t *testing.T) {
	w := startWitness(t)
	w.put(t, siteHead+`  bücher.example:
    addresses:
      i: bin
      keeps: {to: sys, detail: keep}
      shop+*: sys
      old: {reject: Ann left}
      turns+*: {reject: no details}
  all.bücher.example: {catch_all: "%1@relay.example"}
  shut.bücher.example: {catch_all: {reject: shop closed}, addresses: {i: bin}}
  twin.example: {same_as: bücher.example}
`)
	want := map[string]string{
		"i": "bin", "I+x": "bin", "keeps+spring": "sys+spring", "shop+x": "sys", "old": "550 5.1.1 Ann left", "old+x": "550 5.1.1 Ann left",
		"turns+x": "550 5.1.1 no details", "postmaster": "bin", "nobody": "550 5.1.1 User unknown in virtual alias table",
	}
	var addrs []string
	for local := range want {
		for _, domain := range []string{"bücher.example", "Bücher.EXAMPLE", "BÜCHER.example", "xn--bcher-kva.example", "XN--Bcher-KVA.example", "twin.example"} {
			addrs = append(addrs, local+"@"+domain)
		}
	}
	for i, got := range w.outcomes(t, addrs...) {
		local, _, _ := strings.Cut(addrs[i], "@")
		if inWords(got) != want[local] {
			t.Errorf("%s is %q, want %q", addrs[i], inWords(got), want[local])
		}
	}
	further := map[string]string{
		"any@all.bücher.example": "any@relay.example", "any@ALL.xn--bcher-kva.example": "any@relay.example",
		"i@shut.bücher.example": "bin", "other@shut.Bücher.example": "550 5.1.1 shop closed", "other@shut.xn--bcher-kva.example": "550 5.1.1 shop closed",
	}
	for addr, want := range further {
		if got := inWords(w.outcomes(t, addr)[0]); got != want {
			t.Errorf("%s is %q, want %q", addr, got, want)
		}
	}
}

// TestRecipientLimit gives an address 1,000 recipients, which Postfix takes, and one
// more, which is a fault.
func TestRecipientLimit(t *testing.T) {
	list := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf("m%d@partner.example", i)
		}
		return siteHead + "  d.example:\n    addresses:\n      all: [" + strings.Join(all, ", ") + "]\n      again: all@d.example\n"
	}
	wantFault(t, "1,001 recipients", list(1001))
	w := startWitness(t)
	w.put(t, list(1000))
	for _, got := range w.outcomes(t, "all@d.example", "again@d.example", "all+x@d.example") {
		if !got.Taken || len(got.Recipients) != 1000 {
			t.Errorf("%d recipients: %v %s", len(got.Recipients), got.Taken, got.Text)
		}
	}
}

// TestChainLimit makes the longest chain of addresses, and circles.
func TestChainLimit(t *testing.T) {
	chain := func(n int) string {
		var all strings.Builder
		all.WriteString(siteHead + "  d.example:\n    addresses:\n")
		for i := range n - 1 {
			fmt.Fprintf(&all, "      a%d: a%d@d.example\n", i, i+1)
		}
		fmt.Fprintf(&all, "      a%d: bin\n", n-1)
		return all.String()
	}
	wantFault(t, "a chain of 1,000 addresses", chain(1000))
	for it, addresses := range map[string]string{
		"a circle of two":             "{a: b@d.example, b: a@d.example}",
		"itself":                      "{a: a@d.example}",
		"itself among others":         "{a: [a@d.example, bin]}",
		"itself with another detail":  "{a+*: a+x@d.example}",
		"a circle of three in a list": "{a: [bin, b@d.example], b: c@d.example, c: [sys, a@d.example]}",
	} {
		wantFault(t, it, siteHead+"  d.example: {addresses: "+addresses+"}\n")
	}
	w := startWitness(t)
	w.put(t, chain(999))
	if got := inWords(w.outcomes(t, "a0@d.example")[0]); got != "bin" {
		t.Errorf("the chain ends at %q", got)
	}
}

// TestHyphenInFront has an address that Postfix refuses for its first character.
func TestHyphenInFront(t *testing.T) {
	wantFault(t, "a hyphen in front", siteHead+"  d.example: {addresses: {-b: bin}}\n")
	w := startWitness(t)
	w.put(t, siteHead+"  d.example: {addresses: {-b: reject, a-: bin}}\n")
	want := []string{"501 5.1.3 Bad recipient address syntax", "250 2.1.5 Ok"}
	if got := w.rcpt(t, "-b@d.example", "a-@d.example"); !slices.Equal(got, want) {
		t.Errorf("the replies are %q, want %q", got, want)
	}
}

func wantFault(t *testing.T, it, text string) {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", text)
	if !faults.Failed() {
		postfix.Compile(m, faults)
	}
	if !faults.Failed() {
		t.Errorf("%s is no fault", it)
	}
}

// TestReplyLimit gives a refusal the longest text for which no line of the reply is
// longer than 512 bytes, and one byte more, which is a fault.
func TestReplyLimit(t *testing.T) {
	domain := strings.Repeat(strings.Repeat("d", 60)+".", 4) + "example"
	local := strings.Repeat("u", 64)
	w := startWitness(t)
	for it, c := range map[string]struct{ entry, local string }{
		"an address":             {"addresses: {" + local + ": REPLY}", local},
		"the details of a user":  {"addresses: {sales: bin, sales+*: REPLY}", "sales+" + strings.Repeat("u", 58)},
		"the details of anybody": {"addresses: {sales: bin, ++: REPLY}", "u+" + strings.Repeat("u", 62)},
		"a catch-all":            {"catch_all: REPLY, addresses: {sales: bin}", local},
		"one behind open keys":   {"catch_all: REPLY, addresses: {sales: bin, +*: sys}", local},
	} {
		size := func(n int) int {
			return len("550 5.123.123 <" + c.local + "@" + domain + ">: Recipient address rejected: " + strings.Repeat("x", n) + "\r\n")
		}
		fits := func(n int) (string, bool) {
			entry := strings.Replace(c.entry, "REPLY", `{reject: {code: 550, status: 5.123.123, text: "`+strings.Repeat("x", n)+`"}}`, 1)
			text := strings.Replace(siteHead, "server: postfix", "server: postfix, map: cdb", 1) + "  " + domain + ": {" + entry + "}\n"
			m, faults := inventory.Parse("mail.yaml", text)
			if !faults.Failed() {
				postfix.Compile(m, faults)
			}
			return text, !faults.Failed()
		}
		n := 1
		for _, ok := fits(n + 1); ok && n < 1000; _, ok = fits(n + 1) {
			n++
		}
		t.Logf("%s: a text of %d bytes, a reply of %d", it, n, size(n))
		text, _ := fits(n)
		w.put(t, text)
		got := w.rcpt(t, c.local+"@"+domain, strings.ToUpper(c.local)+"@"+domain)
		for _, line := range got {
			if line != "550 5.123.123 "+strings.Repeat("x", n) {
				t.Errorf("%s: the reply is %q", it, line)
			}
		}
		if size(n) != 512 {
			t.Errorf("%s: a reply of %d bytes is the longest", it, size(n))
		}
	}
}

// TestEveryCharacter has users whose names have a character that a local part may have,
// in rows, in rules and in refusals.
func TestEveryCharacter(t *testing.T) {
	const characters = "!#$%&'*-/=?^_`{|}~.+"
	var addresses strings.Builder
	want := map[string]string{}
	names, left := 0, ""
	for _, c := range characters {
		// local(8) passes over a detail with a slash.
		for _, name := range []string{"a" + string(c) + "b", string(c) + "b", "a" + string(c)} {
			if _, problem := mailaddr.Fold(name + "x@d.example"); problem != nil || c == '+' || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") {
				left += name + " "
				continue
			}
			text := fmt.Sprintf("      %q: bin\n      %q: {to: sys, detail: keep}\n      %q: sys\n      %q: {reject: \"no mail\"}\n      %q: {reject: \"no detail\"}\n      %q: {to: bin, detail: reject}\n      %q: \"x-%%2@partner.example\"\n      %q: bin\n",
				name+"0", name+"1", name+"2+*", name+"3", name+"4+*", name+"5", name+"6++", name+"7+"+strings.Trim(name, "."))
			m, faults := inventory.Parse("mail.yaml", siteHead+"  d.example:\n    addresses:\n"+text)
			if !faults.Failed() {
				postfix.Compile(m, faults)
			}
			if faults.Failed() {
				left += name + " (" + faultsOf(faults) + ") "
				continue
			}
			names++
			addresses.WriteString(text)
			at := "@d.example"
			if c != '/' {
				want[name+"1+"+name+at] = "sys+" + name
			}
			want[name+"0"+at], want[name+"2+"+name+at], want[name+"2"+at] = "bin", "sys", "550 5.1.1 User unknown in virtual alias table"
			want[name+"3"+at], want[name+"4+q"+at], want[name+"5"+at], want[name+"5+q"+at] = "550 5.1.1 no mail", "550 5.1.1 no detail", "bin", "550 5.1.1 User unknown"
			want[name+"6+q"+at], want[name+"7+"+strings.Trim(name, ".")+at] = "x-q@partner.example", "bin"
			want[name+"0+"+name+at] = "bin"
		}
	}
	t.Logf("%d names; left out: %s", names, left)
	if names < 35 {
		t.Error("too few names")
	}
	w := startWitness(t)
	w.put(t, siteHead+"  d.example:\n    addresses:\n"+addresses.String())
	addrs := make([]string, 0, len(want))
	for addr := range want {
		addrs = append(addrs, addr)
	}
	slices.Sort(addrs)
	for i, got := range w.outcomes(t, addrs...) {
		if inWords(got) != want[addrs[i]] {
			t.Errorf("%s is %q, want %q", addrs[i], inWords(got), want[addrs[i]])
		}
	}
}
