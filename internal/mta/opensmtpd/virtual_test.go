package opensmtpd

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/lists"
	"virtmap/internal/mta"
)

// importedTable imports a table of virtual addresses for the domains a, b and c.example.
func importedTable(t *testing.T, table string) *listed {
	t.Helper()
	from := mta.Lists{Host: "mx1.example.net", Account: isAnyAccount}
	for kind, text := range map[string]string{"opensmtpd": table, "domains": "# @list\na.example\nb.example\nc.example\n"} {
		list, err := lists.ReadData(kind, "f", func(string) ([]byte, error) { return []byte(text), nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		from.Lists = append(from.Lists, list)
	}
	s, err := importLists(from)
	if err != nil {
		t.Fatal(err)
	}
	of := s.(*listed)
	of.virtual.account, of.virtual.known = isAnyAccount, isAnyAccount
	return of
}

func isAnyAccount(name string) bool { return name == "ann" || name == "bob" || name == "carl" }

// answer returns what OpenSMTPD answers for an address, or where its mail ends.
func answer(s *listed, addr string) string {
	out, _ := s.virtual.Route(addr)
	if out.Taken {
		return strings.Join(out.Recipients, ", ")
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", out.Code, out.Status, out.Text))
}

// TestRightSides has what OpenSMTPD 6.8.0p2 answers for a right side, with the accounts ann,
// bob and carl.
func TestRightSides(t *testing.T) {
	const problem, invalid = "524 5.2.4 Mailing list expansion problem", "550 5.1.1 Invalid recipient"
	const later = "424 4.2.4 Mailing list expansion problem"
	for _, c := range []struct{ right, want string }{
		{"ann,bob@far.example", "ann, bob@far.example"},
		{"ann, ghost", invalid},
		{"error:550 5.1.1 Ann left", "550 5.1.1 Ann left"},
		{"error:550 gone", "550  gone"},
		{"error:gone", later},
		{"error:550", later},
		{"error:650 5.1.1 x", later},
		{"error:450 5.1.1 x", "450 5.1.1 x"},
		{`error:550 5.1.1 a\, b`, "550 5.1.1 a, b"},
		{`error:550 5.1.1 it's "gone"`, later},
		{"ann, error:550 5.1.1 in list", "550 5.1.1 in list"},
		{":include:/nowhere/none", problem},
		{`"|/bin/cat"`, "|/bin/cat"},
		{"bare", "carl"},
		{"bare+t", "bob"},
		{"bare+u", "carl"},
		{"ann+x", "ann"},
		{"@far.example", later},
		{"x@a.example", problem},
		{"ann@a.example, carl", problem},
		{"y@b.example", "ann"},
		{"ann@mx1.example.net", "ann"},
		{"ghost@mx1.example.net", invalid},
		{"ann bob", later},
		{"ann; bob", later},
		{`"ann"`, later},
		{"'ann'", later},
		{`ann\,bob`, later},
		{"#ann", later},
		{"Ann <ann@far.example>", later},
		{"ann,,bob,", "ann, bob"},
		{"ANN@FAR.Example", "ANN@far.example"},
		{"circle", problem},
		{"self", invalid},
		{"bob", "bob"},
		{"refused", "550 5.7.1 bare"},
		{strings.Repeat("ann@far.example,", 200), later},
	} {
		s := importedTable(t, "x@a.example "+c.right+"\n@b.example ann\nbare carl\nbare+t bob\ncircle round\nround circle\nself bob, self\nbob bob\nrefused error:550 5.7.1 bare\n")
		if got := answer(s, "X@A.Example"); got != c.want {
			t.Errorf("%s gives %q, not %q", c.right, got, c.want)
		}
	}
}

// TestOrderOfTableKeys asks for the order in which the keys of a table are looked up.
func TestOrderOfTableKeys(t *testing.T) {
	s := importedTable(t, "u+t@a.example e1@far.example\nu@a.example e2@far.example\nu+t e3@far.example\nu e4@far.example\n@a.example e5@far.example\n@ e6@far.example\n"+
		"dup@a.example old@far.example\nDup@a.example new@far.example\nx@d.example ann\n")
	for addr, want := range map[string]string{
		"u+t@a.example": "e1@far.example", "u+x@a.example": "e2@far.example", "u@a.example": "e2@far.example", "u+t@b.example": "e3@far.example", "u+x@b.example": "e4@far.example",
		"u@c.example": "e4@far.example", "v@a.example": "e5@far.example", "v@b.example": "e6@far.example", "dup@a.example": "new@far.example",
		"x@d.example": "550 5.7.1 Invalid recipient",
	} {
		if got := answer(s, addr); got != want {
			t.Errorf("%s gives %q, not %q", addr, got, want)
		}
	}
	var why []string
	for _, dead := range s.Facts().Dead {
		why = append(why, dead.Key+" "+dead.Why)
	}
	want := []string{"dup@a.example f:7: a line behind it has the same key, with new@far.example", "x@d.example f:9: d.example is not one of the domains, so that the row is never looked up"}
	if !slices.Equal(why, want) {
		t.Errorf("left out are %q", why)
	}
}

// TestDepthOfExpansion has a chain of nine addresses, of which the last leads to an account.
func TestDepthOfExpansion(t *testing.T) {
	var table strings.Builder
	for i := range 12 {
		fmt.Fprintf(&table, "h%d@a.example h%d@a.example\n", i, i+1)
	}
	s := importedTable(t, table.String()+"h12@a.example bob\n")
	for addr, want := range map[string]string{"h4@a.example": "bob", "h3@a.example": "524 5.2.4 Mailing list expansion problem"} {
		if got := answer(s, addr); got != want {
			t.Errorf("%s gives %q, not %q", addr, got, want)
		}
	}
}

// FuzzReadRightSide reads any right side. An item has one meaning.
func FuzzReadRightSide(f *testing.F) {
	for _, right := range []string{"ann, bob@far.example", "error:550 5.1.1 a\\, b", "\"|x\", /y", ":include:/x", "\\", "\"", "'", ",,@"} {
		f.Add(right)
	}
	f.Fuzz(func(t *testing.T, right string) {
		depth := 0
		r := readRightSide(right, func(string) (string, bool) { depth++; return "bob\n:include:/y", depth < 5 })
		for _, n := range r.nodes {
			meanings := 0
			for _, has := range []bool{n.user != "", n.address != "", n.path != "", n.reply != nil} {
				if has {
					meanings++
				}
			}
			if meanings != 1 {
				t.Errorf("%q has the item %+v", right, n)
			}
		}
	})
}
