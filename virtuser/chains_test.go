package virtuser_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLongChains follows each chain once, whatever its links are. Following each
// address anew to its end took 25 s for 10,000 addresses.
func TestLongChains(t *testing.T) {
	const (
		links = 10_000
		head  = "version: 1\nhost: {name: mx1.example.net}\n"
	)
	each := func(n int, format string) string {
		var out strings.Builder
		for i := range n {
			out.WriteString(strings.NewReplacer("THIS", fmt.Sprint(i), "NEXT", fmt.Sprint(i+1), "ROUND", fmt.Sprint((i+1)%links)).Replace(format))
		}
		return out.String()
	}
	const domain = "domains:\n  a.example:\n    addresses:\n"
	end := fmt.Sprintf("      a%d: root\n", links)
	for _, test := range []struct {
		it, text string
		row      string // a row that is written
		fault    string // a part of a fault; empty: there is no fault
	}{
		{"follows addresses", head + "users: {root: }\n" + domain + each(links, "      aTHIS: aNEXT@a.example\n") + end, "a0@a.example\troot", ""},
		{"follows addresses of a copy", head + "users: {root: }\n" + domain + each(links, "      aTHIS: aNEXT@b.example\n") + end + "  b.example: {same_as: a.example}\n", "a0@b.example\troot", ""},
		{"follows users who forward", head + "users:\n" + each(links, "  uTHIS: {forward: aNEXT@a.example}\n") + fmt.Sprintf("  u%d:\n", links) +
			domain + each(links+1, "      aTHIS: uTHIS\n"), fmt.Sprintf("a0@a.example\tu%d", links), ""},
		{"ends in a refusal", head + "users: {root: }\n" + domain + each(links, "      aTHIS: aNEXT@a.example\n") + fmt.Sprintf("      a%d: reject\n", links),
			"a0@a.example\terror:5.1.1:\"550 User unknown\"", ""},
		{"goes in a circle", head + "users: {root: }\n" + domain + each(links, "      aTHIS: aROUND@a.example\n"), "", "mail runs in a circle: a0@a.example -> a1@a.example -> "},
		{"leads into a circle", head + "users: {root: }\n" + domain + each(links, "      aTHIS: aNEXT@a.example\n") + fmt.Sprintf("      a%d: a%d@a.example\n", links, links-1),
			"", "mail runs in a circle: a9999@a.example -> a10000@a.example -> a9999@a.example"},
	} {
		t.Run(test.it, func(t *testing.T) {
			began := time.Now()
			c, faults := compiled(t, test.text)
			took := time.Since(began)
			if test.fault == "" && faults != "" || !strings.Contains(faults, test.fault) || strings.Count(faults, "error[") > 1 {
				t.Errorf("the faults are %.500s", faults)
			}
			if test.row != "" && !strings.Contains(string(c.Table.Text()), "\n"+test.row+"\n") {
				t.Errorf("there is no row %q", test.row)
			}
			if took > 4*time.Second { // it takes about 0.1 s
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestEndlessChains ends even if each address is longer than the one before.
func TestEndlessChains(t *testing.T) {
	const head = "version: 1\nhost: {name: mx1.example.net}\nusers: {root: }\ndomains:\n  a.example:\n"
	var long strings.Builder
	for i := range 150_000 {
		fmt.Fprintf(&long, "      a%d: a%d@a.example\n", i, i+1)
	}
	for it, test := range map[string]struct{ text, want string }{
		"grows by a word":         {head + "    catch_all: 'x%1@a.example'\n", "mail runs in a circle"},
		"doubles":                 {head + "    catch_all: '%1%1@a.example'\n", "mail runs in a circle"},
		"doubles with its detail": {head + "    addresses: {'u+*': 'u+%2%2@a.example'}\n", "mail runs in a circle"},
		"has 150,000 links":       {head + "    addresses:\n" + long.String() + "      a150000: root\n", "a0@a.example leads through more than 100000 addresses"},
	} {
		if _, faults := compiled(t, test.text); !strings.Contains(faults, test.want) || strings.Count(faults, "error[") > 2 {
			t.Errorf("one that %s: %.500s", it, faults)
		}
	}
}
