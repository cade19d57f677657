package hashdb

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"

	"virtmap/internal/parallel"
)

// rangeBuckets is the number of buckets in a bucketRange. Their first pages
// fill 1 MiB of the file. Another number changes the id of every file.
const rangeBuckets = 256

// A bucketWriter puts the rows of a layout on pages. It cuts the buckets into
// ranges, which the processors share. For each range it
//
//   - sorts the rows and counts their pages behind the bucket area,
//   - waits for the number of the first of these pages, which the range before
//     sends, and sends the next range its own,
//   - writes the first pages of the buckets, and the pages behind the area.
type bucketWriter struct {
	*layout
	ranges int
	begun  atomic.Int64 // ranges that a processor has begun
	failed atomic.Bool
	behind []chan uint64       // by range: its first page behind the bucket area
	sums   [][sha256.Size]byte // by range: the digest of its rows
	errs   []error             // by range

	writing sync.Mutex
	w       io.WriteSeeker
}

func newBucketWriter(l *layout, w io.WriteSeeker) *bucketWriter {
	ranges := int((l.buckets + rangeBuckets - 1) / rangeBuckets)
	bw := &bucketWriter{layout: l, w: w, ranges: ranges, behind: make([]chan uint64, ranges+1), sums: make([][sha256.Size]byte, ranges), errs: make([]error, ranges)}
	for i := range bw.behind {
		bw.behind[i] = make(chan uint64, 1)
	}
	bw.behind[0] <- uint64(l.buckets) + 1
	return bw
}

// run writes all ranges. It returns the error of the first range that has one.
func (bw *bucketWriter) run() error {
	_ = parallel.Ranges(bw.ranges, 1, func(int, int, int) error { // a processor that is free begins the next range
		br := bucketRange{bucketWriter: bw}
		for !bw.failed.Load() {
			k := int(bw.begun.Add(1)) - 1
			if k >= bw.ranges {
				break
			}
			if bw.errs[k] = br.writeRange(k); bw.errs[k] != nil {
				bw.failed.Store(true)
			}
		}
		return nil
	})
	return cmp.Or(bw.errs...)
}

// end returns the number of the last page, and the id of the file. The id is a
// digest of all rows: the same rows give the same file, and other rows give
// another id, by which a shared cache of libdb tells files apart.
func (bw *bucketWriter) end() (lastPage uint32, uid [16]byte) {
	digest := sha256.New()
	for _, sum := range bw.sums {
		digest.Write(sum[:])
	}
	copy(uid[:], digest.Sum(nil))
	return uint32(<-bw.behind[bw.ranges] - 1), uid
}

// writeAt writes bytes at an offset of the file.
func (bw *bucketWriter) writeAt(at int64, bytes []byte) error {
	bw.writing.Lock()
	defer bw.writing.Unlock()
	if _, err := bw.w.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := bw.w.Write(bytes)
	return err
}

// A bucketRange is a run of neighbouring buckets with the memory to fill their
// pages. A processor uses the same memory for one range after the other.
type bucketRange struct {
	*bucketWriter
	first uint32     // the first bucket
	rows  []keyedRow // the rows of all buckets
	next  uint64     // the next free page behind the bucket area
	base  uint64     // the first page of this range behind the bucket area
	heads []byte     // the first page of each bucket
	extra []byte     // the pages of this range behind the bucket area
	text  []byte     // one row, as the digest takes it
}

// writeRange writes range k.
func (br *bucketRange) writeRange(k int) error {
	br.first = uint32(k) * rangeBuckets
	last := min(br.first+rangeBuckets, br.buckets)
	pages, err := br.readSorted(last, k)
	base := <-br.behind[k]
	end := base + pages
	br.behind[k+1] <- end
	if err == nil && end > math.MaxUint32 {
		err = fmt.Errorf("the rows need more than 2^32 pages")
	}
	if err != nil {
		return err
	}
	br.base, br.next = base, base
	br.heads = cleared(br.heads, int(last-br.first)*br.pageSize)
	br.extra = cleared(br.extra, int(pages)*br.pageSize)
	for b := br.first; b < last; b++ {
		br.fillBucket(b)
	}
	if err := br.writeAt((int64(br.first)+1)*int64(br.pageSize), br.heads); err != nil || pages == 0 {
		return err
	}
	return br.writeAt(int64(base)*int64(br.pageSize), br.extra)
}

