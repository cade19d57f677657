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
//	0      256 entries: position of a hash table, number of its slots
//	2048   records: length of the key, length of the value, key, value
//	…      256 hash tables; each slot: hash of a key, position of its record
//
// The hash h of a key is 5381 at first, and then h*33 ^ c for each byte c of
// the key. The key is in table h & 255. A search begins at slot h>>8 modulo the
// number of slots and ends at a slot with position 0. After the last slot, the
// search goes on at the first slot.
const (
	cdbHeader = 2048
	cdbStart  = 5381
)

// cdbHash returns the hash of a key.
func cdbHash(key []byte) uint32 {
	h := uint32(cdbStart)
	for _, c := range key {
		h = h*33 ^ uint32(c)
	}
	return h
}

// writeCDB writes a cdb with colinmarc/cdb. This package takes a slot with hash 0
// for an empty slot, and a later record of the same table overwrites the slot.
// Therefore writeCDB writes a key with hash 0 after all other keys, and refuses a
// second key with hash 0. The odds of two such keys in a map of a million rows are
// about one in 10^13.
func writeCDB(w io.WriteSeeker, rows Rows) error {
	hashes, zeros, err := hashKeys(rows)
	if err != nil {
		return err
	}
	if len(zeros) > 1 {
		first, _ := rows.Row(zeros[0])
		second, _ := rows.Row(zeros[1])
		return fmt.Errorf("the keys %q and %q both have the cdb hash 0 and cannot stand in one cdb; use map: hash, or rename one", first, second)
	}
	row := 0 // the number of the row that is being written
	out, err := cdb.NewWriter(withoutClose{w}, func([]byte) uint32 { return hashes[row] })
	if err != nil {
		return err
	}
	for row = 0; row < len(hashes); row++ {
		if hashes[row] == 0 {
			continue
		}
		if err := out.Put(rows.Row(row)); err != nil {
			return err
		}
	}
	for _, row = range zeros {
		if err := out.Put(rows.Row(row)); err != nil {
			return err
		}
	}
	return out.Close()
}

// withoutClose hides the Close method of a file from cdb.Writer, which would
// call it.
type withoutClose struct{ io.WriteSeeker }

// hashKeys returns the hash of every key, and the numbers of the rows whose hash is
// 0. It fails if the file would have more bytes than a position of 32 bits reaches.
func hashKeys(rows Rows) (hashes []uint32, zeros []int, err error) {
	const least = 10_000 // rows for each processor; with fewer, a further processor saves no time
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

// A cdbMap is a cdb in memory. Its methods check every length and position
// before they use it.
type cdbMap []byte

var errCDB = errors.New("damaged cdb")

// damagedCDB makes an error for a cdb with wrong bytes.
func damagedCDB(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errCDB}, args...)...)
}

// u32 returns the number at an offset.
func (m cdbMap) u32(at uint64) uint32 { return binary.LittleEndian.Uint32(m[at:]) }

// table returns the position of a hash table and the number of its slots. It fails
// if not all of these slots are within the image.
func (m cdbMap) table(i uint32) (at, slots uint64, err error) {
	at, slots = uint64(m.u32(uint64(i)*8)), uint64(m.u32(uint64(i)*8+4))
	if at < cdbHeader || at+slots*8 > uint64(len(m)) {
		return 0, 0, damagedCDB("table %d with %d slots at %d runs past the end", i, slots, at)
	}
	return at, slots, nil
}

// record returns the record at a position, and the position of the next one.
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

// fitsCDB reports whether the header is that of a cdb: 256 tables that are all
// within the file.
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

// recordsEnd returns the offset where the records end and the first table begins.
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

// All yields every record in the order of the file.
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

// checkCDB checks a whole image and returns the sum of its rows. The records must
// fill the space before the tables, the tables must fill the rest of the file, and
// each record must have exactly one slot. For the last of these checks, checkCDB
// compares two sums: that of the slots in use, and that of the slots that the
// records need. Records and tables are read at the same time.
func checkCDB(image *mmap.Image) (rows Sum, err error) {
	m := cdbMap(image.Bytes)
	end, err := m.recordsEnd()
	if err != nil {
		return Sum{}, err
	}
	var inUse, needed Sum
	checks := []func() error{
		func() (err error) { inUse, err = m.checkTables(end); return err },
		func() (err error) { rows, needed, err = m.checkRecords(image, end); return err },
	}
	err = parallel.Ranges(len(checks), 1, func(_, from, to int) (err error) {
		for _, check := range checks[from:to] {
			err = cmp.Or(err, mmap.Guard(check))
		}
		return err
	})
	switch {
	case err != nil:
		return Sum{}, err
	case needed.Len() != inUse.Len():
		return Sum{}, damagedCDB("%d records and %d slots in use", needed.Len(), inUse.Len())
	case needed != inUse:
		return Sum{}, damagedCDB("not every record is found through a slot of its own")
	}
	return rows, nil
}

// checkTables checks all tables and returns the sum of their slots in use. The
// records end at the offset end.
func (m cdbMap) checkTables(end uint64) (inUse Sum, err error) {
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
		if err = m.checkSlots(i, at, slots, &inUse); err != nil {
			return Sum{}, err
		}
	}
	if next != uint64(len(m)) {
		return Sum{}, damagedCDB("%d bytes behind the last table", uint64(len(m))-next)
	}
	return inUse, nil
}

// checkRecords returns the sum of all records, and the sum of the slots that
// these records need.
func (m cdbMap) checkRecords(image *mmap.Image, end uint64) (rows, needed Sum, err error) {
	for at, released := uint64(cdbHeader), uint64(cdbHeader); at < end; {
		position := at
		var key, value []byte
		if key, value, at, err = m.record(at); err != nil {
			return rows, needed, err
		}
		if at > end {
			return rows, needed, damagedCDB("a record runs into the tables at %d", end)
		}
		rows.Add(key, value)
		addSlot(&needed, cdbHash(key), uint32(position))
		if at-released > releaseEvery {
			image.Release()
			released = at
		}
	}
	return rows, needed, nil
}

// releaseEvery is the number of bytes of records that are read before their
// memory is released.
const releaseEvery = 8 << 20

// addSlot adds the hash and the position of a slot to a sum.
func addSlot(sum *Sum, h, position uint32) {
	var slot [8]byte
	binary.LittleEndian.PutUint32(slot[:], h)
	binary.LittleEndian.PutUint32(slot[4:], position)
	sum.Add(slot[:], nil)
}

// checkSlots checks one table and adds its slots in use to a sum. A search ends at
// the first empty slot. Therefore no slot may be empty from the slot where the
// search for a key begins to the slot that has the key.
func (m cdbMap) checkSlots(table uint32, at, slots uint64, sum *Sum) error {
	used := func(i uint64) bool { return m.u32(at+i%slots*8+4) != 0 }
	run := uint64(0) // the number of used slots right before slot i; before slot 0 is the last slot
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
