package hashdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// ErrFormat is wrapped by the errors of Open for an image that is no hash file.
var ErrFormat = errors.New("not a Berkeley DB hash file of version 7 to 10")

// damaged makes an error for a hash file with wrong bytes.
func damaged(format string, args ...any) error {
	return fmt.Errorf("damaged hash file: "+format, args...)
}

// A File is a hash file in memory. It may have any page size, either byte
// order, and pages as libdb 4.1 to 5.3 writes them. Several goroutines may call
// its methods at the same time.
type File struct {
	image    []byte
	order    binary.ByteOrder
	native   bool // order is little-endian, as in nearly all files: spares a call through order
	pageSize int
	pages    uint32 // number of pages in the image
	version  uint32

	maxBucket, highMask, lowMask uint32
	spares                       [spareSize]uint32
}

// Open reads the metadata of an image. It does not read the other pages. Get
// checks the pages that it reads; Check reads and checks all.
func Open(image []byte) (*File, error) {
	if len(image) < metaSize {
		return nil, fmt.Errorf("%w: it has %d bytes, and the metadata takes %d", ErrFormat, len(image), metaSize)
	}
	f := &File{image: image, order: binary.LittleEndian}
	if f.meta(metaMagic) != magic {
		f.order = binary.BigEndian
	}
	if f.meta(metaMagic) != magic {
		return nil, ErrFormat
	}
	f.native = f.order == binary.LittleEndian
	f.version = f.meta(metaVersion)
	size := f.meta(metaPageSize)
	switch {
	case f.version < 7 || f.version > 10:
		return nil, fmt.Errorf("%w: it has version %d", ErrFormat, f.version)
	case size < 512 || size > 32768 || size&(size-1) != 0:
		return nil, damaged("the page size is %d", size)
	case len(image)%int(size) != 0:
		return nil, damaged("its length %d is not a multiple of the page size %d", len(image), size)
	case image[metaEncrypt] != 0:
		return nil, damaged("it says it is encrypted")
	case image[metaType] != typeMeta:
		return nil, damaged("the first page has type %d", image[metaType])
	case image[metaMetaFlags] != 0:
		return nil, damaged("it says it has checksums or partitions (metaflags 0x%02x)", image[metaMetaFlags])
	}
	f.pageSize, f.pages = int(size), uint32(len(image)/int(size))
	f.maxBucket, f.highMask, f.lowMask = f.meta(metaMaxBucket), f.meta(metaHighMask), f.meta(metaLowMask)
	for i := range f.spares {
		f.spares[i] = f.meta(metaSpares + 4*i)
	}
	return f, f.checkMasks()
}

// meta returns a field of the metadata page.
func (f *File) meta(at int) uint32 { return f.order.Uint32(f.image[at:]) }

// checkMasks checks that masks and number of pages fit the number of buckets.
func (f *File) checkMasks() error {
	high := uint64(1)<<log2Ceil(f.maxBucket+1) - 1
	if f.maxBucket >= f.pages || uint64(f.highMask) != high || f.lowMask != f.highMask>>1 {
		return damaged("%d buckets with masks 0x%x and 0x%x on %d pages", uint64(f.maxBucket)+1, f.highMask, f.lowMask, f.pages)
	}
	if last := f.meta(metaLastPgno); uint64(last)+1 != uint64(f.pages) {
		return damaged("it has %d pages and says that the last one is %d", f.pages, last)
	}
	return nil
}

// bucketOf returns the bucket of a hash.
func (f *File) bucketOf(h uint32) uint32 {
	if b := h & f.highMask; b <= f.maxBucket {
		return b
	}
	return h & f.lowMask
}

// firstPage returns the number of the first page of a bucket.
func (f *File) firstPage(bucket uint32) uint32 {
	return bucket + f.spares[log2Ceil(bucket+1)]
}

// A page is one page of the image, with a number that was checked.
type page struct {
	f       *File
	number  uint32
	bytes   []byte
	entries int
	kind    byte
	empty   bool // all bytes are zero: an empty bucket, or reserved for one
}

