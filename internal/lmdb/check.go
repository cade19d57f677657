package lmdb

import (
	"bytes"
	"cmp"

	"virtmap/internal/mmap"
)

// releaseEvery is the number of bytes of rows that are read before their memory is
// released.
const releaseEvery = 8 << 20

// Check reads a whole image strictly, and gives each row to row in the order of the
// keys. Every page has one use, all keys are in order and within the bounds of the
// branches above them, all leaves are on one level, nodes fill their pages without
// gaps, and the counts of both meta pages are right. mdb_stat and mdb_dump accept
// nearly all of what Check refuses.
//
// Check accepts what liblmdb leaves in a file: an older tree in the other meta page,
// free pages, a file that ends before its last pages if these are free, bytes behind
// the last page, and any map size.
func Check(image *mmap.Image, row func(key, value []byte)) error {
	f, err := Open(image.Bytes)
	if err != nil {
		return err
	}
	if err := f.checkMetas(); err != nil {
		return err
	}
	read := 0
	w := walker{f: f, used: newPageSet(f.meta.last + 1), order: bytes.Compare}
	w.row = func(key []byte, v value) error {
		row(key, v.bytes)
		if read += len(key) + len(v.bytes); read > releaseEvery {
			image.Release()
			read = 0
		}
		return nil
	}
	if err := w.tree(f.meta.main); err != nil {
		return err
	}
	if err := f.checkFree(w.used); err != nil {
		return err
	}
	for number := uint64(firstPage); number <= f.meta.last; number++ {
		if w.used[number/64]&(1<<(number%64)) == 0 {
			return damaged("page %d belongs to nothing", number)
		}
	}
	return nil
}

// checkMetas checks what Open does not check in the meta pages. When one transaction
// has changed a file since it was new, the other meta page is that of the new file,
// which was empty, or has the same trees.
func (f *File) checkMetas() error {
	for number, m := range f.metas {
		if m.txn != 0 && m.txn%2 != uint64(number) {
			return damaged("meta page %d is of transaction %d", number, m.txn)
		}
	}
	// The list of free pages needs 8 bytes a page. More pages cannot be free.
	if most := f.pages + uint64(len(f.image)/8); f.meta.last < 1 || f.meta.last > most {
		return damaged("it has %d pages, and says that the last one is %d", f.pages, f.meta.last)
	}
	other := &f.metas[0]
	if f.meta == other {
		other = &f.metas[1]
	}
	same := other.main == f.meta.main && other.free == f.meta.free && other.last == f.meta.last
	isNew := other.main.root == noPage && other.free.root == noPage
	if f.meta.txn <= 1 && !same && !isNew {
		return damaged("its meta pages do not have the same trees")
	}
	return nil
}

// checkFree walks the tree of the free pages, and marks them as used.
func (f *File) checkFree(used pageSet) error {
	w := walker{f: f, used: used, order: compareNumbers}
	w.row = func(key []byte, v value) error {
		if len(key) != 8 || len(v.bytes) < 8 || little.Uint64(v.bytes) > uint64(len(v.bytes)/8-1) {
			return damaged("a list of free pages with a key of %d and a value of %d bytes", len(key), len(v.bytes))
		}
		for i := range little.Uint64(v.bytes) {
			number := little.Uint64(v.bytes[8+8*i:])
			if number < firstPage || number > f.meta.last {
				return damaged("page %d of the free list does not exist", number)
			}
			if err := used.take(number); err != nil {
				return err
			}
		}
		return nil
	}
	return w.tree(f.meta.free)
}

// compareNumbers compares keys of the tree of free pages, which are numbers. Other
// keys come first; they are refused as rows.
func compareNumbers(a, b []byte) int {
	if len(a) != 8 || len(b) != 8 {
		return cmp.Compare(len(a), len(b))
	}
	return cmp.Compare(little.Uint64(a), little.Uint64(b))
}
