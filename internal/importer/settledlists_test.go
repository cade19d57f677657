package importer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	building "virtmap/internal/build"
	"virtmap/internal/importer"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// plainMap writes a map of virtual(5) as a large server has it: plain addresses that lead to
// accounts, to addresses elsewhere, to lists of these, and to other addresses of the map, also
// in a circle. Now and then there is something that an import does not settle.
func plainMap(r *rand.Rand) string {
	one := func(words ...string) string { return words[r.IntN(len(words))] }
	name := func() string { return one("a", "b", "info", "ann.q", "x-y", "aq", "root", "postmaster") }
	target := func() string {
		if r.IntN(12) == 0 {
			return one("nobody-there", "Root", "root+x", "x@localhost", "x@[192.0.2.1]", "x@mx1.example.net", "Out@Far.Example", "a+b@far.example", `"x"@far.example`, "x@sub.d0.example", "x@far", "-x@far.example")
		}
		return one(one(sample.Accounts...), "out@far.example", "Some.One@far.example", fmt.Sprintf("%s@d%d.example", name(), r.IntN(5)))
	}
	var out strings.Builder
	for d := range 1 + r.IntN(4) {
		for range r.IntN(9) {
			right := target()
			for range r.IntN(3) * r.IntN(2) {
				right += ", " + target()
			}
			local := name()
			switch r.IntN(40) {
			case 0, 1:
				local = ""
			case 2:
				local += "+x"
			case 3:
				local = one("&x", "x#", "_x", "a=b")
			case 4:
				if r.IntN(8) == 0 {
					right = `error:5.1.1:"550 gone"`
				}
			}
			fmt.Fprintf(&out, "%s@d%d.example %s\n", local, d, right)
		}
	}
	return out.String()
}

// changed changes a line of an inventory, or something that many addresses depend on.
func changed(r *rand.Rand, text string) string {
	lines := strings.SplitAfter(text, "\n")
	i := r.IntN(len(lines))
	key, _, _ := strings.Cut(lines[i], ":")
	switch r.IntN(8) {
	case 0:
		return text
	case 1:
		return strings.Replace(text, "\ndomains:", "\ndefaults: {detail: "+[]string{"keep", "reject"}[r.IntN(2)]+"}\ndomains:", 1)
	case 2:
		return strings.Replace(text, "catch_all: reject", "catch_all: "+[]string{"local", "root", `{reject: "gone"}`, "out@far.example"}[r.IntN(4)], 1+r.IntN(2))
	case 3:
		if strings.HasPrefix(key, "      ") && !strings.Contains(key, "+") {
			lines[i] += strings.TrimRight(key, " ") + []string{"q", "+*", "+detail", "x"}[r.IntN(4)] + ": root\n"
		}
	case 4:
		if strings.HasPrefix(key, "      ") {
			lines[i] = key + ": " + []string{"[root, bin]", "[bin, out@far.example]", "reject", "a@d0.example", "{to: root, detail: keep}", "out@elsewhere.example"}[r.IntN(6)] + "\n"
		}
	case 5:
		return strings.Replace(text, "  d0.example:\n", "  d0.example:\n    enabled: false\n", 1)
	default:
		return edited(r, text)
	}
	return strings.Join(lines, "")
}

// listProof proves the import of a list against another inventory of a kind, quickly and
// with every address asked. ok is false if the list has no inventory, or the other one faults.
func listProof(t *testing.T, r *rand.Rand, kind *mta.Server, list string) (quick, whole importer.Proof, settled int, ok bool) {
	t.Helper()
	server, err := importer.OfList(kind, "", "postfix", list, account)
	if err != nil || len(server.Facts().Names) == 0 {
		return quick, whole, 0, false
	}
	defer server.Close()
	inv, err := server.Inventory("mail.yaml")
	if err != nil {
		t.Fatalf("%v, of\n%s", err, list)
	}
	model, faults := inventory.Parse("mail.yaml", changed(r, inv.Text))
	other := kind.Compile(model, faults)
	if faults.Failed() {
		return quick, whole, 0, false
	}
	dir := t.TempDir()
	if err := building.WriteSet(context.Background(), kind, other, dir); err != nil {
		t.Fatal(err)
	}
	files, err := kind.Open(mta.Place{Dir: dir}, mta.Host{Name: "mx1.example.net", Account: server.Delivers})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	quick, err = server.Prove(inv, files)
	if err != nil {
		t.Fatal(err)
	}
	if whole, err = server.ProveAll(inv, files); err != nil {
		t.Fatal(err)
	}
	if settled, err = server.Settled(files); err != nil {
		t.Fatal(err)
	}
	return quick, whole, settled, true
}

// differences returns what a proof says.
func differences(p importer.Proof) string {
	var out strings.Builder
	for _, d := range p.Found {
		fmt.Fprintf(&out, "%s: %s -> %s, %q, %v\n", d.Address, d.Old, d.New, d.Why, d.Harmless)
	}
	fmt.Fprintf(&out, "%d compared\n", p.Compared)
	return out.String()
}

// TestSettledRowsOfLists compares the proofs of lists, which do not ask about settled
// addresses, with proofs that ask about every address, for inventories of both kinds of
// servers and for inventories that are not those of the list.
func TestSettledRowsOfLists(t *testing.T) {
	for _, kind := range []*mta.Server{postfix.Server, sendmail.Server} {
		t.Run(kind.Name, func(t *testing.T) {
			tried, differing, settled := 0, 0, 0
			for seed := range peer.Campaign(80) {
				r := rand.New(rand.NewPCG(81, uint64(seed)))
				list := plainMap(r)
				if r.IntN(4) == 0 {
					list = virtualMap(r)
				}
				quick, whole, n, ok := listProof(t, r, kind, list)
				if !ok {
					continue
				}
				if a, b := differences(quick), differences(whole); a != b {
					t.Fatalf("seed %d:\n%swhen all are asked about\n%sof\n%s", seed, a, b, list)
				}
				tried, settled = tried+1, settled+n
				if len(whole.Found) > 0 {
					differing++
				}
			}
			t.Logf("%d lists, %d of them differ, %d rows were settled", tried, differing, settled)
			if differing < tried/10 || settled < tried {
				t.Error("the lists differ too seldom, or have too few rows that are settled")
			}
		})
	}
}
