package mapfile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"

	"github.com/colinmarc/cdb"

	"virtmap/internal/mmap"
	"virtmap/internal/parallel"
)

// A cdb file, all numbers u32 little-endian (cr.yp.to/cdb/cdb.txt):
//
//	0      256 × position and slots of a hash table
//	2048   records: length of key and value, key, value
//	…      256 tables of slots: hash and position of a record
//
// A key's hash h begins with 5381 and takes h*33 ^ c for each byte; its table
// is h & 255, its first slot h>>8 modulo the slots, and a slot with position 0
// ends the search.
const (
	cdbHeader = 2048
	cdbStart  = 5381
)

func cdbHash(key []byte) uint32 {
	h := uint32(cdbStart)
	for _, c := range key {
		h = h*33 ^ uint32(c)
	}
	return h
}

// writeCDB writes through colinmarc/cdb. That writer takes a slot with hash 0
// for an empty one, so that a later record of the table would overwrite it:
// a key with hash 0 is written last, where nothing comes later, and a second
// one (the odds are one to some 10^13 a map of a million) is refused.
func writeCDB(w io.WriteSeeker, rows Rows) error {
	hashes, zeros, err := lookOver(rows)
	if err != nil {
		return err
	}
	if len(zeros) > 1 {
		first, _ := rows.Row(zeros[0])
		second, _ := rows.Row(zeros[1])
		return fmt.Errorf("the keys %q and %q both have the cdb hash 0 and cannot stand in one cdb; use map: hash, or rename one", first, second)
	}
	at := 0 // the row that is put
	out, err := cdb.NewWriter(withoutClose{w}, func([]byte) uint32 { return hashes[at] })
	if err != nil {
		return err
	}
	for at = 0; at < len(hashes); at++ {
		if hashes[at] == 0 {
			continue
		}
		if err := out.Put(rows.Row(at)); err != nil {
			return err
		}
	}
	for _, at = range zeros {
		if err := out.Put(rows.Row(at)); err != nil {
			return err
		}
	}
	return out.Close()
}

// withoutClose keeps the writer from closing a file that is not its own.
type withoutClose struct{ io.WriteSeeker }

// lookOver gives the hash of every key and the rows where it is 0, and refuses
// what positions of 32 bits cannot reach.
func lookOver(rows Rows) (hashes []uint32, zeros []int, err error) {
	const least = 10_000 // rows that are worth another processor
	parts := parallel.Parts(rows.Len(), least)
	hashes = make([]uint32, rows.Len())
	found, sizes := make([][]int, parts), make([]uint64, parts)
	_ = parallel.Ranges(rows.Len(), least, func(part, from, to int) error {
		for i := from; i < to; i++ {
			key, value := rows.Row(i)
			sizes[part] += uint64(8 + len(key) + len(value) + 16)
			if hashes[i] = cdbHash(key); hashes[i] == 0 {
				found[part] = append(found[part], i)
			}
		}
		return nil
	})
	size := uint64(cdbHeader)
	for _, n := range sizes {
		size += n
	}
	if size > math.MaxUint32 {
		return nil, nil, fmt.Errorf("the map would have %d bytes, and a cdb has at most 4 GiB; use map: hash", size)
	}
	return hashes, slices.Concat(found...), nil
}

// A cdbMap reads an image. Lengths and positions are not trusted.
type cdbMap []byte

var errCDB = errors.New("damaged cdb")

func damagedCDB(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errCDB}, args...)...)
}

func (m cdbMap) u32(at uint64) uint32 { return binary.LittleEndian.Uint32(m[at:]) }

// table gives position and slots of a hash table, within the image.
func (m cdbMap) table(i uint32) (at, slots uint64, err error) {
	at, slots = uint64(m.u32(uint64(i)*8)), uint64(m.u32(uint64(i)*8+4))
	if at < cdbHeader || at+slots*8 > uint64(len(m)) {
		return 0, 0, damagedCDB("table %d with %d slots at %d runs past the end", i, slots, at)
	}
	return at, slots, nil
}

// record gives the record at a position, and where the next one begins.
func (m cdbMap) record(at uint64) (key, value []byte, next uint64, err error) {
	if at < cdbHeader || at+8 > uint64(len(m)) {
		return nil, nil, 0, damagedCDB("a record at %d", at)
	}
	keyLen, valueLen := uint64(m.u32(at)), uint64(m.u32(at+4))
	next = at + 8 + keyLen + valueLen
	if next > uint64(len(m)) {
		return nil, nil, 0, damagedCDB("the record at %d with %d and %d bytes runs past the end", at, keyLen, valueLen)
	}
	return m[at+8 : at+8+keyLen], m[at+8+keyLen : next], next, nil
}

// fitsCDB tells a cdb by its header: tables one behind the other up to the end
// of the file.
func fitsCDB(image []byte) bool {
	if len(image) < cdbHeader {
		return false
	}
	m := cdbMap(image)
	for i := range uint32(256) {
		if _, _, err := m.table(i); err != nil {
			return false
		}
	}
	return true
}

func openCDB(image []byte) (cdbMap, error) { return cdbMap(image), nil }

