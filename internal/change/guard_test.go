package change

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// sides draws two sets of a few domains: names, and rows of key and right side.
func sides(t *rapid.T) (old, next [2]map[string]string, inventory []string) {
	domains := []string{"a.example", "b.example", "c.example"}
	locals := []string{"l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7", "l8", "l9", "l10", "l11", "postmaster", "abuse", ""}
	rights := []string{"anna", "anna", "anna", "bert", `error:5.1.1:"550 User unknown"`, "x@far.example"}
	make := func(name string) [2]map[string]string {
		set := [2]map[string]string{{}, {}} // names, rows
		for _, d := range domains {
			if !rapid.Bool().Draw(t, name+" has "+d) {
				continue
			}
			set[0][d] = ""
			for _, l := range locals {
				if right := rapid.SampledFrom(append(slices.Clone(rights), "")).Draw(t, "right"); right != "" {
					set[1][l+"@"+d] = right
				}
			}
		}
		return set
	}
	old, next = make("old"), make("new")
	if rapid.Bool().Draw(t, "a small change") {
		next = [2]map[string]string{old[0], {}}
		for key, right := range old[1] {
			next[1][key] = right
			if rapid.IntRange(0, 5).Draw(t, "changes") == 0 {
				next[1][key] = rapid.SampledFrom(rights).Draw(t, "to")
			}
		}
	}
	for _, d := range domains {
		if _, served := next[0][d]; served || rapid.Bool().Draw(t, "listed") {
			inventory = append(inventory, d)
		}
	}
	return old, next, inventory
}

// A plainSet is a set in which the value of a row is the end: an account, an address
// elsewhere, or an error.
type plainSet struct {
	names map[string]string
	rows  map[string]string
}

func setOf(set [2]map[string]string) mta.Set { return plainSet{set[0], set[1]} }

func (s plainSet) Route(addr string) (outcome.Outcome, []outcome.Step) {
	_, domain, _ := strings.Cut(addr, "@")
	right := cmp.Or(s.rows[addr], s.rows["@"+domain])
	_, served := s.names[domain]
	switch {
	case !served:
		return outcome.Outcome{NotOurs: true, Code: 550}, nil
	case right == "" || strings.HasPrefix(right, "error:"):
		return outcome.Outcome{Code: 550, Status: "5.1.1", Text: "User unknown"}, nil
	}
	return outcome.Outcome{Taken: true, Recipients: []string{right}}, nil
}

func (s plainSet) Domains() (served, relayed []string) {
	return slices.Collect(maps.Keys(s.names)), nil
}

func (s plainSet) Rows() (mapfile.Rows, error) {
	var rows mapfile.Pairs
	for key, value := range s.rows {
		rows = append(rows, [2]string{key, value})
	}
	slices.SortFunc(rows, func(a, b [2]string) int { return inventory.CompareKeys([]byte(a[0]), []byte(b[0])) })
	return rows, nil
}

func (plainSet) Warnings() []string { return nil }
func (plainSet) Seen() []mta.Stamp  { return nil }
func (plainSet) Close() error       { return nil }

// compare compares two sets about which nothing is known to be the same.
func compare(t interface{ Fatal(...any) }, old, next [2]map[string]string) Change {
	c, err := Compare(mta.NewPair(setOf(old), setOf(next)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// expected returns the guards that must raise an alarm, in the simplest way.
func expected(old, next [2]map[string]string, inventory []string, l Limits) []string {
	end := func(set [2]map[string]string, local, domain string) string {
		right := set[1][local+"@"+domain]
		if right == "" {
			right = set[1]["@"+domain]
		}
		return right
	}
	taken := func(right string) bool { return right != "" && right[0] != 'e' }
	words := map[string]bool{}
	goes := false
	for d := range old[0] {
		_, stays := next[0][d]
		goes = goes || !stays
	}
	if (listsAny(old[1]) || goes) && len(inventory) == 0 {
		words[Empty] = true
	}
	total, lostAll := 0, 0
	for key := range old[1] {
		if key[0] != '@' {
			total++
		}
	}
	for d := range old[0] {
		if _, stays := next[0][d]; !stays {
			if len(inventory) > 0 && !slices.Contains(inventory, d) {
				words[Vanished] = true
			}
			continue
		}
		listed, lost := 0, 0
		for i := range 12 {
			local := fmt.Sprint("l", i)
			if _, ok := old[1][local+"@"+d]; ok {
				listed++
				if a, b := end(old, local, d), end(next, local, d); taken(a) && a != b {
					lost++
				}
			}
		}
		for _, role := range []string{"postmaster", "abuse"} {
			a, b := end(old, role, d), end(next, role, d)
			_, was := old[1][role+"@"+d]
			_, is := next[1][role+"@"+d]
			if was {
				listed++
				if taken(a) && a != b {
					lost++
				}
			}
			if (was || is) && taken(a) && !taken(b) {
				words[Postmaster] = true
			}
		}
		lostAll += lost
		if listed >= l.MinSize && lost*100 > l.MaxRemovedPercent*listed {
			words[TooMany] = true
		}
		a, b := old[1]["@"+d], next[1]["@"+d]
		if b == "x@far.example" && a != b {
			words[Outside] = true
		}
	}
	if total >= l.MinSize && lostAll*100 > l.MaxRemovedPercent*total {
		words[TooMany] = true
	}
	var all []string
	for word := range words {
		all = append(all, word)
	}
	slices.Sort(all)
	return all
}

func listsAny(rows map[string]string) bool {
	for key := range rows {
		if key[0] != '@' {
			return true
		}
	}
	return false
}

// TestAKeyThatMatchesNothingIsNoChange: tables made by hand have keys that no address
// matches.
func TestAKeyThatMatchesNothingIsNoChange(t *testing.T) {
	names := map[string]string{"a.example": ""}
	old := [2]map[string]string{names, {"stray": "anna", "l@a.example": "anna"}}
	next := [2]map[string]string{names, {"l@a.example": "anna"}}
	c := compare(t, old, next)
	if len(c.Domains) > 0 || c.Before != 1 {
		t.Errorf("%+v", c)
	}
}

func TestGuardsAgreeWithAReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, next, inventory := sides(t)
		c := compare(t, old, next)
		l := Limits{MaxRemovedPercent: rapid.SampledFrom([]int{0, 30, 100}).Draw(t, "percent"), MinSize: rapid.SampledFrom([]int{0, 10}).Draw(t, "size"),
			Count: len(inventory), Inventory: func(d string) bool { return slices.Contains(inventory, d) }}
		var got []string
		for _, a := range c.Alarms(l, nil) {
			got = append(got, a.Guard)
		}
		slices.Sort(got)
		got = slices.Compact(got)
		if want := expected(old, next, inventory, l); !slices.Equal(got, want) {
			t.Fatalf("the guards are %q, expected %q\n%+v", got, want, c)
		}
		for _, word := range got {
			for _, a := range c.Alarms(l, []string{word}) {
				if a.Guard == word {
					t.Fatalf("%s was allowed", word)
				}
			}
		}
	})
}
