package hashdb

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"slices"
)

// Rows are what goes into a file. Keys are unique; their order is of no
// consequence. The slices are read, not kept.
type Rows interface {
	Len() int
	Row(i int) (key, value []byte)
}

// Write writes a file of the rows and returns its length in bytes. The bytes
// depend on the set of rows only. It writes from front to back, and needs
// about 12 bytes of memory a row beside the rows themselves.
//
// It fails on a key that is too long or given twice, and on more than 2^32
// pages or rows.
func Write(w io.Writer, rows Rows) (int64, error) {
	return write(w, rows, options{pageSize: PageSize, load: 0.8})
}

// options are what tests vary to meet reference files.
type options struct {
	pageSize int
	load     float64 // share of a page that the average bucket fills at most
	buckets  uint32  // 0: by load
	zeroUID  bool
}

func write(w io.Writer, rows Rows, o options) (int64, error) {
	l, err := plan(rows, o)
	if err != nil {
		return 0, err
	}
	out := &pageWriter{w: bufio.NewWriterSize(w, 1<<20), layout: l}
	out.meta()
	for b := range l.buckets {
		out.bucket(b, false)
	}
	for b := range l.buckets {
		if l.extra(b) > 0 {
			out.bucket(b, true)
		}
	}
	if err := out.w.Flush(); err != nil {
		return 0, err
	}
	return (int64(l.lastPage) + 1) * int64(o.pageSize), nil
}

// A layout says where every row goes, before the first byte is written.
type layout struct {
	rows     Rows
	pageSize int
	buckets  uint32
	start    []uint32 // of each bucket in order, and the end
	order    []uint32 // rows by bucket, within it in page order
	next     []uint32 // first page behind the bucket area of each bucket, and the end
	lastPage uint32
	uid      [20]byte
}

func (l *layout) extra(b uint32) uint32 { return l.next[b+1] - l.next[b] }

func plan(rows Rows, o options) (*layout, error) {
	n := rows.Len()
	if uint64(n) > math.MaxUint32 {
		return nil, fmt.Errorf("%d rows are more than a hash file holds", n)
	}
	l := &layout{rows: rows, pageSize: o.pageSize}
	hashes := make([]uint32, n)
	total := 0
	for i := range n {
		key, value := rows.Row(i)
		if len(key) > MaxKey {
			return nil, fmt.Errorf("row %d: key %q has %d bytes, %d are allowed", i, key[:32], len(key), MaxKey)
		}
		hashes[i] = hash(key)
		total += itemSize(len(key), o.pageSize) + itemSize(len(value), o.pageSize) + 4
	}
	l.buckets = o.buckets
	if l.buckets == 0 {
		l.buckets = 2
		for float64(total) > o.load*float64(o.pageSize-pageHead)*float64(l.buckets) {
			if l.buckets >= 1<<30 {
				return nil, fmt.Errorf("%d bytes of rows are more than a hash file holds", total)
			}
			l.buckets *= 2
		}
	}
	l.sortIntoBuckets(hashes)
	return l, l.layBuckets(o.zeroUID)
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
	fill := slices.Clone(l.start[:l.buckets])
	for i, h := range hashes {
		b := h & mask
		l.order[fill[b]] = uint32(i)
		fill[b]++
	}
}

// A keyedRow is a row of the bucket at hand.
type keyedRow struct {
	row   uint32
	key   []byte
	value []byte
}

// layBuckets goes through the buckets once, while the rows of each are near:
// it sorts them, counts the pages, and makes the file id of all rows, so that
// the same rows give the same file and other rows another identity in a
// shared cache of libdb.
func (l *layout) layBuckets(zeroUID bool) error {
	l.next = make([]uint32, l.buckets+1)
	digest := sha256.New()
	buffered := bufio.NewWriterSize(digest, 1<<16)
	at := uint64(l.buckets) + 1
	var rows []keyedRow
	for b := range l.buckets {
		bucket := l.order[l.start[b]:l.start[b+1]]
		rows = rows[:0]
		for _, i := range bucket {
			key, value := l.rows.Row(int(i))
			rows = append(rows, keyedRow{i, key, value})
		}
		slices.SortFunc(rows, func(x, y keyedRow) int { return compareKeys(x.key, y.key) })
		for n, r := range rows {
			if n > 0 && bytes.Equal(rows[n-1].key, r.key) {
				first, second := min(rows[n-1].row, r.row), max(rows[n-1].row, r.row)
				return fmt.Errorf("key %q is given twice, in rows %d and %d", r.key, first, second)
			}
			bucket[n] = r.row
			digestRow(buffered, r)
		}
		l.next[b] = uint32(at)
		if at += l.morePages(rows); at > math.MaxUint32 {
			return fmt.Errorf("the rows need more than 2^32 pages")
		}
	}
	l.next[l.buckets] = uint32(at)
	l.lastPage = uint32(at - 1)
	if !zeroUID {
		buffered.Flush() // a digest takes every write
		copy(l.uid[:16], digest.Sum(nil))
	}
	return nil
}

// digestRow puts a row into a digest so that no two sets of rows look alike.
func digestRow(w *bufio.Writer, r keyedRow) {
	var lengths [8]byte
	little.PutUint32(lengths[:], uint32(len(r.key)))
	little.PutUint32(lengths[4:], uint32(len(r.value)))
	w.Write(lengths[:])
	w.Write(r.key)
	w.Write(r.value)
}

