package lmdb

import (
	"bytes"
	"errors"
	"iter"
	"slices"
)

var errStopped = errors.New("stopped")

// A walker reads a tree in the order of its keys and checks all that it reads. It
// counts the pages and nodes of the tree.
type walker struct {
	f     *File
	used  pageSet
	order func(a, b []byte) int // compares keys

	// row gets each row; it may be nil.
	row func(key []byte, v value) error

	found  tree
	key    []byte // of the last row
	places []int  // the offsets of the nodes of a page
}

// A pageSet has a bit for each page. The bit is set when a tree or the list of free
// pages uses the page.
type pageSet []uint64

func newPageSet(pages uint64) pageSet { return make(pageSet, pages/64+1) }

// take sets the bit of a page. A bit that is set already is an error.
func (s pageSet) take(number uint64) error {
	if number/64 >= uint64(len(s)) {
		return damaged("it refers to page %d", number)
	}
	if s[number/64]&(1<<(number%64)) != 0 {
		return damaged("page %d is used twice", number)
	}
	s[number/64] |= 1 << (number % 64)
	return nil
}

// tree walks a tree, and compares what it finds with the description of the tree.
func (w *walker) tree(t tree) error {
	w.found = tree{pad: t.pad, flags: t.flags, depth: t.depth, root: t.root}
	if t.root != noPage {
		if err := w.page(t.root, int(t.depth), bounds{}); err != nil {
			return err
		}
	} else if t.depth != 0 {
		return damaged("an empty tree has depth %d", t.depth)
	}
	switch {
	case w.found.entries != t.entries:
		return damaged("it has %d rows and says %d", w.found.entries, t.entries)
	case w.found != t:
		return damaged("it has %d branches, %d leaves and %d pages of big values, and says %d, %d and %d",
			w.found.branches, w.found.leaves, w.found.overflow, t.branches, t.leaves, t.overflow)
	}
	return nil
}

// bounds are the keys that a page may have: from low on, and below high. nil is no
// bound.
type bounds struct{ low, high []byte }

// page walks a page and all below it. depth is the number of levels from the page to
// the leaves.
func (w *walker) page(number uint64, depth int, b bounds) error {
	p, err := w.f.page(number)
	if err != nil {
		return err
	}
	if err := w.used.take(number); err != nil {
		return err
	}
	switch {
	case depth < 1 || depth > maxDepth || p.leaf != (depth == 1):
		return damaged("page %d: the leaves are not all on the same level", number)
	case p.leaf && p.nodes == 0, !p.leaf && p.nodes < 2:
		return damaged("page %d has %d nodes, too few", number, p.nodes)
	case p.leaf:
		w.found.leaves++
		return w.leaf(p, b)
	}
	w.found.branches++
	return w.branch(p, depth, b)
}

// leaf gives the rows of a leaf to row.
func (w *walker) leaf(p page, b bounds) error {
	w.places = w.places[:0]
	end := p.f.pageSize
	for i := range p.nodes {
		node, key, err := p.node(i)
		if err != nil {
			return err
		}
		switch {
		case len(key) == 0:
			return damaged("page %d: node %d has no key", p.number, i)
		case w.key != nil && w.order(w.key, key) >= 0, i == 0 && b.low != nil && w.order(b.low, key) > 0:
			return damaged("page %d: key %q is out of order", p.number, shorten(key))
		}
		w.key = key
		v, err := p.value(i, node, len(key))
		if err != nil {
			return err
		}
		if err := w.big(v); err != nil {
			return err
		}
		end = w.place(p, i, even(p.f.Format.valueAt(len(key))+v.size), end)
		w.found.entries++
		if w.row != nil {
			if err := w.row(key, v); err != nil {
				return err
			}
		}
	}
	if b.high != nil && w.order(w.key, b.high) >= 0 {
		return damaged("page %d: key %q is out of order", p.number, shorten(w.key))
	}
	return w.covered(p, end)
}

// big marks the pages of a big value as used.
func (w *walker) big(v value) error {
	w.found.overflow += v.pages
	for i := range v.pages {
		if err := w.used.take(v.page + i); err != nil {
			return err
		}
	}
	return nil
}

// branch walks the children of a branch.
func (w *walker) branch(p page, depth int, b bounds) error {
	type link struct {
		page   uint64
		bounds bounds
	}
	links := make([]link, p.nodes)
	w.places = w.places[:0]
	end := p.f.pageSize
	for i := range p.nodes {
		node, key, err := p.node(i)
		if err != nil {
			return err
		}
		links[i] = link{child(node), b}
		end = w.place(p, i, p.f.Format.branchNode(len(key)), end)
		if i == 0 {
			continue
		}
		low := links[i-1].bounds.low
		if len(key) == 0 || low != nil && w.order(low, key) >= 0 || b.high != nil && w.order(key, b.high) >= 0 {
			return damaged("page %d: the key %q of child %d is out of order", p.number, shorten(key), i)
		}
		links[i-1].bounds.high, links[i].bounds.low = key, key
	}
	if err := w.covered(p, end); err != nil {
		return err
	}
	for _, l := range links {
		if err := w.page(l.page, depth-1, l.bounds); err != nil {
			return err
		}
	}
	return nil
}

// place notes the place of a node of size bytes. The nodes of a page that was filled
// in order go down from its end without a gap; end is where the next of these must
// end. It is -1 after a node that lies elsewhere; then covered looks at all places.
func (w *walker) place(p page, i, size, end int) int {
	at := p.at(i)
	w.places = append(w.places, at, at+size)
	if at+size != end {
		return -1
	}
	return at
}

// covered checks that the nodes of a page fill it from the lowest node to its end,
// without gaps and without two nodes in one place.
func (w *walker) covered(p page, end int) error {
	if end == p.upper {
		return nil
	}
	slices.Sort(w.places) // starts and ends of nodes that touch each other come in pairs
	n := len(w.places)
	whole := w.places[0] == p.upper && w.places[n-1] == p.f.pageSize
	for i := 1; whole && i+1 < n; i += 2 {
		whole = w.places[i] == w.places[i+1]
	}
	if !whole {
		return damaged("page %d: nodes run into each other or leave a gap", p.number)
	}
	return nil
}

// All yields every row in the order of the keys. An error is the last thing that All
// yields.
func (f *File) All() iter.Seq2[[2][]byte, error] {
	return func(yield func([2][]byte, error) bool) {
		w := walker{f: f, used: newPageSet(f.pages), order: bytes.Compare}
		w.row = func(key []byte, v value) error {
			if !yield([2][]byte{key, v.bytes}, nil) {
				return errStopped
			}
			return nil
		}
		if err := w.tree(f.meta.main); err != nil && !errors.Is(err, errStopped) {
			yield([2][]byte{}, err)
		}
	}
}

// shorten cuts a key for an error message.
func shorten(key []byte) []byte { return key[:min(len(key), 64)] }
