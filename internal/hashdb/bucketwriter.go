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

// chunkBuckets is how many buckets are filed at a time: their first pages are
// 1 MiB, one behind the other in the file. The file id depends on it.
const chunkBuckets = 256

// A bucketWriter puts the rows of a layout on pages. The buckets are cut into
// chunks, which the processors take in turn: each sorts the rows of its chunk
// and counts the pages, learns from the chunk before where its pages behind
// the bucket area begin, tells the next one, and writes both parts where they
// belong.
type bucketWriter struct {
	*layout
	chunks int
	taken  atomic.Int64
	failed atomic.Bool
	behind []chan uint64       // by chunk: the first page behind the bucket area
	sums   [][sha256.Size]byte // of the rows, by chunk
	errs   []error             // by chunk

	writing sync.Mutex
	w       io.WriteSeeker
}

func newFiling(l *layout, w io.WriteSeeker) *bucketWriter {
	chunks := int((l.buckets + chunkBuckets - 1) / chunkBuckets)
	f := &bucketWriter{layout: l, w: w, chunks: chunks, behind: make([]chan uint64, chunks+1), sums: make([][sha256.Size]byte, chunks), errs: make([]error, chunks)}
	for i := range f.behind {
		f.behind[i] = make(chan uint64, 1)
	}
	f.behind[0] <- uint64(l.buckets) + 1
	return f
}

// run files all chunks and gives the error of the first one that has one.
func (f *bucketWriter) run() error {
	_ = parallel.Ranges(f.chunks, 1, func(int, int, int) error { // whoever is free takes the next chunk
		c := bucketRange{bucketWriter: f}
		for !f.failed.Load() {
			k := int(f.taken.Add(1)) - 1
			if k >= f.chunks {
				break
			}
			if f.errs[k] = c.file(k); f.errs[k] != nil {
				f.failed.Store(true)
			}
		}
		return nil
	})
	return cmp.Or(f.errs...)
}

// end gives the last page, and the file id: made of all rows, so that the same
// rows give the same file, and other rows another identity in a shared cache
// of libdb.
func (f *bucketWriter) end() (lastPage uint32, uid [16]byte) {
	digest := sha256.New()
	for _, sum := range f.sums {
		digest.Write(sum[:])
	}
	copy(uid[:], digest.Sum(nil))
	return uint32(<-f.behind[f.chunks] - 1), uid
}

// write writes bytes at their place.
func (f *bucketWriter) write(at int64, bytes []byte) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	if _, err := f.w.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := f.w.Write(bytes)
	return err
}

// A bucketRange is the room to file one bucketRange after the other in.
type bucketRange struct {
	*bucketWriter
	first uint32     // bucket
	rows  []keyedRow // of all its buckets
	next  uint64     // free page behind the bucket area
	base  uint64     // the first of this chunk's pages there
	heads []byte     // the first page of each bucket
	extra []byte     // the pages behind the bucket area
	text  []byte     // a row for the digest
}

// file files chunk k.
func (c *bucketRange) file(k int) error {
	c.first = uint32(k) * chunkBuckets
	last := min(c.first+chunkBuckets, c.buckets)
	pages, err := c.sorted(last, k)
	base := <-c.behind[k]
	end := base + pages
	c.behind[k+1] <- end
	if err == nil && end > math.MaxUint32 {
		err = fmt.Errorf("the rows need more than 2^32 pages")
	}
	if err != nil {
		return err
	}
	c.base, c.next = base, base
	c.heads = cleared(c.heads, int(last-c.first)*c.pageSize)
	c.extra = cleared(c.extra, int(pages)*c.pageSize)
	for b := c.first; b < last; b++ {
		c.bucket(b)
	}
	if err := c.write((int64(c.first)+1)*int64(c.pageSize), c.heads); err != nil || pages == 0 {
		return err
	}
	return c.write(int64(base)*int64(c.pageSize), c.extra)
}

// cleared gives n bytes of zeros, in the same place when they fit.
func cleared(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	b = b[:n]
	clear(b)
	return b
}

// sorted reads the rows of a chunk, sorts those of each bucket and counts
// their pages behind the bucket area.
func (c *bucketRange) sorted(last uint32, k int) (pages uint64, err error) {
	digest := sha256.New()
	c.rows = c.rows[:0]
	for _, i := range c.order[c.start[c.first]:c.start[last]] {
		key, value := c.layout.rows.Row(int(i))
		c.rows = append(c.rows, keyedRow{prefix: prefix(key), row: i, key: key, value: value})
	}
	for b := c.first; b < last; b++ {
		rows := c.of(b)
		if err := sortRows(rows); err != nil {
			return pages, err
		}
		for i := range rows {
			c.text = rows[i].digestText(c.text[:0])
			digest.Write(c.text)
		}
		pages += c.morePages(rows)
	}
	digest.Sum(c.sums[k][:0])
	return pages, nil
}

// of gives the rows of a bucket.
func (c *bucketRange) of(b uint32) []keyedRow {
	begin := c.start[c.first]
	return c.rows[c.start[b]-begin : c.start[b+1]-begin]
}

// bucket fills the pages of a bucket. An empty one has a page of zeros.
func (c *bucketRange) bucket(b uint32) {
	rows := c.of(b)
	if len(rows) == 0 {
		return
	}
	at := int(b-c.first) * c.pageSize
	page := newPage(c.heads[at : at+c.pageSize])
	page.open(b+1, 0)
	for i := range rows {
		r := &rows[i]
		if page.free() < c.rowSize(r.key, r.value) {
			number := c.take(1)
			little.PutUint32(page[headNext:], number)
			previous := page.number()
			page = c.behindPage(number)
			page.open(number, previous)
		}
		page.put(r.key)
		if !isBig(len(r.value), c.pageSize) {
			page.put(r.value)
			continue
		}
		number := c.take(bigPages(len(r.value), c.pageSize))
		page.putBig(number, len(r.value))
		c.bigValue(number, r.value)
	}
}

// take gives the next free page of n behind the bucket area.
func (c *bucketRange) take(n int) uint32 {
	number := c.next
	c.next += uint64(n)
	return uint32(number)
}

func (c *bucketRange) behindPage(number uint32) newPage {
	at := int(uint64(number)-c.base) * c.pageSize
	return newPage(c.extra[at : at+c.pageSize])
}

// bigValue fills the pages of a big value from the number on.
func (c *bucketRange) bigValue(number uint32, value []byte) {
	for previous := uint32(0); len(value) > 0; number++ {
		n := min(len(value), c.pageSize-pageHead)
		page := c.behindPage(number)
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

func bigPages(n, pageSize int) int {
	room := pageSize - pageHead
	return (n + room - 1) / room
}
