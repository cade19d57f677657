package lint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/lint"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// said returns the messages of one check about an inventory.
func said(t *testing.T, id, text string) []string {
	t.Helper()
	_, faults := checked(t, lint.Whole(text))
	var all []string
	for _, f := range faults.Faults() {
		if f.Check.ID == id {
			all = append(all, f.Text)
		} else if f.Check.Severity == diag.Error {
			t.Fatalf("%s: %s", f.Check.ID, f.Text)
		}
	}
	return all
}

// TestAdviceIsSilentNearby has cases that are not in the catalogue: inventories that
// look faulty and are not, and other forms of faults.
func TestAdviceIsSilentNearby(t *testing.T) {
	many := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("u%d@far.net", i))
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	for _, c := range []struct {
		id, situation, text string
		faults              int
	}{
		{"VM080", "a catch-all takes both", "domains: {a.net: {catch_all: andrei}}", 0},
		{"VM080", "accounts may take both", "domains: {a.net: {catch_all: local}}", 0},
		{"VM080", "one is missing", "domains: {a.net: {addresses: {postmaster: andrei}}}", 1},
		{"VM080", "abuse was taken away on purpose", "defaults: {roles: {postmaster: andrei, abuse: bea}}\ndomains: {a.net: {roles: {abuse: none}}}", 0},
		{"VM080", "postmaster cannot be", "defaults: {roles: {postmaster: andrei, abuse: bea}}\ndomains: {a.net: {roles: {postmaster: none}}}", 1},
		{"VM080", "a copy has those of its source", "domains: {a.net: {addresses: {postmaster: andrei, abuse: bea}}, b.net: {same_as: a.net}}", 0},
		{"VM080", "a copy of a copy has those of the first", "domains: {a.net: {addresses: {postmaster: andrei, abuse: bea}}, b.net: {same_as: a.net}, c.net: {same_as: b.net}}", 0},
		{"VM080", "a backup domain is relayed", "domains: {a.net: {role: backup}}", 0},
		{"VM081", "deferred is as good as refused", "domains: {a.net: {addresses: {abuse: defer, postmaster: {to: bea, enabled: false}}}}", 2},
		{"VM081", "it leads to one that is refused", "domains: {a.net: {addresses: {abuse: bea, old: {reject: gone}, postmaster: old@a.net}}}", 1},
		{"VM082", "the defaults'", "defaults: {catch_all: x@far.net}\ndomains: {a.net: , b.net: }", 1},
		{"VM082", "by a user's forward", "users: {andrei: {forward: x@far.net}, bea: }\ndomains: {a.net: {catch_all: andrei}}", 1},
		{"VM082", "one of a list", "domains: {a.net: {catch_all: [andrei, x@far.net]}}", 1},
		{"VM082", "every address of another domain", "domains: {a.net: {catch_all: {domain: far.net}}}", 1},
		{"VM082", "in the inventory's own domains", "domains: {a.net: {catch_all: {domain: b.net}}, b.net: {addresses: {info: andrei}}}", 0},
		{"VM083", "a member, a user and a role", "users: {andrei: {forward: x@far.net}, bea: }\ndefaults: {roles: {abuse: y@far.net}}\ndomains: {a.net: {addresses: {info: [bea, z@far.net]}}}", 3},
		{"VM083", "to the server's own name", "domains: {a.net: {addresses: {info: andrei@mx1.example.net}}}", 0},
		{"VM084", "a copy of an open domain is open", "domains: {a.net: {catch_all: local}, b.net: {same_as: a.net}}", 2},
		{"VM085", "by another domain, a list, an owner", "users: {andrei: , bea: , carl: }\ndomains: {a.net: {addresses: {info: {to: [andrei, x@far.net], bounces_to: bea}}, catch_all: carl}}", 0},
		{"VM085", "through the host's own name", "domains: {a.net: {addresses: {info: bea@mx1.example.net}, catch_all: andrei}}", 0},
		{"VM085", "who only sends", "domains: {a.net: {sends: yes, senders: bea, addresses: {info: andrei}}}", 0},
		{"VM085", "an open domain reaches all", "domains: {a.net: {catch_all: local}}", 0},
		{"VM085", "a catch-all leads to the accounts", "domains: {a.net: {catch_all: '%1@mx1.example.net'}}", 0},
		{"VM085", "a catch-all leads to the host", "domains: {a.net: {catch_all: {domain: mx1.example.net}}}", 0},
		{"VM085", "only by what is switched off", "domains: {a.net: {addresses: {info: andrei, old: {to: bea, enabled: false}}}, b.net: {enabled: false, addresses: {info: bea}}}", 1},
		{"VM086", "a detail that never holds", "domains: {a.net: {addresses: {info: {to: andrei, detail: keep}, info+*: bea}}}", 1},
		{"VM086", "user++ leaves the empty detail", "domains: {a.net: {addresses: {info: {to: andrei, detail: keep}, info++: bea}}}", 0},
		{"VM086", "a role of the defaults is meant to be covered", "defaults: {roles: {abuse: bea}}\ndomains: {a.net: {addresses: {abuse: andrei}}}", 0},
		{"VM087", "a letter less, more, another, and two swapped", "domains: {bakery.net: , bakry.net: , bakeryy.net: , bakeri.net: , brewery.net: , berwery.net: }", 4},
		{"VM087", "numbers, hyphens, short names and endings", "domains: {shop1.net: , shop2.net: , my-shop.net: , myshop.net: , abc.net: , abd.net: , bakery.at: , bakery.it: }", 0},
		{"VM087", "a copy for those who mistype", "domains: {bakery.net: , bakrey.net: {same_as: bakery.net}, bakeri.net: {same_as: bakrey.net}}", 0},
		{"VM087", "users", "users: {andrei: , andrej: , bea: , ben: }", 1},
		{"VM087", "a target that looks like one of ours", "domains: {bakery.net: {addresses: {info: x@bakrey.net}}}", 1},
		{"VM087", "two foreign domains are not ours to mend", "domains: {a.net: {addresses: {info: x@bakery.com, sales: x@bakrey.com}}}", 0},
		{"VM089", "with a catch-all of its own", "domains: {a.net: {addresses: {info: andrei}}, s.a.net: {catch_all: bea}}", 0},
		{"VM089", "below one that is not served", "domains: {a.net: {role: backup}, s.a.net: }", 0},
		{"VM089", "the defaults catch all", "defaults: {catch_all: bea}\ndomains: {a.net: {addresses: {info: andrei}}, s.a.net: }", 0},
		{"VM089", "below one that has none either", "domains: {a.net: {catch_all: bea}, s.a.net: }", 0},
		{"VM089", "with roles of its own", "domains: {a.net: {addresses: {info: andrei}}, s.a.net: {roles: {sales: bea}}}", 0},
		{"VM089", "below a copy", "domains: {a.net: {addresses: {info: andrei}}, b.net: {same_as: a.net}, s.b.net: }", 1},
		{"VM090", "nothing beside it keeps one", "domains: {a.net: {addresses: {info: andrei}, catch_all: '%1@far.net'}}", 0},
		{"VM090", "the domain keeps them all", "domains: {a.net: {detail: keep, addresses: {info: bea}, catch_all: '%1@far.net'}}", 1},
		{"VM090", "the catch-all keeps them too", "domains: {a.net: {detail: keep, addresses: {info: bea}, catch_all: '%1%3@far.net'}}", 0},
		{"VM091", "five steps", "domains: {a.net: {addresses: {a1: b1@a.net, b1: c1@a.net, c1: d1@a.net, d1: e1@a.net, e1: andrei}}}", 0},
		{"VM091", "seven steps are one chain too deep", "domains: {a.net: {addresses: {a1: b1@a.net, b1: c1@a.net, c1: d1@a.net, d1: e1@a.net, e1: f1@a.net, f1: g1@a.net, g1: andrei}}}", 1},
		{"VM091", "a forward adds two at once", "users: {andrei: , bea: , carl: {forward: two@a.net}}\ndomains: {a.net: {addresses: {one: carl, two: b1@a.net, b1: c1@a.net, c1: d1@a.net, d1: e1@a.net, e1: bea}}}", 1},
		{"VM092", "a hundred", "domains: {a.net: {addresses: {all: " + many(100) + "}}}", 0},
		{"VM092", "one more", "domains: {a.net: {addresses: {all: " + many(101) + "}}}", 1},
		{"VM092", "lists of lists", "domains: {a.net: {addresses: {all: [one@a.net, two@a.net], one: " + many(60) + ", two: " + strings.ReplaceAll(many(60), "far", "off") + "}}}", 1},
		{"VM092", "the same sixty twice", "domains: {a.net: {addresses: {all: [one@a.net, two@a.net], one: " + many(60) + ", two: " + many(60) + "}}}", 0},
		{"VM093", "Japanese writes three scripts", "domains: {日本ごカタ.net: }", 0},
		{"VM093", "each label has its own", "domains: {bücher.пример.net: }", 0},
		{"VM093", "Greek beside Latin", "domains: {αbc.net: }", 1},
		{"VM094", "a name for the own DNS alone", "domains: {shop.internal: {mx_check: skip, note: ours}, shop.home.arpa: }", 1},
		{"VM094", "the defaults skip the MX check", "defaults: {mx_check: skip}\ndomains: {shop.internal: }", 0},
		{"VM095", "a copy of a copy needs it", "domains: {a.net: {addresses: {info: bea}, catch_all: bea}, b.net: {same_as: a.net}, c.net: {same_as: b.net, catch_all: reject}}", 0},
		{"VM095", "another text, a role, and a kept detail", "defaults: {roles: {abuse: bea}}\ndomains: {a.net: {addresses: {abuse: andrei, info: {to: andrei, detail: keep}}, catch_all: andrei}, b.net: {addresses: {old: {reject: gone}}}}", 0},
		{"VM095", "refused as all others are", "domains: {a.net: {addresses: {old: reject}}}", 1},
		{"VM095", "the same list", "domains: {a.net: {addresses: {info: [andrei, bea]}, catch_all: [andrei, bea]}}", 1},
		{"VM095", "a copy with another catch-all needs it", "domains: {a.net: {addresses: {info: bea}, catch_all: bea}, b.net: {same_as: a.net, catch_all: andrei}}", 0},
		{"VM096", "only a list can have an owner", "domains: {a.net: {addresses: {info: {to: [andrei], bounces_to: bea}}}}", 0},
		{"VM096", "a user's forward", "users: {andrei: {forward: [x@far.net]}, bea: }", 1},
		{"VM097", "a domain and an address", "domains: {a.net: {enabled: false}, b.net: {addresses: {info: {enabled: false, to: bea}}}}", 2},
		{"VM097", "a role", "domains: {a.net: {roles: {sales: {to: bea, enabled: false}}}}", 1},
		{"VM097", "each with its note", "domains: {a.net: {enabled: false, note: sold}, b.net: {addresses: {info: {enabled: false, note: back in May, to: bea}}}}", 0},
		{"VM098", "a file and a Maildir of the same path", "host: {name: mx1.example.net, server: postfix}\nusers: {andrei: {mailbox: /srv/a, uid: 1001}, bea: {mailbox: /srv/a/, uid: 1002}}", 1},
		{"VM098", "three users", "users: {andrei: {mailbox: /srv/a}, bea: {mailbox: /srv/./a}, carl: {mailbox: /srv/a}}", 2},
		{"VM098", "the usual mailboxes", "users: {andrei: , bea: , carl: {mailbox: /srv/c}}", 0},
	} {
		if got := said(t, c.id, c.text); len(got) != c.faults {
			t.Errorf("%s, %s: %d faults, want %d: %q", c.id, c.situation, len(got), c.faults, got)
		}
	}
}

