package importer_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/importer"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/workshop/peer"
	"virtmap/virtuser"
)

// virtualMap writes a map of virtual(5) as people write it: with capitals, lines that go
// on, comments between them, and keys that are given twice. Domains lead to each other in
// one direction only.
func virtualMap(r *rand.Rand) string {
	one := func(words ...string) string { return words[r.IntN(len(words))] }
	var out strings.Builder
	for i := range 4 {
		domain := fmt.Sprintf("d%d.example", i)
		fmt.Fprintf(&out, "%s%s%s\n", domain, one(" ", "\t", " \t"), one("anything", "x y", "DOMAIN"))
		target := func() string {
			further := fmt.Sprintf("@d%d.example", i+1+r.IntN(4)) // d4 and further are elsewhere
			return one("root", "bin", "daemon", "ann@far.example", "b"+further, "A"+further, "info"+further, further)
		}
		for range r.IntN(6) {
			local, right := one("a", "b", "info", "Info", "A", ""), target()
			for range r.IntN(3) {
				if local == "" && strings.HasPrefix(right, "@") {
					break // an inventory cannot have it in a list
				}
				right += one(",", ", ", " ", " , ", ",\n\t", "\n  ", "\n# in between\n ", "\n \t\n , ")
				to := target()
				if local == "" && to[0] == '@' {
					to = "x" + to
				}
				right += to
			}
			key := local + "@" + one(domain, strings.ToUpper(domain))
			out.WriteString(one("", "", "# about it\n", "\n", "\t# indented\n") + key + one(" ", "\t", "  \t ") + right + one("", "", " ", "\t") + one("\n", "\n", "\r\n"))
		}
	}
	return out.String()
}

// aVirtualMap is a map with the values that Postfix reads.
type aVirtualMap map[string]string

// ends adds the recipients of an address to all, by the rules of virtual(5): the address
// is looked up, then its domain, and the result is looked up again.
func (m aVirtualMap) ends(address string, all map[string]bool) {
	local, domain, isAddress := strings.Cut(address, "@")
	right, found := m[strings.ToLower(address)]
	if !found {
		right, found = m["@"+strings.ToLower(domain)]
	}
	if !found || !isAddress {
		all[address] = true
		return
	}
	for _, target := range strings.FieldsFunc(right, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) }) {
		if target[0] == '@' {
			target = local + target
		}
		m.ends(target, all)
	}
}

// TestPostfixReadsTheSame has postmap read generated maps. Every address has the
// recipients of the inventory, and is refused when Postfix refuses it.
func TestPostfixReadsTheSame(t *testing.T) {
	postmap := peer.Postmap(t)
	asked, refused := 0, 0
	for seed := range peer.Campaign(60) {
		text := virtualMap(rand.New(rand.NewPCG(25, uint64(seed))))
		path := filepath.Join(t.TempDir(), "virtual")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		postmap("", "hash:"+path)
		theirs := aVirtualMap{}
		for line := range strings.Lines(postmap("", "-s", "hash:"+path)) {
			key, right, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			theirs[key] = right
		}
		router := imported(t, text)
		for i := range 4 {
			for _, local := range []string{"a", "b", "info", "nobody", "Info"} {
				address := fmt.Sprintf("%s@d%d.example", local, i)
				want := theirs.fate(address)
				out := router.Route(address)
				got := slices.Sorted(slices.Values(out.Recipients))
				for i := range got {
					got[i] = strings.ToLower(got[i])
				}
				got = slices.Compact(got)
				asked++
				if !out.Taken() {
					refused++
					got = nil
				}
				if !slices.Equal(got, want) {
					t.Fatalf("seed %d: %s goes to %q, in Postfix to %q\n%s", seed, address, got, want, text)
				}
			}
		}
	}
	if t.Logf("%d addresses, %d refused", asked, refused); refused < 50 || refused > asked/2 {
		t.Error("too many or too few are refused")
	}
}

// fate returns the recipients of an address. An address in a domain of the map that is
// not listed is refused, or bounces when a list leads to it.
func (m aVirtualMap) fate(address string) []string {
	all := map[string]bool{}
	m.ends(address, all)
	var ends []string
	for end := range all {
		_, domain, _ := strings.Cut(strings.ToLower(end), "@")
		if _, ours := m[domain]; !ours {
			ends = append(ends, strings.ToLower(end))
		}
	}
	slices.Sort(ends)
	return slices.Compact(ends)
}

// imported returns the files that the inventory of a Postfix map builds.
func imported(t *testing.T, text string) *virtuser.Router {
	t.Helper()
	s, err := importer.OfList(sendmail.Server, "", "postfix", text, account)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	inv, err := s.Inventory("mail.yaml")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	set := built(t, inv.Source, s.Delivers)
	rows, err := set.Table()
	if err != nil {
		t.Fatal(err)
	}
	router := set.InMemory(rows)
	router.Account = account
	return router.Ready()
}
