package hashdb

import (
	"hash/maphash"

	"virtmap/internal/parallel"
)

// A Sum compares sets of rows, in any order. It has the number of rows and the
// sum of their 64-bit hashes. Equal sets have equal Sums; different sets
// have equal Sums with a probability of 2^-64. The seed of the hash is a random
// number of each process, so that a Sum is of no use to another process.
type Sum struct {
	rows   int
	hashes uint64
}

var sumKey = maphash.MakeSeed()

// Add adds a row.
func (s *Sum) Add(key, value []byte) {
	var buffer [256]byte // most rows fit
	text := little.AppendUint32(buffer[:0], uint32(len(key)))
	text = append(append(text, key...), value...)
	s.rows++
	s.hashes += maphash.Bytes(sumKey, text)
}

// Join adds the rows of another Sum.
func (s *Sum) Join(o Sum) { s.rows, s.hashes = s.rows+o.rows, s.hashes+o.hashes }

// Len is the number of rows.
func (s Sum) Len() int { return s.rows }

// SumOf returns the Sum of rows.
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
