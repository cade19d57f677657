package virtuser

import (
	"math/rand/v2"
	"slices"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

func rowsOf(t *Table) (rows [][2]string) {
	for i := range t.Len() {
		key, value := t.Row(i)
		rows = append(rows, [2]string{string(key), string(value)})
	}
	return rows
}

func TestSortedTables(t *testing.T) {
	defer func(least int) { leastDomains = least }(leastDomains)
	leastDomains = 1
	for seed := range peer.Campaign(100) {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		m, faults := inventory.Parse("mail.yaml", sample.Inventory(r, "/etc/mail", "hash"))
		want := Compile(m, faults).Table
		read, ok := ReadSorted(want.Text())
		if !ok || !slices.Equal(rowsOf(read), rowsOf(want)) {
			t.Fatalf("read back it is %v, %q, not %q", ok, rowsOf(read), rowsOf(want))
		}
		shuffled := rowsOf(want)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again := SortedTable(func(yield func(key, value []byte) bool) {
			for _, row := range shuffled {
				if !yield([]byte(row[0]), []byte(row[1])) {
					return
				}
			}
		})
		if !slices.Equal(rowsOf(again), rowsOf(want)) {
			t.Fatalf("sorted again it is %q, not %q", rowsOf(again), rowsOf(want))
		}
	}
}

func TestTextsThatAreNotSorted(t *testing.T) {
	for it, text := range map[string]string{
		"a row out of order":       "b@a.example\tx\na@a.example\tx\n",
		"a row twice":              "a@a.example\tx\na@a.example\ty\n",
		"a catch-all in front":     "@a.example\tx\na@a.example\tx\n",
		"a key in capitals":        "A@a.example\tx\n",
		"a blank for the tab":      "a@a.example x\n",
		"two tabs":                 "a@a.example\t\tx\n",
		"no right side":            "a@a.example\t\n",
		"no key":                   "\tx\n",
		"no at sign":               "a\tx\n",
		"an empty line":            "a@a.example\tx\n\n",
		"no line end":              "a@a.example\tx",
		"a detail before its user": "a++@a.example\tx\na@a.example\tx\n",
	} {
		if _, ok := ReadSorted([]byte(text)); ok {
			t.Errorf("%s passes for sorted: %q", it, text)
		}
	}
}
