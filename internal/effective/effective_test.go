package effective_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"virtmap/internal/effective"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

const mail = `version: 1
host: {name: mx1.example.net, local_names: [mx1.example.org]}
defaults: {roles: {postmaster: andrei, abuse: andrei}, detail: drop}
users: {andrei: , bea: , dave: {forward: dave@far.example}}
domains:
  a.example:
    addresses: {fake: andrei, "info+*": bea, "old": {to: bea, enabled: false}}
    roles: {abuse: none}
    detail: keep
  b.example:
    same_as: a.example
    addresses: {fake: bea}
    catch_all: bea
  c.example: {same_as: b.example}
  d.example:
    same_as: c.example
    detail: reject
    addresses: {"made++": "%1-%2@far.example", one+x: "%1@far.example", dave: {to: dave, detail: keep}, on: fake@a.example}
  mx1.example.org:
    catch_all: local
    addresses: {root: andrei, postmaster: andrei, mailer-daemon: andrei}
`

func model(t *testing.T) *inventory.Model {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", mail)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	return m
}

func number(t *testing.T, m *inventory.Model, name string) int {
	t.Helper()
	d, ok := m.Domain(name)
	if !ok {
		t.Fatalf("no domain %s", name)
	}
	return d
}

var details = map[inventory.Detail]string{inventory.DetailDrop: "drop", inventory.DetailKeep: "keep", inventory.DetailReject: "reject"}

func TestTables(t *testing.T) {
	m := model(t)
	tables := effective.Of(m)
	for name, want := range map[string]string{
		"a.example":       "fake keep, old keep, postmaster keep, info+* keep",
		"b.example":       "fake keep, old keep, postmaster keep, info+* keep",
		"c.example":       "fake keep, old keep, postmaster keep, info+* keep",
		"d.example":       "dave keep, fake keep, old keep, on reject, one+x reject, postmaster keep, info+* keep, made++ reject",
		"mx1.example.org": "mailer-daemon drop, postmaster drop, root drop",
	} {
		var got []string
		for _, a := range tables.Table(number(t, m, name)) {
			got = append(got, a.Local+" "+details[a.Detail])
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s has %s, not %s", name, strings.Join(got, ", "), want)
		}
	}
	c, a := number(t, m, "c.example"), number(t, m, "a.example")
	if tables.Original(c) != a || tables.Original(a) != a {
		t.Errorf("c.example copies %d in the end, not %d", tables.Original(c), a)
	}
	if to, pos := tables.CatchAll(c); to.Kind != inventory.ToUser || pos != to.Pos {
		t.Errorf("the catch-all of c.example is %+v", to)
	}
	if to, pos := tables.CatchAll(a); to.Kind != inventory.Refused || pos != m.Domains[a].Pos {
		t.Errorf("the catch-all of a.example is %+v", to)
	}
	if written, ok := tables.FindWritten(c, "abuse", inventory.Plain); !ok || written.To.Kind != inventory.Removed {
		t.Error("that abuse is taken away is not found")
	}
	if _, ok := tables.Find(c, "abuse", inventory.Plain); ok {
		t.Error("abuse is found, and was taken away")
	}
}

// TestFollowing follows an address until its mail ends or leaves.
func TestFollowing(t *testing.T) {
	m := model(t)
	tables := effective.Of(m)
	for addr, want := range map[string]string{
		"fake@a.example":         "ends",
		"fake+x@a.example":       "ends, with +x",
		"old@a.example":          "refused",
		"info@a.example":         "refused by the catch-all",
		"info+@b.example":        "ends, with +",
		"nobody@b.example":       "ends",
		"dave+x@d.example":       "dave+x@far.example",
		"made+y@d.example":       "made-y@far.example",
		"one+x@d.example":        "one+x@far.example",
		"on@d.example":           "fake@a.example, ends",
		"on+x@d.example":         "refused",
		"any+x@d.example":        "refused",
		"any@d.example":          "ends",
		"postmaster@localhost":   "an account's",
		"who@mx1.example.net":    "an account's",
		"andrei@far.example":     "elsewhere",
		"nobody@mx1.example.org": "local",
	} {
		if got := follow(tables, m, addr); got != want {
			t.Errorf("%s: %s, not %s", addr, got, want)
		}
	}
}

