package lmdb

import (
	"bytes"
	"fmt"
	"math/bits"
)

// damaged makes an error for an lmdb file with wrong bytes.
func damaged(format string, args ...any) error {
	return fmt.Errorf("damaged lmdb file: "+format, args...)
}

// A File is an lmdb file in memory, of either format and with any page size. Several
// goroutines may call its methods at the same time.
type File struct {
	Format Format

	image    []byte
	pageSize int
	pages    uint64  // number of whole pages in the image
	metas    [2]meta // the meta pages
	meta     *meta   // the one that counts: with the higher transaction
}

// Open reads the meta pages of an image. It does not read the other pages. Get checks
// the pages that it reads; Check reads and checks all.
func Open(image []byte) (*File, error) {
	format, err := formatOf(image)
	if err != nil {
		return nil, err
	}
	f := &File{Format: format, image: image}
	size := little.Uint32(image[format.head+metaFree+treePad:])
	switch {
	case size < 512 || int64(size) > int64(format.maxPageSize) || bits.OnesCount32(size) != 1:
		return nil, damaged("the page size is %d", size)
	case len(image) < 2*int(size):
		return nil, damaged("it has %d bytes, and its two meta pages take %d", len(image), 2*size)
	}
	f.pageSize, f.pages = int(size), uint64(len(image))/uint64(size)
	for number := range f.metas {
		if err := f.readMeta(number); err != nil {
			return nil, err
		}
	}
	f.meta = &f.metas[0]
	if f.metas[1].txn > f.metas[0].txn {
		f.meta = &f.metas[1]
	}
	return f, nil
}

// readMeta reads and checks a meta page.
func (f *File) readMeta(number int) error {
	page := f.image[number*f.pageSize:]
	b := page[f.Format.head:]
	m := metaOf(b)
	f.metas[number] = m
	flags := little.Uint16(page[f.Format.flagsAt():]) &^ flagDirty
	switch {
	case little.Uint32(b[metaMagic:]) != magic || little.Uint32(b[metaVersion:]) != f.Format.version || flags != flagMeta:
		return damaged("page %d is not a meta page", number)
	case little.Uint64(page) != uint64(number):
		return damaged("meta page %d says it is page %d", number, little.Uint64(page))
	case m.free.pad != uint32(f.pageSize):
		return damaged("meta page %d says that a page has %d bytes, and the other %d", number, m.free.pad, f.pageSize)
	case m.main.flags != 0:
		return damaged("it has another order of keys, or several values of a key (flags 0x%x)", m.main.flags)
	case m.free.flags&0xff != freeFlags&0xff:
		return damaged("meta page %d: flags 0x%x of the free tree", number, m.free.flags)
	}
	return nil
}

// A page is a leaf or a branch, with a header that was checked.
type page struct {
	f      *File
	number uint64
	bytes  []byte
	leaf   bool
	nodes  int
	upper  int // offset of the lowest node
}

// page returns a leaf or a branch after a check of its header.
func (f *File) page(number uint64) (page, error) {
	b, flags, err := f.header(number)
	if err != nil {
		return page{}, err
	}
	lower := int(little.Uint16(b[f.Format.lowerAt():])) + f.Format.base
	upper := int(little.Uint16(b[f.Format.upperAt():])) + f.Format.base
	switch {
	case flags != flagLeaf && flags != flagBranch:
		return page{}, damaged("page %d is neither a leaf nor a branch (flags 0x%x)", number, flags)
	case lower&1 != 0 || lower < f.Format.head || lower > upper || upper > f.pageSize:
		return page{}, damaged("page %d: offsets to %d and nodes from %d on", number, lower, upper)
	}
	return page{f: f, number: number, bytes: b[:f.pageSize], leaf: flags == flagLeaf, nodes: (lower - f.Format.head) / 2, upper: upper}, nil
}

// header returns the bytes of the image from a page on, and the page's flags.
func (f *File) header(number uint64) (b []byte, flags uint16, err error) {
	if number < firstPage || number > f.meta.last || number >= f.pages {
		return nil, 0, damaged("it refers to page %d of %d", number, min(f.pages, f.meta.last+1))
	}
	b = f.image[number*uint64(f.pageSize):]
	if own := little.Uint64(b); own != number {
		return nil, 0, damaged("page %d says it is page %d", number, own)
	}
	return b, little.Uint16(b[f.Format.flagsAt():]) &^ flagDirty, nil
}

// at returns the offset of node i, unchecked.
func (p page) at(i int) int {
	return int(little.Uint16(p.bytes[p.f.Format.head+2*i:])) + p.f.Format.base
}

