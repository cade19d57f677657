package change

import (
	"testing"

	"pgregory.net/rapid"

	"virtmap/virtuser"
)

// endsSet makes a set from a generator: rows of one domain, and aliases that
// may lead to each other, to rows and in circles.
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

// TestSameEndsAreTheSame holds what Ends says against the Router, over sets
// that differ in one row or one alias.
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
			if a, b := old.Route(addr), next.Route(addr); !same(&a, &b) {
				t.Fatalf("%s leads to %q in both, and\n%+v\n%+v\nrows %v, then %v\naliases %v, then %v", key, right, a, b, rows, nextRows, aliases, nextAliases)
			}
		}
	})
	t.Logf("%d ends were the same", sure)
	if sure == 0 {
		t.Error("no end was found to be the same")
	}
}
