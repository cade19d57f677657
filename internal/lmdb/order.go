package lmdb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"virtmap/internal/parallel"
)

// leastRows is the number of rows from which a second processor pays.
const leastRows = 10_000

// A sortedRow is the number of a row, with the first eight bytes of its key to sort
// by. Missing bytes count as 0, so that different numbers have the order of the keys.
type sortedRow struct {
	prefix uint64
	row    uint32
}

func prefix(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var padded [8]byte
	copy(padded[:], key)
	return binary.BigEndian.Uint64(padded[:])
}

// inOrder returns the numbers of the rows in the order of their keys. It refuses
// keys and values of a wrong length, and a key that is given twice.
func inOrder(rows Rows) ([]sortedRow, error) {
	n := rows.Len()
	if uint64(n) > math.MaxUint32 {
		return nil, fmt.Errorf("%d rows are more than virtmap writes to an lmdb file", n)
	}
	order := make([]sortedRow, n)
	err := parallel.Ranges(n, leastRows, func(_, from, to int) error {
		for i := from; i < to; i++ {
			key, value := rows.Row(i)
			switch {
			case len(key) == 0:
				return fmt.Errorf("row %d: an lmdb file cannot have an empty key", i)
			case len(key) > MaxKey:
				return fmt.Errorf("row %d: key %q has %d bytes, %d are allowed", i, key[:32], len(key), MaxKey)
			case uint64(len(value)) > math.MaxUint32:
				return fmt.Errorf("row %d: the value of %q has %d bytes, %d are allowed", i, key, len(value), uint32(math.MaxUint32))
			}
			order[i] = sortedRow{prefix(key), uint32(i)}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	order = sortRows(order, compareRows(rows))
	for i := 1; i < n; i++ {
		if order[i-1].prefix != order[i].prefix {
			continue
		}
		before, _ := rows.Row(int(order[i-1].row))
		key, _ := rows.Row(int(order[i].row))
		if bytes.Equal(before, key) {
			return nil, fmt.Errorf("key %q is given twice, in rows %d and %d", key, order[i-1].row, order[i].row)
		}
	}
	return order, nil
}

// compareRows returns the comparison of rows by their keys. Equal keys have the
// order of their rows, so that the first of two errors is always the same.
func compareRows(rows Rows) func(x, y sortedRow) int {
	return func(x, y sortedRow) int {
		if x.prefix != y.prefix {
			return cmp.Compare(x.prefix, y.prefix)
		}
		a, _ := rows.Row(int(x.row))
		b, _ := rows.Row(int(y.row))
		if c := bytes.Compare(a, b); c != 0 {
			return c
		}
		return cmp.Compare(x.row, y.row)
	}
}

// sortRows sorts rows. Each processor sorts a part, and the parts are merged.
func sortRows(order []sortedRow, compare func(x, y sortedRow) int) []sortedRow {
	sorted := make([][]sortedRow, parallel.Parts(len(order), leastRows))
	_ = parallel.Ranges(len(order), leastRows, func(part, from, to int) error {
		sorted[part] = order[from:to]
		if !slices.IsSortedFunc(sorted[part], compare) {
			slices.SortFunc(sorted[part], compare)
		}
		return nil
	})
	for len(sorted) > 1 {
		half := sorted[:0]
		for i := 0; i < len(sorted); i += 2 {
			half = append(half, merge(sorted[i:min(i+2, len(sorted))], compare))
		}
		sorted = half
	}
	return sorted[0]
}

// merge merges one or two sorted lists.
func merge(lists [][]sortedRow, compare func(x, y sortedRow) int) []sortedRow {
	a := lists[0]
	if len(lists) == 1 {
		return a
	}
	b := lists[1]
	all := make([]sortedRow, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0], b[0]) < 0 {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}
