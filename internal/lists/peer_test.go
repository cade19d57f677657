package lists

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// aText writes a text of virtual(5) with all that people put into one, and with what
// postmap(1) warns of.
func aText(r *rand.Rand) string {
	one := func(words ...string) string { return words[r.IntN(len(words))] }
	var out strings.Builder
	if r.IntN(4) == 0 {
		out.WriteString(one("", " ", "\t") + "begins@d0.example with a blank\n")
	}
	for range 3 + r.IntN(20) {
		n := r.IntN(12)
		key := one("info", "Ann.B", "x+y", "", `"a b"`, `a\ b`, `"p\"q"`, "büro", "b\xfcro", `"half`) + one("@", "@", "@", "") + one("d%d.example", "D%d.Example")
		if strings.Contains(key, "%") {
			key = fmt.Sprintf(key, n)
		}
		value := one("ann", "ann@far.example", "@d2.example", "Bob, ann", "a b\tc", `"c d"@far.example`, "%1@far.example", "error:5.1.1:550 no", "", "b\xe9b", "DOMAIN")
		for range r.IntN(3) {
			value += one(",\n ", "\n\t", "\n# between\n  ", "\n\n ", ", ", " \v", "\n \t\r\n x") + one("carl", "dora@far.example", "#eve")
		}
		out.WriteString(one("", "", "", "# about\n", "\n", "  # indented\n", " \n") + key + one(" ", "\t", "  \t ") + value + one("", "", " ", "\r", "\t\r") + "\n")
	}
	return strings.TrimSuffix(out.String(), one("", "\n"))
}

// TestPostmapReadsTheSame has postmap read generated texts. Each row of postmap is a row
// of Read with the same targets, and each row of Read is one of postmap.
func TestPostmapReadsTheSame(t *testing.T) {
	postmap := peer.Postmap(t)
	rows, left := 0, 0
	for seed := range peer.Campaign(60) {
		text := aText(rand.New(rand.NewPCG(7, uint64(seed))))
		path := filepath.Join(t.TempDir(), "virtual")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		postmap("", "hash:"+path)
		theirs := map[string]string{}
		for line := range strings.Lines(postmap("", "-s", "hash:"+path)) {
			key, value, _ := cut(line) // a key in quotes may have tabs
			theirs[key] = value
		}
		list := parse("postfix", path, text)
		seen := map[string]bool{}
		for _, row := range list.Rows {
			key := strings.ToLower(row.Key)
			if seen[key] {
				continue // postmap takes the first
			}
			seen[key] = true
			value, there := theirs[key]
			if want := targets(value, " ,"); !there || row.Is == Address && row.Value != want {
				t.Errorf("seed %d: %s is %q and not %q\n%s", seed, row.Key, row.Value, want, text)
			}
		}
		for _, line := range list.Left {
			if line.Why == aTransport.why || line.Why == whyNoTarget { // a row of transport(5); a row whose value is a comma
				key, _, _ := cut(line.Text)
				seen[strings.ToLower(key)] = true
			}
		}
		if len(seen) != len(theirs) {
			t.Errorf("seed %d: %d rows, postmap has %d\n%s\n%s", seed, len(seen), len(theirs), text, shown(list))
		}
		rows, left = rows+len(list.Rows), left+len(list.Left)
	}
	if t.Logf("%d rows, %d lines left out", rows, left); rows < 200 || left < 100 {
		t.Error("too few of a kind")
	}
}

// TestMapsAreNoTexts has postmap make a map of each type.
func TestMapsAreNoTexts(t *testing.T) {
	postmap := peer.Postmap(t)
	for _, kind := range []string{"hash", "btree", "cdb", "lmdb"} {
		path := filepath.Join(t.TempDir(), "virtual")
		if err := os.WriteFile(path, []byte("a@a.example x\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		postmap("", kind+":"+path)
		made, err := filepath.Glob(path + ".*b")
		if err != nil || len(made) != 1 {
			t.Fatalf("postmap made %q of %s (%v)", made, kind, err)
		}
		data, err := os.ReadFile(made[0])
		if err != nil {
			t.Fatal(err)
		}
		list := parse("postfix", "f", string(data))
		if len(list.Rows) > 0 || len(list.Left) != 1 || !strings.Contains(list.Left[0].Why, "give the text of which it was made") || list.Left[0].Text != "" {
			t.Errorf("%s becomes %s", kind, shown(list))
		}
	}
}
