package inventory_test

import (
	"testing"

	"virtmap/inventory"
)

func TestOrderOfKeys(t *testing.T) {
	sorted := []string{
		"a@a.example", "a+b@a.example", "b@a.example", "a+*@a.example", "a++@a.example", "b++@a.example", "+*@a.example", "++@a.example", "@a.example",
		"a@b.example", "@b.example",
	}
	for i, a := range sorted {
		for j, b := range sorted {
			got := inventory.CompareKeys([]byte(a), []byte(b))
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%q and %q compare as %d, and stand at %d and %d", a, b, got, i, j)
			}
		}
	}
}
