package hashdb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// A keyedRow is a row of the bucket at hand.
type keyedRow struct {
	prefix uint64
	row    uint32
	key    []byte
	value  []byte
}

// prefix is the first eight bytes of a key as a number that is in the order of
// compareKeys wherever it differs: of two keys that begin alike the longer one
// is the smaller, so that what is missing counts as the highest byte.
func prefix(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	padded := [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	copy(padded[:], key)
	return binary.BigEndian.Uint64(padded[:])
}

// sortRows sorts the rows of a bucket as they stand on its pages.
func sortRows(rows []keyedRow) error {
	slices.SortFunc(rows, func(x, y keyedRow) int {
		if x.prefix != y.prefix {
			return cmp.Compare(x.prefix, y.prefix)
		}
		return compareKeys(x.key, y.key)
	})
	for n := 1; n < len(rows); n++ {
		x, y := &rows[n-1], &rows[n]
		if x.prefix == y.prefix && bytes.Equal(x.key, y.key) {
			return fmt.Errorf("key %q is given twice, in rows %d and %d", x.key, min(x.row, y.row), max(x.row, y.row))
		}
	}
	return nil
}

// digestText appends a row for a digest so that no two sets of rows look
// alike.
func (r *keyedRow) digestText(text []byte) []byte {
	text = little.AppendUint32(text, uint32(len(r.key)))
	text = little.AppendUint32(text, uint32(len(r.value)))
	return append(append(text, r.key...), r.value...)
}

// A newPage is a page that is being filled.
type newPage []byte

func (p newPage) open(number, previous uint32) {
	little.PutUint32(p[4:], 1)
	little.PutUint32(p[headPgno:], number)
	little.PutUint32(p[headPrev:], previous)
	little.PutUint16(p[headHfOffset:], uint16(len(p)))
	p[headType] = typeSorted
}

func (p newPage) number() uint32 { return little.Uint32(p[headPgno:]) }

func (p newPage) entries() int { return int(little.Uint16(p[headEntries:])) }

func (p newPage) lowest() int { return int(little.Uint16(p[headHfOffset:])) }

func (p newPage) free() int { return p.lowest() - pageHead - 2*p.entries() }

// item makes room for an item of size bytes and gives it.
func (p newPage) item(size int) []byte {
	n, at := p.entries(), p.lowest()-size
	little.PutUint16(p[pageHead+2*n:], uint16(at))
	little.PutUint16(p[headEntries:], uint16(n+1))
	little.PutUint16(p[headHfOffset:], uint16(at))
	return p[at : at+size]
}

func (p newPage) put(text []byte) {
	item := p.item(len(text) + 1)
	item[0] = itemInline
	copy(item[1:], text)
}

func (p newPage) putBig(first uint32, length int) {
	item := p.item(bigItemSize)
	item[0] = itemBig
	little.PutUint32(item[4:], first)
	little.PutUint32(item[8:], uint32(length))
}