// Get finds the first record of a key.
func (m cdbMap) Get(key []byte) (value []byte, ok bool, err error) {
	h := cdbHash(key)
	at, slots, err := m.table(h & 255)
	if err != nil || slots == 0 {
		return nil, false, err
	}
	for i := range slots {
		slot := at + (uint64(h>>8)+i)%slots*8
		position := uint64(m.u32(slot + 4))
		if position == 0 {
			return nil, false, nil
		}
		if m.u32(slot) != h {
			continue
		}
		stored, value, _, err := m.record(position)
		if err != nil {
			return nil, false, err
		}
		if bytes.Equal(stored, key) {
			return value, true, nil
		}
	}
	return nil, false, nil
}

// recordsEnd is where the records end: at the first table.
func (m cdbMap) recordsEnd() (uint64, error) {
	end := uint64(len(m))
	for i := range uint32(256) {
		at, _, err := m.table(i)
		if err != nil {
			return 0, err
		}
		end = min(end, at)
	}
	return end, nil
}

// All gives every record in order.
func (m cdbMap) All() iter.Seq2[[2][]byte, error] {
	return func(yield func([2][]byte, error) bool) {
		end, err := m.recordsEnd()
		for at := uint64(cdbHeader); err == nil && at < end; {
			var row [2][]byte
			if row[0], row[1], at, err = m.record(at); err == nil && at > end {
				err = damagedCDB("a record runs into the tables at %d", end)
			}
			if err == nil && !yield(row, nil) {
				return
			}
		}
		if err != nil {
			yield([2][]byte{}, err)
		}
	}
}

// checkCDB reads a whole image: the records fill the space before the tables,
// the tables follow each other to the end, and each record is found through
// exactly one slot: hashes and positions of all records have the same sum as
// those of all slots. Records and tables are read side by side.
func checkCDB(image *mmap.Image) (rows Sum, err error) {
	m := cdbMap(image.Bytes)
	end, err := m.recordsEnd()
	if err != nil {
		return Sum{}, err
	}
	var slotted, found Sum
	walks := []func() error{
		func() (err error) { slotted, err = m.checkTables(end); return err },
		func() (err error) { rows, found, err = m.checkRecords(image, end); return err },
	}
	err = parallel.Ranges(len(walks), 1, func(_, from, to int) (err error) {
		for _, walk := range walks[from:to] {
			err = cmp.Or(err, mmap.Guard(walk))
		}
		return err
	})
	switch {
	case err != nil:
		return Sum{}, err
	case found.Len() != slotted.Len():
		return Sum{}, damagedCDB("%d records and %d slots in use", found.Len(), slotted.Len())
	case found != slotted:
		return Sum{}, damagedCDB("not every record is found through a slot of its own")
	}
	return rows, nil
}

// checkTables checks all tables and gives the sum of their slots. end is where
// the records end.
func (m cdbMap) checkTables(end uint64) (slotted Sum, err error) {
	next := end
	for i := range uint32(256) {
		at, slots, err := m.table(i)
		if err != nil {
			return Sum{}, err
		}
		if at != next {
			return Sum{}, damagedCDB("table %d is at %d, not at %d", i, at, next)
		}
		next = at + slots*8
		if err = m.checkSlots(i, at, slots, &slotted); err != nil {
			return Sum{}, err
		}
	}
	if next != uint64(len(m)) {
		return Sum{}, damagedCDB("%d bytes behind the last table", uint64(len(m))-next)
	}
	return slotted, nil
}

// checkRecords gives the sum of all records, and of what the slots have to say
// of them.
func (m cdbMap) checkRecords(image *mmap.Image, end uint64) (rows, found Sum, err error) {
	for at, read := uint64(cdbHeader), uint64(cdbHeader); at < end; {
		position := at
		var key, value []byte
		if key, value, at, err = m.record(at); err != nil {
			return rows, found, err
		}
		if at > end {
			return rows, found, damagedCDB("a record runs into the tables at %d", end)
		}
		rows.Add(key, value)
		addSlot(&found, cdbHash(key), uint32(position))
		if at-read > releaseEvery {
			image.Release()
			read = at
		}
	}
	return rows, found, nil
}

// releaseEvery is how many bytes of records are read before their memory is
// let go of.
const releaseEvery = 8 << 20

// addSlot takes what a slot says into a sum.
func addSlot(sum *Sum, h, position uint32) {
	var slot [8]byte
	binary.LittleEndian.PutUint32(slot[:], h)
	binary.LittleEndian.PutUint32(slot[4:], position)
	sum.Add(slot[:], nil)
}

// checkSlots checks one table and takes its slots into a sum. A search for a
// record begins at its first slot and ends at an empty one, so that no slot
// between may be empty.
func (m cdbMap) checkSlots(table uint32, at, slots uint64, sum *Sum) error {
	used := func(i uint64) bool { return m.u32(at+i%slots*8+4) != 0 }
	run := uint64(0) // used slots right before the one looked at
	for back := slots; back > 0 && used(back-1); back-- {
		run++
	}
	for i := range slots {
		if !used(i) {
			run = 0
			continue
		}
		h, position := m.u32(at+i*8), m.u32(at+i*8+4)
		distance := (i + slots - uint64(h>>8)%slots) % slots
		if h&255 != table || distance > run {
			return damagedCDB("slot %d of table %d does not belong there", i, table)
		}
		addSlot(sum, h, position)
		run++
	}
	return nil
}
