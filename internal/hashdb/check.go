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

// A bucketReader reads the pages of buckets, checks them, and gives their rows
// to yield.
type bucketReader struct {
	f     *File
	yield func([2][]byte, error) bool
	used  *pageSet // pages that were read
	keys  int      // keys that were read
	rows  int      // rows that were read

	bucketKeys [][]byte // keys of the current bucket
}

// A pageSet has a bit for each page. The bit is set when a bucket, a big value
// or the free list uses the page. Several goroutines may use a pageSet.
type pageSet struct{ bits []atomic.Uint64 }

func newPageSet(pages uint32) *pageSet { return &pageSet{make([]atomic.Uint64, pages/64+1)} }

// add sets the bit of a page and reports whether it was clear before.
func (s *pageSet) add(number uint32) (isNew bool) {
	bit := uint64(1) << (number % 64)
	return s.bits[number/64].Or(bit)&bit == 0
}

func (s *pageSet) has(number uint32) bool { return s.bits[number/64].Load()&(1<<(number%64)) != 0 }

// Stats are what Check found in a file.
type Stats struct {
	Keys int
	Rows int // more than Keys where there are duplicates
	Sum  Sum // of the rows
}

// Check reads a whole image strictly. Every page has one use, the keys of every
// page are in order, every key is in the bucket of its hash and only once, and
// the free list and the metadata are sound. Check refuses a cut file and keys
// in a wrong order, which db_verify accepts.
//
// A page of zeros is an empty bucket, for Check as for libdb. The number of
// keys in the metadata is not checked: makemap writes none, and libdb does not
// keep it up to date. A caller who knows the number compares it with Stats.
//
// The processors share the buckets, and release the memory of pages they have
// read.
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

// leastBuckets is the number of buckets from which a second processor pays, and
// the number of buckets that are read before their memory is released.
const leastBuckets = 1000

// checkBuckets checks the buckets from to to-1.
func (f *File) checkBuckets(image *mmap.Image, used *pageSet, from, to uint32) (Stats, error) {
	var sum Sum
	r := bucketReader{f: f, used: used, yield: func(row [2][]byte, _ error) bool { sum.Add(row[0], row[1]); return true }}
	for b := from; b < to; b++ {
		if err := r.bucket(b); err != nil {
			return Stats{}, err
		}
		if (b-from)%leastBuckets == leastBuckets-1 {
			image.Release()
		}
	}
	return Stats{Keys: r.keys, Rows: r.rows, Sum: sum}, nil
}

// checkMeta checks the metadata that Open does not check.
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

// all reads all buckets.
func (r *bucketReader) all() error {
	r.used = newPageSet(r.f.pages)
	for b := range r.f.maxBucket + 1 {
		if err := r.bucket(b); err != nil {
			return err
		}
	}
	return nil
}

// take marks a page of a file as used. A page that is used already is an error.
func (s *pageSet) take(f *File, number uint32) error {
	if number >= f.pages {
		return damaged("it refers to page %d of %d", number, f.pages)
	}
	if !s.add(number) {
		return damaged("page %d is used twice", number)
	}
	return nil
}

func (r *bucketReader) take(number uint32) error { return r.used.take(r.f, number) }

// bucket reads the pages of bucket b.
func (r *bucketReader) bucket(b uint32) error {
	r.bucketKeys = r.bucketKeys[:0]
	sorted, pages := true, 0
	number, previous := r.f.firstPage(b), uint32(0)
	for first := true; first || number != 0; first = false {
		p, err := r.f.bucketPage(number, previous)
		if err != nil {
			return err
		}
		if err := r.take(number); err != nil {
			return err
		}
		if p.empty {
			return nil
		}
		if err := r.page(p, b); err != nil {
			return err
		}
		if p.entries == 0 && previous != 0 && p.next() == 0 && len(r.bucketKeys) == 0 {
			return damaged("page %d ends a bucket that holds nothing", number)
		}
		sorted, pages = sorted && p.kind == typeSorted, pages+1
		previous, number = number, p.next()
	}
	if sorted && pages == 1 {
		return nil // sorted keys on one page are unique
	}
	return uniqueKeys(r.bucketKeys, b)
}

// page reads the rows of a page of bucket b, and adds its keys to bucketKeys.
func (r *bucketReader) page(p page, b uint32) error {
	before := len(r.bucketKeys)
	for i := 0; i < p.entries; i += 2 {
		key, err := r.item(p, i)
		if err != nil {
			return err
		}
		if got := r.f.bucketOf(hash(key)); got != b {
			return damaged("page %d: key %q is in bucket %d and belongs to %d", p.number, shorten(key), b, got)
		}
		if n := len(r.bucketKeys); p.kind == typeSorted && n > before && compareKeys(r.bucketKeys[n-1], key) >= 0 {
			return damaged("page %d: key %q is out of order", p.number, shorten(key))
		}
		r.bucketKeys = append(r.bucketKeys, key)
		if err := r.row(p, i, key); err != nil {
			return err
		}
	}
	return nil
}

// item returns the bytes of an item. It marks the pages of a big value as used.
func (r *bucketReader) item(p page, i int) ([]byte, error) {
	raw := p.raw(i)
	if raw[0] != itemBig || len(raw) != bigItemSize {
		return p.item(i)
	}
	return p.f.big(p.f.order.Uint32(raw[4:]), p.f.order.Uint32(raw[8:]), r.take)
}

// row gives the values of a key, which is item i, to yield.
func (r *bucketReader) row(p page, i int, key []byte) error {
	r.keys++
	if p.raw(i + 1)[0] != itemDuplicate {
		value, err := r.item(p, i+1)
		if err != nil {
			return err
		}
		return r.give(key, value)
	}
	values, err := p.duplicates(i + 1)
	if err != nil {
		return err
	}
	for _, value := range values {
		if err := r.give(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (r *bucketReader) give(key, value []byte) error {
	r.rows++
	if !r.yield([2][]byte{key, value}, nil) {
		return errStopped
	}
	return nil
}

// uniqueKeys refuses a key that a bucket has twice. It sorts the keys, because
// a damaged file can have all its keys in one bucket, too many to compare each
// with each.
func uniqueKeys(keys [][]byte, bucket uint32) error {
	slices.SortFunc(keys, bytes.Compare)
	for i := 1; i < len(keys); i++ {
		if bytes.Equal(keys[i-1], keys[i]) {
			return damaged("key %q is in bucket %d twice", shorten(keys[i]), bucket)
		}
	}
	return nil
}

// leftOver checks the pages that no bucket uses. They are on the free list, or
// reserved for later buckets and empty. Any other page with rows is an error:
// its rows are lost.
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

// shorten cuts a key for an error message.
func shorten(key []byte) []byte { return key[:min(len(key), 64)] }
