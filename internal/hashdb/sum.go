package hashdb

import (
	"hash/maphash"

	"virtmap/internal/parallel"
)

// A Sum tells sets of rows apart, whatever their order: how many they are, and
// the sum of a hash of 64 bits of each, under a key that every process draws
// anew. Equal sets have equal Sums; the odds that others have are 2^-64.
type Sum struct {
	rows   int
	hashes uint64
}

var sumKey = maphash.MakeSeed()

// Add takes a row in.
func (s *Sum) Add(key, value []byte) {
	var buffer [256]byte // most rows fit
	text := little.AppendUint32(buffer[:0], uint32(len(key)))
	text = append(append(text, key...), value...)
	s.rows++
	s.hashes += maphash.Bytes(sumKey, text)
}

// Join takes the rows of another sum in.
func (s *Sum) Join(o Sum) { s.rows, s.hashes = s.rows+o.rows, s.hashes+o.hashes }

// Len is the number of rows.
func (s Sum) Len() int { return s.rows }

// SumOf gives the sum of rows.
func SumOf(rows Rows) Sum {
	sums := make([]Sum, parallel.Parts(rows.Len(), leastRows))
	_ = parallel.Ranges(rows.Len(), leastRows, func(part, from, to int) error {
		var sum Sum
		for i := from; i < to; i++ {
			sum.Add(rows.Row(i))
		}
		sums[part] = sum
		return nil
	})
	var all Sum
	for _, s := range sums {
		all.Join(s)
	}
	return all
}