// node returns the bytes from node i on, and its key.
func (p page) node(i int) (node, key []byte, err error) {
	at := p.at(i)
	if at&1 != 0 || at < p.upper || at+nodeHead > p.f.pageSize {
		return nil, nil, damaged("page %d: node %d at offset %d is not on the page", p.number, i, at)
	}
	node = p.bytes[at:]
	end := nodeHead + int(little.Uint16(node[6:]))
	if end > len(node) {
		return nil, nil, damaged("page %d: the key of node %d runs past the page", p.number, i)
	}
	return node, node[nodeHead:end], nil
}

// child returns the page below a node of a branch.
func child(node []byte) uint64 {
	return uint64(little.Uint32(node)) | uint64(little.Uint16(node[4:]))<<32
}

// A value is the value of a row.
type value struct {
	bytes []byte // a part of the image
	size  int    // bytes in the node
	page  uint64 // first page of a big value, or 0
	pages uint64 // number of its pages
}

// value returns the value of node i of a leaf, which is node with a key of k bytes.
func (p page) value(i int, node []byte, k int) (v value, err error) {
	at, length := p.f.Format.valueAt(k), uint64(little.Uint32(node))
	switch flags := little.Uint16(node[4:]); flags {
	case 0:
		if uint64(at)+length > uint64(len(node)) {
			return v, damaged("page %d: the value of node %d runs past the page", p.number, i)
		}
		v.bytes, v.size = node[at:at+int(length)], int(length)
		return v, nil
	case nodeBig:
		if at+p.f.Format.bigSize > len(node) {
			return v, damaged("page %d: node %d runs past the page", p.number, i)
		}
		v.page, v.size = little.Uint64(node[at:]), p.f.Format.bigSize
		v.bytes, v.pages, err = p.f.big(v.page, length)
		return v, err
	default:
		return v, damaged("page %d: node %d is a database of its own, or several values (flags 0x%x)", p.number, i, flags)
	}
}

// big returns a big value, which begins on a page, and the number of its pages.
func (f *File) big(number, length uint64) (value []byte, pages uint64, err error) {
	b, flags, err := f.header(number)
	if err != nil {
		return nil, 0, err
	}
	pages = uint64(little.Uint32(b[f.Format.pagesAt():]))
	switch {
	case flags != flagBig:
		return nil, 0, damaged("page %d is no beginning of a big value (flags 0x%x)", number, flags)
	case pages < (uint64(f.Format.head)-1+length)/uint64(f.pageSize)+1:
		return nil, 0, damaged("page %d: a value of %d bytes on %d pages", number, length, pages)
	case pages-1 > f.meta.last-number || pages > f.pages-number:
		return nil, 0, damaged("page %d: the %d pages of a big value run past the end", number, pages)
	}
	return b[f.Format.head : uint64(f.Format.head)+length], pages, nil
}

// maxDepth is more levels than a tree has: with two children a branch they have
// 2^64 rows.
const maxDepth = 64

// Get finds the value of a key. The value is a part of the image. Get checks only
// what it reads.
func (f *File) Get(key []byte) (value []byte, ok bool, err error) {
	if f.meta.main.root == noPage {
		return nil, false, nil
	}
	number := f.meta.main.root
	for range maxDepth {
		p, err := f.page(number)
		if err != nil {
			return nil, false, err
		}
		if p.leaf {
			return p.find(key)
		}
		if number, err = p.below(key); err != nil {
			return nil, false, err
		}
	}
	return nil, false, damaged("the branches run in a circle at page %d", number)
}

// below finds the page below a branch where a key belongs: that of the last node
// whose key is not greater.
func (p page) below(key []byte) (uint64, error) {
	if p.nodes == 0 {
		return 0, damaged("page %d is a branch without children", p.number)
	}
	low, high := 0, p.nodes // the node is from low to high-1
	for high-low > 1 {
		middle := int(uint(low+high) / 2)
		_, own, err := p.node(middle)
		if err != nil {
			return 0, err
		}
		if bytes.Compare(own, key) <= 0 {
			low = middle
		} else {
			high = middle
		}
	}
	node, _, err := p.node(low)
	if err != nil {
		return 0, err
	}
	return child(node), nil
}

// find finds the value of a key on a leaf.
func (p page) find(key []byte) (value []byte, ok bool, err error) {
	for low, high := 0, p.nodes; low < high; {
		middle := int(uint(low+high) / 2)
		node, own, err := p.node(middle)
		if err != nil {
			return nil, false, err
		}
		switch bytes.Compare(own, key) {
		case -1:
			low = middle + 1
		case 1:
			high = middle
		default:
			v, err := p.value(middle, node, len(own))
			return v.bytes, err == nil, err
		}
	}
	return nil, false, nil
}
