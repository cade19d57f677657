package sendmail

import (
	"testing"

	"pgregory.net/rapid"

	"virtmap/internal/change"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// endsSet draws a set: the rows of one domain, and aliases that may lead to each other,
// to rows and in circles.
func endsSet(t *rapid.T) (rows, aliases map[string]string) {
	right := rapid.SampledFrom([]string{"anna", "bert", "one", "two", "three", "TWO", "x@far.example", "l1@a.example", "l2@A.example", "%1@far.example",
		"anna%3", "l1@mx1.example.net", "one@localhost", "l1@localhost.example.net", "error:5.1.1:\"550 User unknown\"", "far.example!x"})
	rows, aliases = map[string]string{}, map[string]string{}
	for _, key := range []string{"l1@a.example", "l2@a.example", "@a.example"} {
		rows[key] = right.Draw(t, key)
	}
	member := rapid.OneOf(right, rapid.SampledFrom([]string{"/var/mail/x", "|prog", `\anna`, ":include:/x"}))
	for _, name := range []string{"one", "two", "three"} {
		if rapid.Bool().Draw(t, name+" is there") {
			aliases[name] = member.Draw(t, name) + ", " + member.Draw(t, name)
		}
	}
	return rows, aliases
}

func endsRouter(rows, aliases map[string]string) *virtuser.Router {
	look := func(in map[string]string) virtuser.Lookup {
		return func(key []byte) ([]byte, bool, error) { v, ok := in[string(key)]; return []byte(v), ok, nil }
	}
	r := &virtuser.Router{
		Host: "mx1.example.net", ClassW: func(name string) bool { return name == "a.example" },
		Rows: look(rows), Aliases: look(aliases), Account: func(name string) bool { return name == "anna" || name == "bert" },
	}
	return r.Ready()
}

// TestSameEndsAreTheSame compares Ends with the Router, over pairs of sets that differ
// in one row or one alias.
func TestSameEndsAreTheSame(t *testing.T) {
	sure := 0
	rapid.Check(t, func(t *rapid.T) {
		rows, aliases := endsSet(t)
		otherRows, otherAliases := endsSet(t)
		nextRows, nextAliases := map[string]string{}, map[string]string{}
		for key, right := range rows {
			nextRows[key] = right
		}
		for key, right := range aliases {
			nextAliases[key] = right
		}
		if rapid.Bool().Draw(t, "a row differs") {
			nextRows["l1@a.example"] = otherRows["l1@a.example"]
		} else {
			nextAliases["two"] = otherAliases["two"]
		}
		old, next := endsRouter(rows, aliases), endsRouter(nextRows, nextAliases)
		ends := NewEnds(old, next)
		for key, right := range rows {
			if nextRows[key] != right || !ends.Same([]byte(right)) {
				continue
			}
			sure++
			addr := key
			if key[0] == '@' {
				addr = "anybody" + key
			}
			was, is := old.Route(addr), next.Route(addr)
			if a, b := was.Plain(), is.Plain(); !a.Keeps(b) {
				t.Fatalf("%s leads to %q in both, and\n%+v\n%+v\nrows %v, then %v\naliases %v, then %v", key, right, was, is, rows, nextRows, aliases, nextAliases)
			}
		}
	})
	t.Logf("%d ends were the same", sure)
	if sure == 0 {
		t.Error("no end was found to be the same")
	}
}

// TestASetIsItselfWithoutAsking compares a build with itself. Nothing differs, and the
// Router gets no question about an address.
func TestASetIsItselfWithoutAsking(t *testing.T) {
	m, faults := inventory.Parse("mail.yaml", `version: 1
host: {name: mx1.example.net}
users: {andrei: , bea: {mailbox: /srv/mail/bea}, carol: {forward: carol@far.example, keep_copy: true}}
domains:
  a.example:
    addresses:
      fake: andrei
      info: [andrei, bea, ann@far.example]
      staff: [info@a.example, carol]
      sales+*: bea
      old: {reject: "Ann has left"}
    catch_all: carol
  b.example: {same_as: a.example}
`)
	build := Compile(m, faults)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	asked := 0
	side := func() *View {
		v := build.View()
		rows := v.Router.Rows
		v.Router.Rows = func(key []byte) ([]byte, bool, error) { asked++; return rows(key) }
		return v
	}
	c, err := change.Compare(Compared(side(), side()))
	if err != nil || len(c.Domains) > 0 || asked > 0 {
		t.Errorf("%d keys were asked for, and %v differs (%v)", asked, c.Domains, err)
	}
}
