package lmdb

import "bufio"

// A pageWriter writes the pages of a layout.
type pageWriter struct {
	l    *layout
	out  *bufio.Writer // keeps its first error until Flush
	page newPage       // the page that is being filled
}

// all writes all pages in the order of their numbers.
func (w *pageWriter) all() error {
	w.meta(0)
	w.meta(1)
	for depth, level := range w.l.levels {
		for i, s := range level {
			end := len(w.l.order)
			if depth > 0 {
				end = len(w.l.levels[depth-1])
			}
			if i+1 < len(level) {
				end = level[i+1].first
			}
			if depth == 0 {
				w.leaf(s, end)
			} else {
				w.branch(s, end, w.l.levels[depth-1])
			}
		}
	}
	return w.out.Flush()
}

// open empties the page and writes its header.
func (w *pageWriter) open(number uint64, flags uint16) {
	clear(w.page)
	w.header(number, flags)
	f := &w.l.format
	little.PutUint16(w.page[f.lowerAt():], uint16(f.head-f.base))
	little.PutUint16(w.page[f.upperAt():], uint16(w.l.pageSize-f.base))
}

// header writes the part of a header that all pages have. In Format3 all pages but
// the meta pages are of transaction 1.
func (w *pageWriter) header(number uint64, flags uint16) {
	little.PutUint64(w.page, number)
	if w.l.format.version == Format3.version && flags != flagMeta {
		little.PutUint64(w.page[8:], 1)
	}
	little.PutUint16(w.page[w.l.format.flagsAt():], flags)
}

// meta writes a meta page. Its number is its transaction.
func (w *pageWriter) meta(number uint64) {
	clear(w.page)
	w.header(number, flagMeta)
	m := w.page[w.l.format.head:]
	little.PutUint32(m[metaMagic:], magic)
	little.PutUint32(m[metaVersion:], w.l.format.version)
	little.PutUint64(m[metaMapSize:], uint64(w.l.length()))
	free := tree{pad: uint32(w.l.pageSize), flags: freeFlags, root: noPage}
	free.put(m[metaFree:])
	w.l.tree.put(m[metaMain:])
	little.PutUint64(m[metaLast:], w.l.last)
	little.PutUint64(m[metaTxn:], number)
	w.write()
}

// write writes the page. out keeps an error.
func (w *pageWriter) write() { _, _ = w.out.Write(w.page) }

// leaf writes a leaf with the rows up to end, and the big values behind it.
func (w *pageWriter) leaf(s span, end int) {
	f, size := &w.l.format, w.l.pageSize
	w.open(s.page, flagLeaf)
	next, isBig := s.page+1, false
	for i := s.first; i < end; i++ {
		key, value := w.l.row(i)
		node := w.page.node(f, f.leafNode(len(key), len(value), size), key)
		little.PutUint32(node, uint32(len(value)))
		at := node[f.valueAt(len(key)):]
		if !f.isBig(len(key), len(value), size) {
			copy(at, value)
			continue
		}
		isBig = true
		pages := f.bigPages(len(value), size)
		little.PutUint16(node[4:], nodeBig)
		little.PutUint64(at, next)
		if f.version == Format3.version {
			little.PutUint64(at[8:], 1)
			little.PutUint64(at[16:], pages)
		}
		next += pages
	}
	w.write()
	if isBig {
		w.bigValues(s, end)
	}
}

// bigValues writes the pages of the big values of a leaf.
func (w *pageWriter) bigValues(s span, end int) {
	f, size := &w.l.format, w.l.pageSize
	next := s.page + 1
	for i := s.first; i < end; i++ {
		key, value := w.l.row(i)
		if !f.isBig(len(key), len(value), size) {
			continue
		}
		pages := f.bigPages(len(value), size)
		clear(w.page)
		w.header(next, flagBig)
		little.PutUint32(w.page[f.pagesAt():], uint32(pages))
		_, _ = w.out.Write(w.page[:f.head])
		_, _ = w.out.Write(value)
		clear(w.page)
		_, _ = w.out.Write(w.page[:pages*uint64(size)-uint64(f.head+len(value))])
		next += pages
	}
}

// branch writes a branch with the children up to end.
func (w *pageWriter) branch(s span, end int, below []span) {
	w.open(s.page, flagBranch)
	for i := s.first; i < end; i++ {
		var key []byte
		if i > s.first {
			key, _ = w.l.row(below[i].row)
		}
		node := w.page.node(&w.l.format, w.l.format.branchNode(len(key)), key)
		little.PutUint32(node, uint32(below[i].page))
		little.PutUint16(node[4:], uint16(below[i].page>>32))
	}
	w.write()
}

// A newPage is a page that is being filled.
type newPage []byte

// node adds a node of size bytes with its key, and returns its bytes.
func (p newPage) node(f *Format, size int, key []byte) []byte {
	lower, upper := little.Uint16(p[f.lowerAt():]), little.Uint16(p[f.upperAt():])
	upper -= uint16(size)
	at := int(upper) + f.base
	little.PutUint16(p[int(lower)+f.base:], upper)
	little.PutUint16(p[f.lowerAt():], lower+2)
	little.PutUint16(p[f.upperAt():], upper)
	node := p[at : at+size]
	little.PutUint16(node[6:], uint16(len(key)))
	copy(node[nodeHead:], key)
	return node
}
