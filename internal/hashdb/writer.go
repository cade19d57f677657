package hashdb

import (
	"fmt"
	"io"
	"math"

	"virtmap/internal/parallel"
)

// Rows are what goes into a file. Keys are unique; their order is of no
// consequence. The slices are read, not kept, by several goroutines at once.
type Rows interface {
	Len() int
	Row(i int) (key, value []byte)
}

// Write writes a file of the rows and returns its length in bytes. The bytes
// depend on the set of rows only, not on their order nor on the number of
// processors. It needs about 8 bytes of memory a row beside the rows
// themselves, and 3 MiB a processor.
//
// It fails on a key that is too long or given twice, and on more than 2^32
// pages or rows.
func Write(w io.WriteSeeker, rows Rows) (int64, error) {
	return write(w, rows, options{pageSize: PageSize, load: 0.8})
}

// options are what tests vary to meet reference files.
type options struct {
	pageSize int
	load     float64 // share of a page that the average bucket fills at most
	buckets  uint32  // 0: by load
	zeroUID  bool
}

func write(w io.WriteSeeker, rows Rows, o options) (int64, error) {
	l, err := plan(rows, o)
	if err != nil {
		return 0, err
	}
	f := newFiling(l, w)
	if err := f.run(); err != nil {
		return 0, err
	}
	lastPage, uid := f.end()
	if o.zeroUID {
		uid = [16]byte{}
	}
	if err := f.write(0, l.meta(lastPage, uid)); err != nil {
		return 0, err
	}
	return (int64(lastPage) + 1) * int64(o.pageSize), nil
}

// A layout says which rows are in which bucket.
type layout struct {
	rows     Rows
	pageSize int
	buckets  uint32
	start    []uint32 // of each bucket in order, and the end
	order    []uint32 // rows by bucket
}

// leastRows is how many rows are worth another processor.
const leastRows = 10_000

func plan(rows Rows, o options) (*layout, error) {
	n := rows.Len()
	if uint64(n) > math.MaxUint32 {
		return nil, fmt.Errorf("%d rows are more than a hash file holds", n)
	}
	l := &layout{rows: rows, pageSize: o.pageSize}
	hashes := make([]uint32, n)
	totals := make([]int, parallel.Parts(n, leastRows))
	err := parallel.Ranges(n, leastRows, func(part, from, to int) error {
		total := 0
		for i := from; i < to; i++ {
			key, value := rows.Row(i)
			if len(key) > MaxKey {
				return fmt.Errorf("row %d: key %q has %d bytes, %d are allowed", i, key[:32], len(key), MaxKey)
			}
			hashes[i] = hash(key)
			total += l.rowSize(key, value)
		}
		totals[part] = total
		return nil
	})
	if err != nil {
		return nil, err
	}
	if l.buckets = o.buckets; l.buckets == 0 {
		total := 0
		for _, t := range totals {
			total += t
		}
		if l.buckets, err = bucketsFor(total, o); err != nil {
			return nil, err
		}
	}
	l.sortIntoBuckets(hashes)
	return l, nil
}

// rowSize is what a row takes on a bucket's page: two items and their places
// in the index.
func (l *layout) rowSize(key, value []byte) int {
	return itemSize(len(key), l.pageSize) + itemSize(len(value), l.pageSize) + 4
}

// bucketsFor gives a number of buckets so that the average one fills its page
// up to the load.
func bucketsFor(total int, o options) (uint32, error) {
	buckets := uint32(2)
	for float64(total) > o.load*float64(o.pageSize-pageHead)*float64(buckets) {
		if buckets >= 1<<30 {
			return 0, fmt.Errorf("%d bytes of rows are more than a hash file holds", total)
		}
		buckets *= 2
	}
	return buckets, nil
}

// sortIntoBuckets is a counting sort by the low bits of the hashes.
func (l *layout) sortIntoBuckets(hashes []uint32) {
	l.start = make([]uint32, l.buckets+1)
	mask := l.buckets - 1
	for _, h := range hashes {
		l.start[h&mask+1]++
	}
	for b := range l.buckets {
		l.start[b+1] += l.start[b]
	}
	l.order = make([]uint32, len(hashes))
	// Each bucket's start moves up to its end, and back when all is sorted.
	for i, h := range hashes {
		b := h & mask
		l.order[l.start[b]] = uint32(i)
		l.start[b]++
	}
	copy(l.start[1:], l.start[:l.buckets])
	l.start[0] = 0
}

func (l *layout) meta(lastPage uint32, uid [16]byte) []byte {
	page := make([]byte, l.pageSize)
	little.PutUint32(page[4:], 1)
	little.PutUint32(page[metaMagic:], magic)
	little.PutUint32(page[metaVersion:], version)
	little.PutUint32(page[metaPageSize:], uint32(l.pageSize))
	page[metaType] = typeMeta
	little.PutUint32(page[metaLastPgno:], lastPage)
	n := uint32(len(l.order))
	little.PutUint32(page[metaKeyCount:], n)
	little.PutUint32(page[metaRecordCount:], n)
	copy(page[metaUID:], uid[:])
	little.PutUint32(page[metaMaxBucket:], l.buckets-1)
	little.PutUint32(page[metaHighMask:], l.buckets-1)
	little.PutUint32(page[metaLowMask:], (l.buckets-1)>>1)
	little.PutUint32(page[metaNelem:], n)
	little.PutUint32(page[metaCharKey:], charKey)
	for i := range log2Ceil(l.buckets) + 1 {
		little.PutUint32(page[metaSpares+4*i:], 1)
	}
	return page
}