// morePages counts the pages of a bucket behind the bucket area: further
// bucket pages and big values.
func (l *layout) morePages(rows []keyedRow) (pages uint64) {
	free := l.pageSize - pageHead
	for _, r := range rows {
		need := itemSize(len(r.key), l.pageSize) + itemSize(len(r.value), l.pageSize) + 4
		if need > free {
			pages++
			free = l.pageSize - pageHead
		}
		free -= need
		if isBig(len(r.value), l.pageSize) {
			pages += uint64(l.bigPages(len(r.value)))
		}
	}
	return pages
}

func (l *layout) bigPages(n int) int {
	room := l.pageSize - pageHead
	return (n + room - 1) / room
}

// A pageWriter writes the pages of a layout in the order of their numbers.
// Errors of the underlying writer stay in w until Flush.
type pageWriter struct {
	*layout
	w    *bufio.Writer
	page []byte
}

func (p *pageWriter) meta() {
	page := make([]byte, p.pageSize)
	little.PutUint32(page[4:], 1)
	little.PutUint32(page[metaMagic:], magic)
	little.PutUint32(page[metaVersion:], version)
	little.PutUint32(page[metaPageSize:], uint32(p.pageSize))
	page[metaType] = typeMeta
	little.PutUint32(page[metaLastPgno:], p.lastPage)
	n := uint32(len(p.order))
	little.PutUint32(page[metaKeyCount:], n)
	little.PutUint32(page[metaRecordCount:], n)
	copy(page[metaUID:], p.uid[:])
	little.PutUint32(page[metaMaxBucket:], p.buckets-1)
	little.PutUint32(page[metaHighMask:], p.buckets-1)
	little.PutUint32(page[metaLowMask:], (p.buckets-1)>>1)
	little.PutUint32(page[metaNelem:], n)
	little.PutUint32(page[metaCharKey:], charKey)
	for i := range log2Ceil(p.buckets) + 1 {
		little.PutUint32(page[metaSpares+4*i:], 1)
	}
	p.w.Write(page)
	p.page = page
}

// bucket walks the pages of a bucket and writes its first one, or those
// behind the bucket area.
func (p *pageWriter) bucket(b uint32, behind bool) {
	rows := p.order[p.start[b]:p.start[b+1]]
	if len(rows) == 0 {
		clear(p.page)
		p.w.Write(p.page) // a page of zeros is an empty bucket
		return
	}
	var held [][]byte // big values met on the open page: their numbers follow its own
	at, next := b+1, p.next[b]
	p.open(at, 0)
	for _, i := range rows {
		key, value := p.rows.Row(int(i))
		if p.free() < itemSize(len(key), p.pageSize)+itemSize(len(value), p.pageSize)+4 {
			little.PutUint32(p.page[headNext:], next)
			p.close(at == b+1, behind, held)
			held = held[:0]
			p.open(next, at)
			at, next = next, next+1
		}
		p.put(key)
		if !isBig(len(value), p.pageSize) {
			p.put(value)
			continue
		}
		p.putBig(next, len(value))
		held = append(held, value)
		next += uint32(p.bigPages(len(value)))
	}
	p.close(at == b+1, behind, held)
}

// close writes the open page and the big values behind it, if they are of the
// part of the file that is being written.
func (p *pageWriter) close(first, behind bool, held [][]byte) {
	if first != behind {
		p.w.Write(p.page)
	}
	if !behind {
		return
	}
	number := little.Uint32(p.page[headPgno:]) + 1
	if first {
		number = p.next[number-2] // of the bucket whose first page this is
	}
	for _, value := range held {
		number = p.bigValue(number, value)
	}
}

func (p *pageWriter) open(number, previous uint32) {
	clear(p.page)
	little.PutUint32(p.page[4:], 1)
	little.PutUint32(p.page[headPgno:], number)
	little.PutUint32(p.page[headPrev:], previous)
	little.PutUint16(p.page[headHfOffset:], uint16(p.pageSize))
	p.page[headType] = typeSorted
}

func (p *pageWriter) entries() int { return int(little.Uint16(p.page[headEntries:])) }

func (p *pageWriter) lowest() int { return int(little.Uint16(p.page[headHfOffset:])) }

func (p *pageWriter) free() int { return p.lowest() - pageHead - 2*p.entries() }

// item makes room for an item of size bytes and gives it.
func (p *pageWriter) item(size int) []byte {
	n, at := p.entries(), p.lowest()-size
	little.PutUint16(p.page[pageHead+2*n:], uint16(at))
	little.PutUint16(p.page[headEntries:], uint16(n+1))
	little.PutUint16(p.page[headHfOffset:], uint16(at))
	return p.page[at : at+size]
}

func (p *pageWriter) put(text []byte) {
	item := p.item(len(text) + 1)
	item[0] = itemInline
	copy(item[1:], text)
}

func (p *pageWriter) putBig(first uint32, length int) {
	item := p.item(bigItemSize)
	item[0] = itemBig
	little.PutUint32(item[4:], first)
	little.PutUint32(item[8:], uint32(length))
}

// bigValue writes the pages of a big value from the number on and returns the
// number behind them.
func (p *pageWriter) bigValue(number uint32, value []byte) uint32 {
	page := make([]byte, p.pageSize)
	for previous := uint32(0); len(value) > 0; number++ {
		n := min(len(value), p.pageSize-pageHead)
		clear(page)
		little.PutUint32(page[4:], 1)
		little.PutUint32(page[headPgno:], number)
		little.PutUint32(page[headPrev:], previous)
		if n < len(value) {
			little.PutUint32(page[headNext:], number+1)
		}
		little.PutUint16(page[headEntries:], 1)
		little.PutUint16(page[headHfOffset:], uint16(n))
		page[headType] = typeBig
		copy(page[pageHead:], value[:n])
		p.w.Write(page)
		value, previous = value[n:], number
	}
	return number
}
