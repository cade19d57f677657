package postfix

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"virtmap/internal/mapfile"
	"virtmap/inventory"
)

// manyRows returns so many rows that their text is put away, in any order, with a tenth of the
// keys twice.
func manyRows() *importedRows {
	r, rows := rand.New(rand.NewPCG(82, 0)), &importedRows{}
	for i := range leastAway / 40 {
		key := fmt.Sprintf("user%d@d%d.example.org", r.IntN(1_000_000), r.IntN(300))
		rows.add(key, fmt.Sprintf("box%d@mx1.example.net", i), uint32(2*i))
		if i%10 == 0 {
			rows.add(key, "later@mx1.example.net", uint32(2*i+1))
		}
	}
	for _, key := range []string{"@d1.example.org", "++@d1.example.org", "user1+*@d1.example.org", "user1+x@d1.example.org"} {
		rows.add(key, "box1@mx1.example.net", uint32(len(rows.list)))
	}
	return rows
}

// TestSortedRows compares the order of rows with that of an inventory.
func TestSortedRows(t *testing.T) {
	rows := manyRows()
	want := slices.Clone(rows.list)
	slices.SortStableFunc(want, func(a, b importedRow) int { return inventory.CompareKeys(rows.keyOf(a), rows.keyOf(b)) })
	want = slices.CompactFunc(want, func(a, b importedRow) bool { return string(rows.keyOf(a)) == string(rows.keyOf(b)) })
	rows.sort()
	if !slices.Equal(rows.list, want) {
		t.Error("the rows have another order, or another row of a key counts")
	}
}

// TestRowsAreAsBefore puts the text of rows away and fetches it again.
func TestRowsAreAsBefore(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := &imported{rows: *manyRows()}
	s.rows.sort()
	sum := mapfile.SumOf(&s.rows)
	s.Release()
	if s.rows.text != nil || s.rows.away == nil {
		t.Fatal("the text is still in memory")
	}
	if left, err := filepath.Glob(dir + "/*"); err != nil || len(left) > 0 {
		t.Errorf("%q is left: %v", left, err)
	}
	if rows, err := s.Rows(); err != nil || mapfile.SumOf(rows) != sum {
		t.Errorf("the rows are others: %v", err)
	}
}

// TestRowsWithoutRoom puts the text of rows away where no file can be made.
func TestRowsWithoutRoom(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	s := &imported{rows: *manyRows()}
	s.Release()
	if s.rows.text == nil || s.rows.away != nil {
		t.Error("the text is not in memory")
	}
	if _, err := os.Stat(os.Getenv("TMPDIR")); err == nil {
		t.Error("the folder is there")
	}
}