// page returns a page of the image.
func (f *File) page(number uint32) (page, error) {
	if number == 0 || number >= f.pages {
		return page{}, damaged("it refers to page %d of %d", number, f.pages)
	}
	at := int(number) * f.pageSize
	p := page{f: f, number: number, bytes: f.image[at : at+f.pageSize]}
	p.kind = p.bytes[headType]
	p.entries = int(f.order.Uint16(p.bytes[headEntries:]))
	own := f.order.Uint32(p.bytes[headPgno:])
	if own == 0 && p.isZero() {
		p.empty = true
		return p, nil
	}
	if own != number {
		return p, damaged("page %d says it is page %d", number, own)
	}
	return p, nil
}

// isZero reports whether all bytes of a page are zero: it was reserved and
// never written.
func (p page) isZero() bool { return len(bytes.TrimLeft(p.bytes, "\x00")) == 0 }

func (p page) next() uint32 { return p.f.order.Uint32(p.bytes[headNext:]) }
func (p page) prev() uint32 { return p.f.order.Uint32(p.bytes[headPrev:]) }

// bucketPage returns a page of a bucket after a check of its header and its
// index. previous is the page before it in the bucket, 0 for none.
func (f *File) bucketPage(number, previous uint32) (page, error) {
	p, err := f.bucketHead(number, previous)
	if err != nil || p.empty {
		return p, err
	}
	end := f.pageSize
	for i := range p.entries {
		if end, err = p.place(i, end); err != nil {
			return p, err
		}
	}
	if lowest := int(f.order.Uint16(p.bytes[headHfOffset:])); lowest != end {
		return p, damaged("page %d: the lowest item is at offset %d, and the header says %d", number, end, lowest)
	}
	return p, nil
}

// bucketHead returns a page of a bucket after a check of its header alone.
func (f *File) bucketHead(number, previous uint32) (page, error) {
	p, err := f.page(number)
	if err != nil || p.empty {
		if p.empty && previous != 0 {
			err = damaged("page %d of a bucket was never written", number)
		}
		return p, err
	}
	switch {
	case p.kind != typeSorted && p.kind != typeUnsorted:
		return p, damaged("page %d is of type %d, not a page of a bucket", number, p.kind)
	case p.bytes[headLevel] != 0:
		return p, damaged("page %d has level %d", number, p.bytes[headLevel])
	case p.prev() != previous:
		return p, damaged("page %d says that page %d is before it, not %d", number, p.prev(), previous)
	case p.entries%2 != 0:
		return p, damaged("page %d has %d index entries, an odd number", number, p.entries)
	case pageHead+2*p.entries > f.pageSize:
		return p, damaged("page %d has %d index entries, more than fit", number, p.entries)
	}
	return p, nil
}

// place returns the offset where item i begins, after a check. end is where the
// item ends: where the item before it begins, or the end of the page.
func (p page) place(i, end int) (int, error) {
	at := p.index(i)
	if at >= end || at < pageHead+2*p.entries {
		return 0, damaged("page %d: item %d at offset %d runs past the page or its neighbour", p.number, i, at)
	}
	return at, nil
}

// index returns the offset of item i, unchecked.
func (p page) index(i int) int {
	at := p.bytes[pageHead+2*i:]
	if p.f.native {
		return int(binary.LittleEndian.Uint16(at))
	}
	return int(p.f.order.Uint16(at))
}

// raw returns item i with its type byte.
func (p page) raw(i int) []byte {
	end := p.f.pageSize
	if i > 0 {
		end = p.index(i - 1)
	}
	return p.bytes[p.index(i):end]
}

// item returns the bytes of item i. They are a part of the image; only a big
// value is a copy, put together from its pages. Of several duplicates item
// returns the first, as a lookup of libdb does.
func (p page) item(i int) ([]byte, error) {
	raw := p.raw(i)
	switch raw[0] {
	case itemInline:
		return raw[1:], nil
	case itemBig:
		if len(raw) != bigItemSize {
			return nil, damaged("page %d: item %d refers to a big value with %d bytes", p.number, i, len(raw))
		}
		return p.f.big(p.f.order.Uint32(raw[4:]), p.f.order.Uint32(raw[8:]), nil)
	case itemDuplicate:
		all, err := p.duplicates(i)
		if err != nil {
			return nil, err
		}
		return all[0], nil
	case itemOffDup:
		return nil, damaged("page %d: item %d is a tree of duplicates, which no mail map has", p.number, i)
	}
	return nil, damaged("page %d: item %d has type %d", p.number, i, raw[0])
}

