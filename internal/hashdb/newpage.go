package hashdb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// A keyedRow is a row of a bucketRange, with a short key to sort by.
type keyedRow struct {
	prefix uint64 // of the key, see prefix
	row    uint32 // its number
	key    []byte
	value  []byte
}

// prefix is the first eight bytes of a key as a number. When the numbers of two
// keys differ, their order is that of compareKeys. A missing byte counts as
// 0xff, because a longer key comes before its own beginning.
func prefix(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	padded := [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	copy(padded[:], key)
	return binary.BigEndian.Uint64(padded[:])
}

// sortRows sorts the rows of a bucket in the order of its pages, and refuses a
// key that is given twice.
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

// digestText appends a row to the text of a digest. The lengths stand before
// the bytes, so that other rows never give the same text.
func (r *keyedRow) digestText(text []byte) []byte {
	text = little.AppendUint32(text, uint32(len(r.key)))
	text = little.AppendUint32(text, uint32(len(r.value)))
	return append(append(text, r.key...), r.value...)
}

// A newPage is a page that is being filled.
type newPage []byte

// open writes the header of an empty page.
func (p newPage) open(number, previous uint32) {
	little.PutUint32(p[4:], 1)
	little.PutUint32(p[headPgno:], number)
	little.PutUint32(p[headPrev:], previous)
	little.PutUint16(p[headHfOffset:], uint16(len(p)))
	p[headType] = typeSorted
}

func (p newPage) number() uint32 { return little.Uint32(p[headPgno:]) }

func (p newPage) entries() int { return int(little.Uint16(p[headEntries:])) }

// lowest is the offset of the item that was put last.
func (p newPage) lowest() int { return int(little.Uint16(p[headHfOffset:])) }

// free is the number of bytes between the index and the items.
func (p newPage) free() int { return p.lowest() - pageHead - 2*p.entries() }

// item adds an item of size bytes to the index and returns its bytes.
func (p newPage) item(size int) []byte {
	n, at := p.entries(), p.lowest()-size
	little.PutUint16(p[pageHead+2*n:], uint16(at))
	little.PutUint16(p[headEntries:], uint16(n+1))
	little.PutUint16(p[headHfOffset:], uint16(at))
	return p[at : at+size]
}

// put adds an item with a text.
func (p newPage) put(text []byte) {
	item := p.item(len(text) + 1)
	item[0] = itemInline
	copy(item[1:], text)
}

// putBig adds an item that refers to a big value.
func (p newPage) putBig(first uint32, length int) {
	item := p.item(bigItemSize)
	item[0] = itemBig
	little.PutUint32(item[4:], first)
	little.PutUint32(item[8:], uint32(length))
}
