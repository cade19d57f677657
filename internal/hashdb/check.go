package hashdb

import (
	"bytes"
	"errors"
	"slices"
	"sync/atomic"

	"virtmap/internal/mmap"
	"virtmap/internal/parallel"
)

var errStopped = errors.New("stopped")

// A walker reads the pages of some buckets.
type walker struct {
	f     *File
	yield func([2][]byte, error) bool
	used  *pageSet
	keys  int
	rows  int

	chain [][]byte // keys of the bucket at hand
}

// A pageSet has a bit for each page that belongs to something. It may be used
// from several goroutines.
type pageSet struct{ bits []atomic.Uint64 }

func newPageSet(pages uint32) *pageSet { return &pageSet{make([]atomic.Uint64, pages/64+1)} }

func (s *pageSet) add(number uint32) (isNew bool) {
	bit := uint64(1) << (number % 64)
	return s.bits[number/64].Or(bit)&bit == 0
}

func (s *pageSet) has(number uint32) bool { return s.bits[number/64].Load()&(1<<(number%64)) != 0 }

// Stats say what Check found.
type Stats struct {
	Keys int
	Rows int // more than Keys where there are duplicates
	Sum  Sum // of the rows
}

// Check reads a whole image strictly: every page belongs to one thing, every
// bucket is in order, every key hashes to its bucket and stands there once,
// the free list and the metadata are sound. db_verify lets a cut file and keys
// in a wrong order pass; Check does not. A bucket's page that was zeroed is an
// empty bucket to libdb and to Check. The number of keys
// in the metadata is not held against the file: makemap writes none, and libdb
// does not keep it up. A caller who knows it compares with Stats.
//
// The processors share the buckets, and let go of the pages they have read.
func Check(image *mmap.Image) (Stats, error) {
	f, err := Open(image.Bytes)
	if err != nil {
		return Stats{}, err
	}
	if err := f.checkMeta(); err != nil {
		return Stats{}, err
	}
	used := newPageSet(f.pages)
	buckets := int(f.maxBucket) + 1
	parts := make([]Stats, parallel.Parts(buckets, leastBuckets))
	err = parallel.Ranges(buckets, leastBuckets, func(part, from, to int) error {
		return mmap.Guard(func() (err error) {
			parts[part], err = f.checkBuckets(image, used, uint32(from), uint32(to))
			return err
		})
	})
	if err != nil {
		return Stats{}, err
	}
	var all Stats
	for _, s := range parts {
		all.Keys, all.Rows = all.Keys+s.Keys, all.Rows+s.Rows
		all.Sum.Join(s.Sum)
	}
	return all, f.leftOver(used)
}

// leastBuckets is how many buckets are worth another processor, and how many
// are read before their memory is let go of.
const leastBuckets = 1000

func (f *File) checkBuckets(image *mmap.Image, used *pageSet, from, to uint32) (Stats, error) {
	var sum Sum
	w := walker{f: f, used: used, yield: func(row [2][]byte, _ error) bool { sum.Add(row[0], row[1]); return true }}
	for b := from; b < to; b++ {
		if err := w.bucket(b); err != nil {
			return Stats{}, err
		}
		if (b-from)%leastBuckets == leastBuckets-1 {
			image.Release()
		}
	}
	return Stats{Keys: w.keys, Rows: w.rows, Sum: sum}, nil
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
	w.used = newPageSet(w.f.pages)
	for b := range w.f.maxBucket + 1 {
		if err := w.bucket(b); err != nil {
			return err
		}
	}
	return nil
}

// take marks a page of a file; no page belongs to two things.
func (s *pageSet) take(f *File, number uint32) error {
	if number >= f.pages {
		return damaged("it refers to page %d of %d", number, f.pages)
	}
	if !s.add(number) {
		return damaged("page %d is used twice", number)
	}
	return nil
}

func (w *walker) take(number uint32) error { return w.used.take(w.f, number) }

func (w *walker) bucket(b uint32) error {
	w.chain = w.chain[:0]
	sorted, pages := true, 0
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
		if err := w.page(p, b); err != nil {
			return err
		}
		if p.entries == 0 && previous != 0 && p.next() == 0 && len(w.chain) == 0 {
			return damaged("page %d ends a bucket that holds nothing", number)
		}
		sorted, pages = sorted && p.kind == typeSorted, pages+1
		previous, number = number, p.next()
	}
	if sorted && pages == 1 {
		return nil // what is in order is there once
	}
	return uniqueKeys(w.chain, b)
}

// page reads the rows of a page and adds its keys to the chain.
func (w *walker) page(p page, b uint32) error {
	before := len(w.chain)
	for i := 0; i < p.entries; i += 2 {
		key, err := w.item(p, i)
		if err != nil {
			return err
		}
		if got := w.f.bucketOf(hash(key)); got != b {
			return damaged("page %d: key %q is in bucket %d and belongs to %d", p.number, shorten(key), b, got)
		}
		if n := len(w.chain); p.kind == typeSorted && n > before && compareKeys(w.chain[n-1], key) >= 0 {
			return damaged("page %d: key %q is out of order", p.number, shorten(key))
		}
		w.chain = append(w.chain, key)
		if err := w.row(p, i, key); err != nil {
			return err
		}
	}
	return nil
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
	if p.raw(i + 1)[0] != itemDuplicate {
		value, err := w.item(p, i+1)
		if err != nil {
			return err
		}
		return w.give(key, value)
	}
	values, err := p.duplicates(i + 1)
	if err != nil {
		return err
	}
	for _, value := range values {
		if err := w.give(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) give(key, value []byte) error {
	w.rows++
	if !w.yield([2][]byte{key, value}, nil) {
		return errStopped
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
func (f *File) leftOver(used *pageSet) error {
	for number := f.meta(metaFree); number != 0; {
		p, err := f.page(number)
		if err != nil {
			return err
		}
		if p.kind != typeFree || p.empty {
			return damaged("page %d of the free list is of type %d", number, p.kind)
		}
		if err := used.take(f, number); err != nil {
			return err
		}
		number = p.next()
	}
	for number := uint32(1); number < f.pages; number++ {
		if used.has(number) {
			continue
		}
		p, err := f.page(number)
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