// duplicates returns the values of an item of type 2, in which each value has
// its length before and behind it.
func (p page) duplicates(i int) ([][]byte, error) {
	rest := p.raw(i)[1:]
	var all [][]byte
	for len(rest) > 0 {
		if len(rest) < 4 {
			return nil, damaged("page %d: item %d: duplicates cut short", p.number, i)
		}
		n := int(p.f.order.Uint16(rest))
		if n+4 > len(rest) || int(p.f.order.Uint16(rest[2+n:])) != n {
			return nil, damaged("page %d: item %d: a duplicate of %d bytes does not fit", p.number, i, n)
		}
		all, rest = append(all, rest[2:2+n]), rest[4+n:]
	}
	if i%2 == 0 || len(all) == 0 {
		return nil, damaged("page %d: item %d: duplicates that are no values", p.number, i)
	}
	return all, nil
}

// big puts a big value together from its pages, of which number is the first.
// It calls seen, unless that is nil, with the number of each page.
func (f *File) big(number, length uint32, seen func(uint32) error) ([]byte, error) {
	if int64(length) > int64(len(f.image)) {
		return nil, damaged("a value of %d bytes is longer than the file", length)
	}
	value := make([]byte, 0, length)
	for previous := uint32(0); number != 0; {
		p, err := f.page(number)
		if err != nil {
			return nil, err
		}
		used := int(f.order.Uint16(p.bytes[headHfOffset:]))
		switch {
		case p.empty || p.kind != typeBig || p.entries != 1 || p.bytes[headLevel] != 0:
			return nil, damaged("page %d is of type %d, not a page of a big value", number, p.kind)
		case p.prev() != previous:
			return nil, damaged("page %d says that page %d is before it, not %d", number, p.prev(), previous)
		case used == 0 || used > f.pageSize-pageHead || len(value)+used > int(length):
			return nil, damaged("page %d holds %d bytes of a value of %d", number, used, length)
		}
		if seen != nil {
			if err := seen(number); err != nil {
				return nil, err
			}
		}
		value = append(value, p.bytes[pageHead:pageHead+used]...)
		previous, number = number, p.next()
	}
	if len(value) != int(length) {
		return nil, damaged("a value has %d bytes of %d", len(value), length)
	}
	return value, nil
}

// Get finds the value of a key. The value is a part of the image, unless it is
// longer than a quarter of a page: then it is a copy. Get checks only what it
// reads.
func (f *File) Get(key []byte) (value []byte, ok bool, err error) {
	number, previous := f.firstPage(f.bucketOf(hash(key))), uint32(0)
	for budget := f.pages; budget == f.pages || number != 0; budget-- {
		if budget == 0 {
			return nil, false, damaged("the pages of a bucket run in a circle at page %d", number)
		}
		p, err := f.bucketHead(number, previous)
		if err != nil || p.empty {
			return nil, false, err
		}
		if value, ok, err = p.find(key); ok || err != nil {
			return value, ok, err
		}
		previous, number = number, p.next()
	}
	return nil, false, nil
}

// find finds the value of a key on a page.
func (p page) find(key []byte) (value []byte, ok bool, err error) {
	end := p.f.pageSize
	for i := 0; i < p.entries; i += 2 {
		at, err := p.place(i, end)
		if err != nil {
			return nil, false, err
		}
		raw := p.bytes[at:end]
		if end, err = p.place(i+1, at); err != nil {
			return nil, false, err
		}
		if raw[0] == itemInline && !bytes.Equal(raw[1:], key) {
			continue
		}
		stored, err := p.item(i)
		if err != nil {
			return nil, false, err
		}
		if bytes.Equal(stored, key) {
			value, err = p.item(i + 1)
			return value, err == nil, err
		}
	}
	return nil, false, nil
}

// All yields every row in the order of the file. A key with duplicates comes
// once for each value. An error is the last thing that All yields.
func (f *File) All() iter.Seq2[[2][]byte, error] {
	return func(yield func([2][]byte, error) bool) {
		r := bucketReader{f: f, yield: yield}
		if err := r.all(); err != nil && !errors.Is(err, errStopped) {
			yield([2][]byte{}, err)
		}
	}
}
