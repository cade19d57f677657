package hashdb

import (
	"bytes"
	"errors"
	"slices"
)

var errStopped = errors.New("stopped")

// A walker reads every page of a file once.
type walker struct {
	f     *File
	yield func([2][]byte, error) bool
	used  []uint64 // a bit a page: belongs to something
	keys  int
	rows  int
}

// Stats say what Check found.
type Stats struct {
	Keys int
	Rows int // more than Keys where there are duplicates
}

// Check reads a whole image strictly: every page belongs to one thing, every
// bucket is in order, every key hashes to its bucket and stands there once,
// the free list and the metadata are sound. db_verify lets a cut file and keys
// in a wrong order pass; Check does not. A bucket's page that was zeroed is an
// empty bucket to libdb and to Check. The number of keys
// in the metadata is not held against the file: makemap writes none, and libdb
// does not keep it up. A caller who knows it compares with Stats.
func Check(image []byte) (Stats, error) {
	f, err := Open(image)
	if err != nil {
		return Stats{}, err
	}
	if err := f.checkMeta(); err != nil {
		return Stats{}, err
	}
	w := walker{f: f, yield: func([2][]byte, error) bool { return true }}
	if err := w.walk(); err != nil {
		return Stats{}, err
	}
	return Stats{Keys: w.keys, Rows: w.rows}, w.leftOver()
}

func (f *File) checkMeta() error {
	switch {
	case f.meta(metaPgno) != 0:
		return damaged("the first page says it is page %d", f.meta(metaPgno))
	case f.meta(metaCharKey) != charKey:
		return damaged("it was written with another hash function (0x%08x)", f.meta(metaCharKey))
	case f.meta(metaFlags)&^1 != 0:
		return damaged("it has subdatabases or sorted duplicates (flags 0x%x)", f.meta(metaFlags))
	}
	for i := range f.spares {
		if i > log2Ceil(f.maxBucket+1) {
			continue // a doubling that is still to come
		}
		first, last := uint64(0), uint64(0) // buckets of the group
		if i > 0 {
			first, last = 1<<(i-1), 1<<i-1
		}
		if at := uint64(f.spares[i]); at == 0 || last+at >= uint64(f.pages) {
			return damaged("buckets %d to %d would be on pages %d to %d of %d", first, last, first+at, last+at, f.pages)
		}
	}
	return nil
}

func (w *walker) walk() error {
	w.used = make([]uint64, w.f.pages/64+1)
	for b := range w.f.maxBucket + 1 {
		if err := w.bucket(b); err != nil {
			return err
		}
	}
	return nil
}

// take marks a page; no page belongs to two things.
func (w *walker) take(number uint32) error {
	if number >= w.f.pages {
		return damaged("it refers to page %d of %d", number, w.f.pages)
	}
	bit := uint64(1) << (number % 64)
	if w.used[number/64]&bit != 0 {
		return damaged("page %d is used twice", number)
	}
	w.used[number/64] |= bit
	return nil
}

func (w *walker) bucket(b uint32) error {
	var chain [][]byte // keys of the bucket's pages, to find one that is there twice
	number, previous := w.f.firstPage(b), uint32(0)
	for first := true; first || number != 0; first = false {
		p, err := w.f.bucketPage(number, previous)
		if err != nil {
			return err
		}
		if err := w.take(number); err != nil {
			return err
		}
		if p.empty {
			return nil
		}
		keys, err := w.page(p, b)
		if err != nil {
			return err
		}
		chain = append(chain, keys...)
		if p.entries == 0 && previous != 0 && p.next() == 0 && len(chain) == 0 {
			return damaged("page %d ends a bucket that holds nothing", number)
		}
		previous, number = number, p.next()
	}
	return uniqueKeys(chain, b)
}

func (w *walker) page(p page, b uint32) ([][]byte, error) {
	keys := make([][]byte, 0, p.entries/2)
	for i := 0; i < p.entries; i += 2 {
		key, err := w.item(p, i)
		if err != nil {
			return nil, err
		}
		if got := w.f.bucketOf(hash(key)); got != b {
			return nil, damaged("page %d: key %q is in bucket %d and belongs to %d", p.number, shorten(key), b, got)
		}
		if n := len(keys); p.kind == typeSorted && n > 0 && compareKeys(keys[n-1], key) >= 0 {
			return nil, damaged("page %d: key %q is out of order", p.number, shorten(key))
		}
		keys = append(keys, key)
		if err := w.row(p, i, key); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func (w *walker) item(p page, i int) ([]byte, error) {
	raw := p.raw(i)
	if raw[0] != itemBig || len(raw) != bigItemSize {
		return p.item(i)
	}
	return p.f.big(p.f.order.Uint32(raw[4:]), p.f.order.Uint32(raw[8:]), w.take)
}

func (w *walker) row(p page, i int, key []byte) error {
	w.keys++
	values := [][]byte{nil}
	var err error
	if p.raw(i + 1)[0] == itemDuplicate {
		values, err = p.duplicates(i + 1)
	} else {
		values[0], err = w.item(p, i+1)
	}
	if err != nil {
		return err
	}
	for _, value := range values {
		w.rows++
		if !w.yield([2][]byte{key, value}, nil) {
			return errStopped
		}
	}
	return nil
}

// uniqueKeys sorts, because a damaged file can have all its keys in one
// bucket.
func uniqueKeys(keys [][]byte, bucket uint32) error {
	slices.SortFunc(keys, bytes.Compare)
	for i := 1; i < len(keys); i++ {
		if bytes.Equal(keys[i-1], keys[i]) {
			return damaged("key %q is in bucket %d twice", shorten(keys[i]), bucket)
		}
	}
	return nil
}

// leftOver looks at the pages that no bucket refers to: the free list, and
// what was reserved for buckets to come. Anything else that holds rows was
// lost.
func (w *walker) leftOver() error {
	for number := w.f.meta(metaFree); number != 0; {
		p, err := w.f.page(number)
		if err != nil {
			return err
		}
		if p.kind != typeFree || p.empty {
			return damaged("page %d of the free list is of type %d", number, p.kind)
		}
		if err := w.take(number); err != nil {
			return err
		}
		number = p.next()
	}
	for number := uint32(1); number < w.f.pages; number++ {
		if w.used[number/64]&(1<<(number%64)) != 0 {
			continue
		}
		p, err := w.f.page(number)
		if err != nil {
			return err
		}
		if !p.empty && (p.kind == typeBig || p.kind != typeFree && p.entries != 0) {
			return damaged("page %d holds rows and belongs to nothing", number)
		}
	}
	return nil
}

func shorten(key []byte) []byte { return key[:min(len(key), 64)] }
