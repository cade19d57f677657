package lmdb

import (
	"bufio"
	"fmt"
	"io"
)

// Explain writes what the bytes of an image mean. Each line has the offsets of a
// field, its bytes, and their meaning. The pages of a tree come before those that
// belong to no tree: free ones. Explain stops at the first damaged page and returns
// its error.
func Explain(w io.Writer, image []byte) error {
	f, err := Open(image)
	if err != nil {
		return err
	}
	e := explainer{f: f, out: bufio.NewWriter(w)}
	e.meta(0)
	e.meta(1)
	for number := uint64(firstPage); err == nil && number <= f.meta.last && number < f.pages; {
		number, err = e.page(number)
	}
	if flushErr := e.out.Flush(); err == nil {
		err = flushErr
	}
	return err
}

type explainer struct {
	f   *File
	out *bufio.Writer
}

// shownBytes is the number of bytes of a field that are shown in hexadecimal.
const shownBytes = 16

func (e *explainer) line(at, size int, format string, args ...any) {
	bytes := e.f.image[at : at+size]
	more := ""
	if size > shownBytes {
		bytes, more = bytes[:shownBytes], " …"
	}
	fmt.Fprintf(e.out, "%08x-%08x  % x%s  %s\n", at, at+size-1, bytes, more, fmt.Sprintf(format, args...))
}

// number explains a number of 2, 4 or 8 bytes.
func (e *explainer) number(at, size int, name string) {
	b := e.f.image[at:]
	switch size {
	case 2:
		e.line(at, size, "%s %d", name, little.Uint16(b))
	case 4:
		e.line(at, size, "%s %d", name, little.Uint32(b))
	default:
		if n := little.Uint64(b); n == noPage {
			e.line(at, size, "%s none", name)
		} else {
			e.line(at, size, "%s %d", name, n)
		}
	}
}

// A field is the name of a number, its offset and its size.
type field struct {
	at, size int
	name     string
}

func (e *explainer) fields(at int, fields []field) {
	for _, field := range fields {
		e.number(at+field.at, field.size, field.name)
	}
}

var treeFields = []field{
	{treePad, 4, "pad"}, {treeFlags, 2, "flags"}, {treeDepth, 2, "depth"}, {treeBranches, 8, "branches"},
	{treeLeaves, 8, "leaves"}, {treeOverflow, 8, "overflow"}, {treeEntries, 8, "entries"}, {treeRoot, 8, "root"},
}

func (e *explainer) meta(number int) {
	fmt.Fprintf(e.out, "page %d: meta page\n", number)
	at := number * e.f.pageSize
	e.head(at)
	at += e.f.Format.head
	e.line(at+metaMagic, 4, "magic")
	e.fields(at, []field{{metaVersion, 4, "version"}, {metaAddress, 8, "address"}, {metaMapSize, 8, "map size"}})
	fmt.Fprintln(e.out, "tree of the free pages")
	e.fields(at+metaFree, treeFields)
	fmt.Fprintln(e.out, "tree of the rows")
	e.fields(at+metaMain, treeFields)
	e.fields(at, []field{{metaLast, 8, "last page"}, {metaTxn, 8, "transaction"}})
}

// head explains what all headers have.
func (e *explainer) head(at int) {
	e.number(at, 8, "page")
	if e.f.Format.version == Format3.version {
		e.number(at+8, 8, "transaction")
	}
	e.number(at+e.f.Format.flagsAt(), 2, "flags")
}

// page explains a page and returns the number of the next one.
func (e *explainer) page(number uint64) (next uint64, err error) {
	at := int(number) * e.f.pageSize
	flags := little.Uint16(e.f.image[at+e.f.Format.flagsAt():]) &^ flagDirty
	switch flags {
	case flagBig:
		b, pages, err := e.f.big(number, 0)
		if err != nil {
			return 0, err
		}
		fmt.Fprintf(e.out, "page %d: big value\n", number)
		e.head(at)
		e.number(at+e.f.Format.pagesAt(), 4, "pages")
		size := int(pages)*e.f.pageSize - e.f.Format.head
		e.line(at+e.f.Format.head, size, "%d bytes of a value, or unused", size+len(b))
		return number + pages, nil
	case flagLeaf, flagBranch:
		return number + 1, e.nodes(number)
	}
	fmt.Fprintf(e.out, "page %d: free\n", number)
	return number + 1, nil
}

// nodes explains a leaf or a branch.
func (e *explainer) nodes(number uint64) error {
	p, err := e.f.page(number)
	if err != nil {
		return err
	}
	at := int(number) * e.f.pageSize
	fmt.Fprintf(e.out, "page %d: %s\n", number, map[bool]string{true: "leaf", false: "branch"}[p.leaf])
	e.head(at)
	e.fields(at, []field{{e.f.Format.lowerAt(), 2, "lower"}, {e.f.Format.upperAt(), 2, "upper"}})
	for i := range p.nodes {
		e.line(at+e.f.Format.head+2*i, 2, "offset %d of node %d", p.at(i), i)
	}
	for i := p.nodes - 1; i >= 0; i-- {
		node, key, err := p.node(i)
		if err != nil {
			return err
		}
		if !p.leaf {
			e.line(at+p.at(i), p.f.Format.branchNode(len(key)), "child on page %d from %q on", child(node), key)
			continue
		}
		v, err := p.value(i, node, len(key))
		if err != nil {
			return err
		}
		text := fmt.Sprintf("%q", v.bytes)
		if v.page != 0 {
			text = fmt.Sprintf("%d bytes from page %d on", len(v.bytes), v.page)
		}
		e.line(at+p.at(i), p.f.Format.valueAt(len(key))+v.size, "%q %s", key, text)
	}
	return nil
}
