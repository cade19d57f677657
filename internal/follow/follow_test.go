package follow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/follow"
	"virtmap/inventory"
)

const head = "version: 1\nhost: {name: mx1.example.net}\n"

// following is an inventory that is being followed.
type following struct {
	*follow.Follower
	m      *inventory.Model
	tables *effective.Tables
	faults *diag.List
}

func followed(t *testing.T, text string) *following {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", head+text)
	if faults.Failed() {
		t.Fatal(printed(t, m, faults))
	}
	tables := effective.Of(m)
	return &following{follow.New(m, tables, faults, follow.Limits{Server: "exampled", LookUps: 3}), m, tables, faults}
}

func printed(t *testing.T, m *inventory.Model, faults *diag.List) string {
	t.Helper()
	var out strings.Builder
	if err := (diag.Printer{Sources: m.Sources, Least: diag.Note}).Print(&out, faults); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// rows follows every row of every domain, as a compiler does, and returns the faults.
func (f *following) rows(t *testing.T) string {
	t.Helper()
	for d := range f.m.Domains {
		name := f.m.Domains[d].Name
		to, pos := f.tables.CatchAll(d)
		for _, a := range append(f.tables.Table(d), inventory.Address{To: to, Pos: pos, Detail: f.tables.Detail(d)}) {
			if what := follow.Label(a.Local, name); a.To.Kind == inventory.ToAddress {
				e := f.From(what, a.To.Text)
				f.Report(&e, &a.To, what)
			}
			f.Goal(&a.To)
			f.Params(&a)
			f.Sample(d, &a)
		}
	}
	return printed(t, f.m, f.faults)
}

// show returns a goal in words.
func (f *following) show(g follow.Goal) string {
	word := [...]string{"nowhere", "elsewhere", "account", "user", "alias", "list", "refused"}[g.Kind]
	switch g.Kind {
	case follow.User:
		word += " " + f.m.Users[g.Index].Name.Text
	case follow.Alias:
		word += " " + f.m.LocalAliases[g.Index].Text
	case follow.List:
		word += " of " + f.ListLabel(int(g.Index))
	case follow.Refused:
		word += fmt.Sprint(" ", f.m.Refusals[g.Index].Code)
	default:
		word += " " + g.Addr
	}
	return g.WithPlus(word)
}

func TestEnds(t *testing.T) {
	f := followed(t, `local_aliases: [mailman]
users: {andrei: , bea: {forward: Bea@far.example}, carol: {forward: info@a.example, keep_copy: true}}
domains:
  a.example:
    addresses: {info: sales@b.example, team: [andrei, bea], old: reject, off: {to: andrei, enabled: false}, kept: {to: andrei, detail: keep}, lists: mailman, carol: carol}
  b.example:
    addresses: {sales: bea, lost: lose@a.example, busy: {defer: moving}}
    catch_all: local
  c.example:
    same_as: a.example
`)
	for _, test := range []struct{ addr, want, deadEnd string }{
		{"x@far.example", "elsewhere x@far.example", ""},
		{"info@a.example", "elsewhere Bea@far.example", ""},
		{"info@c.example", "elsewhere Bea@far.example", ""},
		{"team@a.example", "list of team@a.example", ""},
		{"team@c.example", "list of team@a.example", ""},
		{"old@a.example", "refused 550", ""},
		{"off@a.example", "refused 550", ""},
		{"busy@b.example", "refused 450", ""},
		{"lost@b.example", "refused 550", "lose@a.example"},
		{"kept+x@a.example", "user andrei+x", ""},
		{"lists+x@a.example", "alias mailman", ""},
		{"carol@a.example", "user carol", ""},
		{"andrei+x@b.example", "account andrei+x", ""},
		{"andrei@localhost", "account andrei", ""},
		{"nobody@mx1.example.net", "account nobody", "nobody@mx1.example.net"},
		{"nobody@b.example", "account nobody", "nobody@b.example"},
	} {
		e := f.From("a test", test.addr)
		if got := f.show(e.Goal); got != test.want || e.DeadEnd != test.deadEnd || e.Loop != nil || e.Far {
			t.Errorf("%s ends at %q (dead end %q), not at %q (%q)", test.addr, got, e.DeadEnd, test.want, test.deadEnd)
		}
	}
	if said := printed(t, f.m, f.faults); said != "" {
		t.Errorf("ends alone are no faults:\n%s", said)
	}
}

func TestFaults(t *testing.T) {
	const users = "users: {andrei: , bea: }\n"
	chain := ""
	for i := range 6 {
		chain += fmt.Sprintf("  d%d.example: {catch_all: {domain: d%d.example}}\n", i, i+1)
	}
	for _, test := range []struct {
		it, text string
		want     []string // parts of the faults, each once
	}{
		{"finds a circle", users + "domains:\n  a.example: {addresses: {x: y@a.example, y: x@a.example}}\n",
			[]string{"VM030]: mail runs in a circle: x@a.example -> y@a.example -> x@a.example"}},
		{"finds a circle of users", "users: {u: {forward: x@a.example}, v: {forward: y@a.example}}\ndomains:\n  a.example: {addresses: {x: v, y: u}}\n",
			[]string{"VM030]: mail runs in a circle: user v -> user v's forward -> y@a.example -> user u -> user u's forward -> x@a.example -> user v"}},
		{"finds a circle of a list", users + "domains:\n  a.example: {addresses: {x: [andrei, y@a.example], y: x@a.example}}\n",
			[]string{"VM030]: mail runs in a circle: x@a.example -> y@a.example -> x@a.example"}},
		{"finds a circle only of details", users + "domains:\n  a.example: {addresses: {x: andrei, 'x+*': '%1%3@b.example'}}\n  b.example: {addresses: {'x+*': '%1%3@a.example'}}\n",
			[]string{"VM030]: mail runs in a circle: x+detail@a.example -> x+detail@b.example -> x+detail@a.example"}},
		{"ends a circle that grows", users + "domains:\n  a.example: {catch_all: 'x%1@a.example'}\n", []string{"VM030]"}},
		{"finds a dead target", users + "domains:\n  a.example: {addresses: {info: sale@b.example}}\n  b.example: {addresses: {sales: bea}}\n",
			[]string{"VM031]: info@a.example goes to sale@b.example, which is not listed at b.example", "the nearest address there is sales@b.example"}},
		{"finds a dead member", users + "domains:\n  a.example: {addresses: {old: reject, team: [andrei, old@a.example]}}\n",
			[]string{"VM032]: team@a.example has the recipient old@a.example, which is refused"}},
		{"finds a dead forward", "users: {bea: {forward: old@a.example}}\ndomains:\n  a.example: {addresses: {old: reject, bea: bea}}\n",
			[]string{"VM032]: user bea's forward has the recipient old@a.example, which is refused"}},
		{"finds a parameter without a value", users + "domains:\n  a.example: {addresses: {x: '%2@far.example'}}\n",
			[]string{`VM033]: "%2@far.example" has nothing before its @`}},
		{"finds the detail of one address", users + "domains:\n  a.example: {addresses: {'x+y': 'z%3@far.example'}}\n",
			[]string{`VM033]: %3 is empty for the key "x+y"`}},
		{"counts the look-ups of the server", users + "domains:\n" + chain + "  d6.example: {catch_all: andrei}\n",
			[]string{"VM036]: anything@d0.example is looked up 6 times before it ends, and exampled gives up after 3", "VM036]: anything@d1.example is looked up 5 times", "VM036]: anything@d2.example is looked up 4 times"}},
		{"takes what works", users + "domains:\n  a.example: {addresses: {x: andrei, y: x@a.example, 'z+*': '%1-%2@b.example', 'l': [x@a.example, bea]}}\n  b.example: {catch_all: bea, detail: keep}\n", nil},
	} {
		t.Run(test.it, func(t *testing.T) {
			said := followed(t, test.text).rows(t)
			for _, want := range test.want {
				if strings.Count(said, want) != 1 {
					t.Errorf("%q is not said once", want)
				}
			}
			if ids := strings.Count(said, "[VM0"); test.want == nil && ids > 0 || len(test.want) > 0 && ids == 0 || t.Failed() {
				t.Errorf("the faults are\n%s", said)
			}
		})
	}
}

// TestDetailsThatARowKeeps says for each target what becomes of the detail.
func TestDetailsThatARowKeeps(t *testing.T) {
	f := followed(t, `users: {andrei: , bea: {forward: x@a.example}}
domains:
  a.example:
    detail: keep
    addresses: {x: andrei, gone: reject, drop: {to: andrei, detail: drop}, on: x@a.example, bea: bea, own: andrei, 'own+y': bea}
`)
	for addr, want := range map[string]follow.Keeping{
		"x@far.example": follow.Added, "andrei@localhost": follow.Added, "x@a.example": follow.Added,
		"gone@a.example": follow.Dropped, "drop@a.example": follow.Dropped,
		"on@a.example": follow.Again, "bea@a.example": follow.Again, "own@a.example": follow.Again, "unlisted@a.example": follow.Again,
	} {
		if got := f.Keeping(addr); got != want {
			t.Errorf("%s: %d, not %d", addr, got, want)
		}
	}
}

func TestRecipients(t *testing.T) {
	f := followed(t, `users: {andrei: , bea: {forward: [andrei@localhost, b@far.example], keep_copy: true}, carol: {mailbox: /srv/carol}, dan: {forward: team@a.example}}
domains:
  a.example:
    addresses: {team: {to: [andrei, bea, carol, x@a.example], bounces_to: andrei}, x: [bea, x@far.example], dan: dan, lone: carol}
`)
	d, _ := f.m.Domain("a.example")
	a, _ := f.tables.Find(d, "dan", inventory.Plain)
	goal := f.Goal(&a.To)
	if got := f.show(goal); got != "list of team@a.example" {
		t.Fatalf("dan's mail ends at %s", got)
	}
	shown := func(goals []follow.Goal) string {
		var words []string
		for _, g := range goals {
			words = append(words, f.show(g))
		}
		return strings.Join(words, ", ")
	}
	list := f.List(int(goal.Index))
	if got := shown(list.Members) + "; " + f.show(list.BouncesTo); got != "user andrei, user bea, user carol, list of x@a.example; user andrei" {
		t.Errorf("the list has %s", got)
	}
	if got := shown(f.Flat(goal)); got != "user andrei, account andrei, elsewhere b@far.example, user bea, user carol, elsewhere x@far.example" {
		t.Errorf("the final recipients are %s", got)
	}
	if got := shown(f.Reached()); got != "list of team@a.example, user bea, user carol, list of x@a.example" {
		t.Errorf("reached are %s", got)
	}
}

// TestCirclesOfCopies is about users who keep a copy. A target ends at such a user, so
// that only Flat meets the circle.
func TestCirclesOfCopies(t *testing.T) {
	f := followed(t, `users: {u: {forward: v@a.example, keep_copy: true}, v: {forward: u@a.example, keep_copy: true}}
domains:
  a.example: {addresses: {u: u, v: v}}
`)
	for i := range f.m.Users {
		flat := f.Flat(f.User(i))
		if len(flat) != 2 {
			t.Errorf("user %d has %d recipients", i, len(flat))
		}
	}
	said := printed(t, f.m, f.faults)
	if strings.Count(said, "[VM030]") != 1 || f.Joinable([]*follow.Follower{f.Follower}) {
		t.Errorf("the faults are\n%s", said)
	}
}

// TestForksFindTheSame compares the ends that two Forks find with those of one Follower.
func TestForksFindTheSame(t *testing.T) {
	f := followed(t, "users: {andrei: , bea: {forward: x@a.example}}\ndomains:\n  a.example: {addresses: {x: [andrei, y@a.example], y: z@far.example, b: bea}}\n")
	first, second := f.Fork(&diag.List{}), f.Fork(&diag.List{})
	for _, addr := range []string{"x@a.example", "b@a.example", "y@a.example", "n@a.example"} {
		want := f.From("one", addr)
		for _, fork := range []*follow.Follower{first, second} {
			if got := fork.From("one", addr); got.Goal != want.Goal || got.DeadEnd != want.DeadEnd || got.Steps != want.Steps {
				t.Errorf("%s ends at %v, not at %v", addr, got, want)
			}
		}
	}
	if !slices.Equal(first.Reached(), f.Reached()) || len(first.Reached()) == 0 || !f.Joinable([]*follow.Follower{first, second}) {
		t.Errorf("reached are %v, not %v", first.Reached(), f.Reached())
	}
}