// cleared returns n bytes of zeros, in the memory of b when they fit.
func cleared(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	b = b[:n]
	clear(b)
	return b
}

// readSorted reads the rows of range k, which ends before the bucket last,
// sorts the rows of each bucket, and counts their pages behind the bucket area.
func (br *bucketRange) readSorted(last uint32, k int) (pages uint64, err error) {
	digest := sha256.New()
	br.rows = br.rows[:0]
	for _, i := range br.order[br.start[br.first]:br.start[last]] {
		key, value := br.layout.rows.Row(int(i))
		br.rows = append(br.rows, keyedRow{prefix: prefix(key), row: i, key: key, value: value})
	}
	for b := br.first; b < last; b++ {
		rows := br.rowsOf(b)
		if err := sortRows(rows); err != nil {
			return pages, err
		}
		for i := range rows {
			br.text = rows[i].digestText(br.text[:0])
			digest.Write(br.text)
		}
		pages += br.morePages(rows)
	}
	digest.Sum(br.sums[k][:0])
	return pages, nil
}

// rowsOf returns the rows of a bucket.
func (br *bucketRange) rowsOf(b uint32) []keyedRow {
	begin := br.start[br.first]
	return br.rows[br.start[b]-begin : br.start[b+1]-begin]
}

// fillBucket fills the pages of a bucket. The page of an empty bucket stays
// zero.
func (br *bucketRange) fillBucket(b uint32) {
	rows := br.rowsOf(b)
	if len(rows) == 0 {
		return
	}
	at := int(b-br.first) * br.pageSize
	page := newPage(br.heads[at : at+br.pageSize])
	page.open(b+1, 0)
	for i := range rows {
		r := &rows[i]
		if page.free() < br.rowSize(r.key, r.value) {
			number := br.allocate(1)
			little.PutUint32(page[headNext:], number)
			previous := page.number()
			page = br.behindPage(number)
			page.open(number, previous)
		}
		page.put(r.key)
		if !isBig(len(r.value), br.pageSize) {
			page.put(r.value)
			continue
		}
		number := br.allocate(bigPages(len(r.value), br.pageSize))
		page.putBig(number, len(r.value))
		br.fillBigValue(number, r.value)
	}
}

// allocate reserves n pages behind the bucket area and returns the number of
// the first.
func (br *bucketRange) allocate(n int) uint32 {
	number := br.next
	br.next += uint64(n)
	return uint32(number)
}

// behindPage returns the memory of a page behind the bucket area.
func (br *bucketRange) behindPage(number uint32) newPage {
	at := int(uint64(number)-br.base) * br.pageSize
	return newPage(br.extra[at : at+br.pageSize])
}

// fillBigValue fills the pages of a big value. Its first page has the number
// given.
func (br *bucketRange) fillBigValue(number uint32, value []byte) {
	for previous := uint32(0); len(value) > 0; number++ {
		n := min(len(value), br.pageSize-pageHead)
		page := br.behindPage(number)
		page.open(number, previous)
		if n < len(value) {
			little.PutUint32(page[headNext:], number+1)
		}
		little.PutUint16(page[headEntries:], 1)
		little.PutUint16(page[headHfOffset:], uint16(n))
		page[headType] = typeBig
		copy(page[pageHead:], value[:n])
		value, previous = value[n:], number
	}
}

// morePages counts the pages of a bucket behind the bucket area: further
// bucket pages and big values.
func (l *layout) morePages(rows []keyedRow) (pages uint64) {
	free := l.pageSize - pageHead
	for i := range rows {
		r := &rows[i]
		need := l.rowSize(r.key, r.value)
		if need > free {
			pages++
			free = l.pageSize - pageHead
		}
		free -= need
		if isBig(len(r.value), l.pageSize) {
			pages += uint64(bigPages(len(r.value), l.pageSize))
		}
	}
	return pages
}

// bigPages returns the number of pages that a big value of n bytes takes.
func bigPages(n, pageSize int) int {
	perPage := pageSize - pageHead
	return (n + perPage - 1) / perPage
}
