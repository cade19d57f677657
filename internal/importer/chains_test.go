package importer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta/sendmail"
)

// TestALongChainOfListsStopsNoImport imports lists of which each leads to the next, in
// more steps than sendmail follows. Rows that are left out are named.
func TestALongChainOfListsStopsNoImport(t *testing.T) {
	const links = 300
	var list strings.Builder
	for i := range links {
		fmt.Fprintf(&list, "a%d@a.example a%d@a.example, root\n", i, i+1)
	}
	fmt.Fprintf(&list, "a%d@a.example root\nplain@a.example root\n", links)
	s, err := OfList(sendmail.Server, "", "lines", list.String(), func(name string) bool { return name == "root" })
	if err != nil {
		t.Fatal(err)
	}
	inv, err := s.Inventory("mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if inv.Left == 0 || !strings.Contains(inv.Text, "      plain: root\n") {
		t.Errorf("%d are left out\n%.600s", inv.Left, inv.Text)
	}
}

// TestLongChains: a chain is followed once. 10,000 addresses of which each leads to the
// next took 37 to 57 s when the chain of each was followed.
func TestLongChains(t *testing.T) {
	const links = 10_000
	for _, test := range []struct{ it, last, first string }{
		{"ends at a user", "root", "      a0: a1@a.example\n"},
		{"ends in a refusal", `error:5.1.1:"550 User unknown"`, ""},
		{"goes in a circle", "a0@a.example", ""},
	} {
		t.Run(test.it, func(t *testing.T) {
			var list strings.Builder
			for i := range links {
				fmt.Fprintf(&list, "a%d@a.example a%d@a.example\n", i, i+1)
			}
			fmt.Fprintf(&list, "a%d@a.example %s\n", links, test.last)
			began := time.Now()
			s, err := OfList(sendmail.Server, "", "lines", list.String(), func(name string) bool { return name == "root" })
			if err != nil {
				t.Fatal(err)
			}
			inv, err := s.Inventory("mail.yaml")
			if err != nil || !strings.Contains(inv.Text, test.first) {
				t.Errorf("%v\n%.300s", err, inv.Text)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}
