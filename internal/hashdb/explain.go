package hashdb

import (
	"bufio"
	"fmt"
	"io"
)

// Explain writes what the bytes of an image mean. Each line has the offsets of
// a field, its bytes, and their meaning. Explain stops at the first damaged
// page and returns its error.
func Explain(w io.Writer, image []byte) error {
	f, err := Open(image)
	if err != nil {
		return err
	}
	e := explainer{f: f, out: bufio.NewWriter(w)}
	e.meta()
	for number := uint32(1); number < f.pages; number++ {
		if err := e.page(number); err != nil {
			e.out.Flush()
			return err
		}
	}
	return e.out.Flush()
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

var metaFields = []struct {
	at, size int
	name     string
}{
	{0, 8, "lsn"}, {metaPgno, 4, "pgno"}, {metaMagic, 4, "magic"}, {metaVersion, 4, "version"},
	{metaPageSize, 4, "pagesize"}, {metaEncrypt, 1, "encrypt_alg"}, {metaType, 1, "type"},
	{metaMetaFlags, 1, "metaflags"}, {metaFree, 4, "free"}, {metaLastPgno, 4, "last_pgno"}, {36, 4, "nparts"},
	{metaKeyCount, 4, "key_count"}, {metaRecordCount, 4, "record_count"}, {metaFlags, 4, "flags"},
	{metaUID, 20, "uid"}, {metaMaxBucket, 4, "max_bucket"}, {metaHighMask, 4, "high_mask"},
	{metaLowMask, 4, "low_mask"}, {84, 4, "ffactor"}, {metaNelem, 4, "nelem"}, {metaCharKey, 4, "h_charkey"},
}

func (e *explainer) meta() {
	fmt.Fprintf(e.out, "page 0: metadata\n")
	for _, field := range metaFields {
		switch field.size {
		case 4:
			e.line(field.at, 4, "%s %d", field.name, e.f.meta(field.at))
		case 1:
			e.line(field.at, 1, "%s %d", field.name, e.f.image[field.at])
		default:
			e.line(field.at, field.size, "%s", field.name)
		}
	}
	for i, spare := range e.f.spares {
		if spare != 0 {
			e.line(metaSpares+4*i, 4, "spares[%d] %d", i, spare)
		}
	}
}

func (e *explainer) page(number uint32) error {
	p, err := e.f.page(number)
	if err != nil {
		return err
	}
	at := int(number) * e.f.pageSize
	if p.empty {
		fmt.Fprintf(e.out, "page %d: zeros\n", number)
		return nil
	}
	kinds := map[byte]string{typeFree: "free", typeUnsorted: "bucket, unsorted", typeBig: "big value", typeSorted: "bucket"}
	fmt.Fprintf(e.out, "page %d: %s\n", number, kinds[p.kind])
	e.line(at+headPgno, 4, "pgno %d", number)
	e.line(at+headPrev, 4, "prev_pgno %d", p.prev())
	e.line(at+headNext, 4, "next_pgno %d", p.next())
	e.line(at+headEntries, 2, "entries %d", p.entries)
	used := e.f.order.Uint16(p.bytes[headHfOffset:])
	e.line(at+headHfOffset, 2, "hf_offset %d", used)
	e.line(at+headLevel, 1, "level %d", p.bytes[headLevel])
	e.line(at+headType, 1, "type %d", p.kind)
	switch p.kind {
	case typeBig:
		e.line(at+pageHead, min(int(used), e.f.pageSize-pageHead), "%d bytes of a value", used)
	case typeSorted, typeUnsorted:
		return e.bucket(number, p.prev())
	}
	return nil
}

func (e *explainer) bucket(number, previous uint32) error {
	p, err := e.f.bucketPage(number, previous)
	if err != nil {
		return err
	}
	at := int(number) * e.f.pageSize
	for i := range p.entries {
		e.line(at+pageHead+2*i, 2, "index[%d] offset %d", i, p.index(i))
	}
	for i := p.entries - 1; i >= 0; i-- {
		raw := p.raw(i)
		what := [2]string{"key", "value"}[i%2]
		switch {
		case raw[0] == itemInline:
			e.line(at+p.index(i), len(raw), "%s %q", what, raw[1:])
		case raw[0] == itemBig && len(raw) == bigItemSize:
			e.line(at+p.index(i), len(raw), "%s of %d bytes from page %d on", what, e.f.order.Uint32(raw[8:]), e.f.order.Uint32(raw[4:]))
		default:
			e.line(at+p.index(i), len(raw), "%s of type %d", what, raw[0])
		}
	}
	return nil
}
