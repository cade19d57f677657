package lint

import (
	"math/rand/v2"
	"testing"

	"virtmap/internal/diag"
)

// TestNearNamesAreFoundByAllPairs compares the index with a comparison of all pairs.
// The limit is a form that many names share.
func TestNearNamesAreFoundByAllPairs(t *testing.T) {
	for seed := range 20 {
		var all []named
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		for i := range 300 {
			name := make([]byte, 4+r.IntN(5))
			for k := range name {
				name[k] = "abc-"[r.IntN(4)]
			}
			all = append(all, named{text: string(name), pos: diag.Pos(i)})
		}
		near := map[string]bool{}
		for at := range nearPairs(all) {
			near[at.text] = true
		}
		for i, one := range all {
			for _, other := range all[:i] {
				if oneLetterOff(one.text, other.text) && len(other.text) >= minNear && len(one.text) >= minNear && !near[one.text] {
					t.Errorf("seed %d: %s and %s are near, and nobody says so", seed, one.text, other.text)
				}
			}
		}
	}
}