func follow(tables *effective.Tables, m *inventory.Model, addr string) string {
	local, _, d, whose := tables.Locate(addr)
	switch whose {
	case effective.Accounts:
		return "an account's"
	case effective.Elsewhere:
		return "elsewhere"
	}
	match := tables.Lookup(d, local)
	next, on := tables.Next(&match)
	switch {
	case on && strings.HasSuffix(next, "@far.example"):
		return next
	case on:
		return next + ", " + follow(tables, m, next)
	case match.To.Kind == inventory.ToLocal:
		return "local"
	case match.To.Kind == inventory.Refused && match.CatchAll:
		return "refused by the catch-all"
	case match.Refused || match.To.Kind == inventory.Refused:
		return "refused"
	case match.WithDetail("") != "":
		return "ends, with " + match.WithDetail("")
	}
	return "ends"
}

// TestTablesAgree compares every method of Tables with tables in which all copies are
// written out. Several goroutines use the Tables.
func TestTablesAgree(t *testing.T) {
	for seed := range peer.Campaign(60) {
		r := rand.New(rand.NewPCG(uint64(seed), 31))
		m, _ := inventory.Parse("mail.yaml", sample.Inventory(r, "/etc/mail", "hash"))
		tables := effective.Of(m)
		var each sync.WaitGroup
		for d := range m.Domains {
			each.Go(func() {
				if err := agree(tables, m, d); err != nil {
					t.Errorf("seed %d: %s: %v", seed, m.Domains[d].Name, err)
				}
			})
		}
		each.Wait()
	}
}

func agree(tables *effective.Tables, m *inventory.Model, d int) error {
	want := map[string]inventory.Address{}
	var lay func(d int)
	lay = func(d int) {
		domain := &m.Domains[d]
		layers := [][]inventory.Address{m.Defaults.Roles, domain.Roles, domain.Addresses}
		if domain.Source >= 0 {
			lay(domain.Source)
			layers = layers[1:]
		} else if m.IsHostName(domain.Name) {
			layers = layers[1:]
		}
		for _, a := range slices.Concat(layers...) {
			if a.Detail == inventory.DetailUnset {
				a.Detail = tables.Detail(d)
			}
			want[a.Local] = a
			if a.To.Kind == inventory.Removed {
				delete(want, a.Local)
			}
		}
	}
	lay(d)
	table := tables.Table(d)
	if !slices.IsSortedFunc(table, func(a, b inventory.Address) int { return a.Compare(&b) }) || len(table) != len(want) || len(table) > tables.Most(d) {
		return fmt.Errorf("%d addresses, at most %d; want %d", len(table), tables.Most(d), len(want))
	}
	for _, a := range table {
		if found, ok := tables.Find(d, a.Local, a.Form); !ok || found != a || want[a.Local] != a {
			return fmt.Errorf("%s is %+v, found is %+v, want %+v", a.Local, a, found, want[a.Local])
		}
	}
	return walks(tables, m, d, table)
}

// walks compares a walk with a table, and the origins with the layers of the Model.
func walks(tables *effective.Tables, m *inventory.Model, d int, table []inventory.Address) error {
	n, domain := 0, &m.Domains[d]
	for origin, a := range tables.Walk(d) {
		if n == len(table) || a.Local != table[n].Local || a.To != table[n].To || a.Pos != table[n].Pos {
			return fmt.Errorf("step %d of the walk is %+v, and the table is %+v", n, a, table)
		}
		n++
		want := effective.DefaultRole
		if domain.Source >= 0 {
			want = effective.Copied
		}
		if _, role := inventory.Find(domain.Roles, a.Local, a.Form); role {
			want = effective.OwnRole
		}
		if _, own := inventory.Find(domain.Addresses, a.Local, a.Form); own {
			want = effective.OwnAddress
		}
		if origin != want {
			return fmt.Errorf("the origin of %s is %d, not %d", a.Local, origin, want)
		}
	}
	if n != len(table) {
		return fmt.Errorf("a walk of %d addresses through a table of %d", n, len(table))
	}
	return nil
}