// TestStrictMakesWarningsErrors, except warnings with a setting of their own, and
// except warnings about the DNS.
func TestStrictMakesWarningsErrors(t *testing.T) {
	m, faults := checked(t, lint.Whole("checks: {profile: strict, VM080: note, VM014: warning}\ndomains: {a.net: {addresses: {info: [andrei]}}}"))
	got := map[string]diag.Severity{}
	for _, f := range (diag.Printer{Sources: m.Sources, Least: diag.Note}).Located(faults) {
		got[f.Check.ID] = f.Severity
	}
	for id, want := range map[string]diag.Severity{"VM096": diag.Error, "VM085": diag.Error, "VM080": diag.Note, "VM014": diag.Warning} {
		if got[id] != want {
			t.Errorf("%s is %v, not %v", id, got[id], want)
		}
	}
	held, _, _ := known.Explain("mx-held")
	if s := faults.Severity(held); s != diag.Warning {
		t.Errorf("%s is %v", held.ID, s)
	}
}

// TestAdviceIsTheSameEachTime checks that the messages about a large inventory always
// have the same order and wording.
func TestAdviceIsTheSameEachTime(t *testing.T) {
	var large strings.Builder
	if err := sample.Large(&large, 5000); err != nil {
		t.Fatal(err)
	}
	text := large.String()
	tell := func() []string {
		m, faults := inventory.Parse("mail.yaml", text)
		lint.Advise(m, []string{"root"}, diag.Note, faults)
		var all []string
		for _, f := range faults.Faults() {
			all = append(all, fmt.Sprint(f.Pos, f.Check.ID, f.Text))
		}
		return all
	}
	if first := tell(); len(first) == 0 || !slices.Equal(first, tell()) {
		t.Errorf("%d faults, and others the second time", len(first))
	}
}
