package hashdb

import (
	"fmt"
	"io"
	"math"

	"virtmap/internal/parallel"
)

// Rows are the keys and values of a file. Each key is given once, in any order.
// Several goroutines call Row at the same time. Write does not change the slices
// that Row returns, and does not use them after it has returned.
type Rows interface {
	Len() int
	Row(i int) (key, value []byte)
}

// Write writes a file of the rows and returns its length in bytes. The same set
// of rows gives the same bytes, in any order and with any number of processors.
// Beside the rows, Write needs about 8 bytes of memory for each row and 3 MiB for
// each processor.
//
// Write fails when a key is too long or given twice, and when there are more
// than 2^32 pages or rows.
func Write(w io.WriteSeeker, rows Rows) (int64, error) {
	return write(w, rows, options{pageSize: PageSize, load: 0.8})
}

// options are the settings that tests change to get the bytes of reference files.
type options struct {
	pageSize int
	load     float64 // the largest share of a page that the average bucket fills
	buckets  uint32  // number of buckets; 0: as many as load asks for
	zeroUID  bool    // write zeros as the id of the file
}

func write(w io.WriteSeeker, rows Rows, o options) (int64, error) {
	l, err := plan(rows, o)
	if err != nil {
		return 0, err
	}
	bw := newBucketWriter(l, w)
	if err := bw.run(); err != nil {
		return 0, err
	}
	lastPage, uid := bw.end()
	if o.zeroUID {
		uid = [16]byte{}
	}
	if err := bw.writeAt(0, l.meta(lastPage, uid)); err != nil {
		return 0, err
	}
	return (int64(lastPage) + 1) * int64(o.pageSize), nil
}

// A layout says which rows each bucket has.
type layout struct {
	rows     Rows
	pageSize int
	buckets  uint32
	start    []uint32 // bucket b has order[start[b]:start[b+1]]
	order    []uint32 // the numbers of the rows, sorted by bucket
}

// leastRows is the least number of rows for each processor. With fewer rows, a
// further processor costs more time than it saves.
const leastRows = 10_000

// plan hashes all keys and makes the layout.
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

// rowSize is the number of bytes that a row takes on a bucket's page: two items
// and their two offsets in the index.
func (l *layout) rowSize(key, value []byte) int {
	return itemSize(len(key), l.pageSize) + itemSize(len(value), l.pageSize) + 4
}

// bucketsFor returns the number of buckets for rows of total bytes: the smallest
// power of two, from 2 on, with which the average bucket fills at most the share
// options.load of its page.
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

// sortIntoBuckets sorts the rows by bucket. The low bits of the hash of a key are
// the number of its bucket. The sort is a counting sort.
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
	// During this loop, start[b] is the next free place of bucket b. After the
	// loop, start[b] is the place where bucket b+1 begins.
	for i, h := range hashes {
		b := h & mask
		l.order[l.start[b]] = uint32(i)
		l.start[b]++
	}
	copy(l.start[1:], l.start[:l.buckets])
	l.start[0] = 0
}

// meta returns the metadata page.
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
	// Bucket b is on page b+1, so each doubling begins 1 page after its first bucket.
	for i := range log2Ceil(l.buckets) + 1 {
		little.PutUint32(page[metaSpares+4*i:], 1)
	}
	return page
}
