package lmdb

import (
	"bufio"
	"io"
)

// Rows are the keys and values of a file. Each key is given once, in any order.
// Several goroutines call Row at the same time; they read the slices, and keep
// none after Write.
type Rows interface {
	Len() int
	Row(i int) (key, value []byte)
}

// Write writes a file of the rows, from the first byte to the last, and returns its
// length. The same set of rows gives the same bytes, in any order and with any number
// of processors. Beside the rows, Write needs about 32 bytes of memory a row.
//
// Write fails when a key is empty, too long or given twice, and when there are more
// than 2^32 rows.
func Write(w io.Writer, rows Rows, format Format) (int64, error) {
	return write(w, rows, format, PageSize)
}

func write(w io.Writer, rows Rows, format Format, pageSize int) (int64, error) {
	order, err := inOrder(rows)
	if err != nil {
		return 0, err
	}
	l := plan(rows, order, format, pageSize)
	out := pageWriter{l: l, out: bufio.NewWriterSize(w, 1<<20), page: make([]byte, pageSize)}
	return l.length(), out.all()
}

// A layout says which rows and children are on which page.
type layout struct {
	rows     Rows
	order    []sortedRow
	format   Format
	pageSize int

	levels [][]span // leaves, then the branches above them, level by level
	tree   tree     // the tree of the rows
	last   uint64   // the last page
}

// A span is a page that is to be written. On a leaf there are the rows from first to
// the first row of the next leaf; on a branch the spans of the level below.
type span struct {
	page  uint64
	first int
	row   int // the lowest row below the page
}

// firstPage is the first page behind the meta pages.
const firstPage = 2

// plan decides which rows are on which page. Leaves and branches are filled from the
// first row to the last.
func plan(rows Rows, order []sortedRow, format Format, pageSize int) *layout {
	l := &layout{rows: rows, order: order, format: format, pageSize: pageSize}
	l.tree = tree{entries: uint64(len(order)), root: noPage}
	next := l.planLeaves(firstPage)
	for level := l.levels[0]; len(level) > 1; {
		level = l.planBranches(level)
		for i := range level {
			level[i].page = next
			next++
		}
		l.levels = append(l.levels, level)
		l.tree.branches += uint64(len(level))
	}
	l.last = next - 1
	if len(order) > 0 {
		top := l.levels[len(l.levels)-1]
		l.tree.root, l.tree.depth = top[0].page, uint16(len(l.levels))
	}
	return l
}

// row returns a row by its place in the order of the keys.
func (l *layout) row(i int) (key, value []byte) { return l.rows.Row(int(l.order[i].row)) }

// room is the number of bytes that the nodes of a page may take, with their offsets.
func (l *layout) room() int { return l.pageSize - l.format.head }

// planLeaves makes the leaves. next is the number of the first one. The pages of
// big values have the numbers behind their leaf. planLeaves returns the number of
// the next page.
func (l *layout) planLeaves(next uint64) uint64 {
	var leaves []span
	used, big := l.room(), uint64(0)
	for i := range l.order {
		key, value := l.row(i)
		size := l.format.leafNode(len(key), len(value), l.pageSize) + 2
		if used+size > l.room() {
			next += big
			leaves = append(leaves, span{page: next, first: i, row: i})
			next, used, big = next+1, 0, 0
		}
		used += size
		if l.format.isBig(len(key), len(value), l.pageSize) {
			pages := l.format.bigPages(len(value), l.pageSize)
			l.tree.overflow += pages
			big += pages
		}
	}
	l.levels = [][]span{leaves}
	l.tree.leaves = uint64(len(leaves))
	return next + big
}

// planBranches makes the branches above a level. A branch with one child at the end
// gets a second one from the branch before it.
func (l *layout) planBranches(below []span) (level []span) {
	used := l.room()
	for i, child := range below {
		size := l.format.branchNode(l.separator(child)) + 2
		if used+size > l.room() {
			level = append(level, span{first: i, row: child.row})
			used, size = 0, l.format.branchNode(0)+2
		}
		used += size
	}
	if last := &level[len(level)-1]; last.first == len(below)-1 {
		last.first--
		last.row = below[last.first].row
	}
	return level
}

// separator is the length of the key of a child in its branch.
func (l *layout) separator(child span) int {
	key, _ := l.row(child.row)
	return len(key)
}

// length is the length of the file in bytes.
func (l *layout) length() int64 { return int64(l.last+1) * int64(l.pageSize) }
