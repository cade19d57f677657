package lmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"virtmap/internal/workshop/peer"
)

// smallRows are rows for a small file with a branch, two leaves and a big value.
func smallRows() pairs {
	rows := pairs{{"foo@example.org", "bar"}, {"@example.com", `error:5.1.1:"550 User unknown"`},
		{"big@example.com", strings.Repeat("b", 500)}, {"fo@example.org", "andrei"}, {"foo@example.org.au", "bea"}}
	for i := range 20 {
		rows = append(rows, [2]string{fmt.Sprintf("user%d@example.net", i), fmt.Sprintf("box%d", i)})
	}
	return rows
}

// TestFlippedBytes changes one byte at a time. The result is an error, the right rows,
// or one row in which one key or value differs.
func TestFlippedBytes(t *testing.T) {
	eachFormat(t, func(t *testing.T, format Format) {
		rows := smallRows().sorted()
		file := image(t, rows, format, 512)
		if f, err := Open(file); err != nil || f.meta.main.branches == 0 || f.meta.main.overflow == 0 {
			t.Fatal("the file has no branch or no big value")
		}
		for at := range file {
			for _, flip := range []byte{0x01, 0x02, 0x10, 0x80, 0xff} {
				file[at] ^= flip
				if text := differs(file, rows); text != "" {
					t.Errorf("byte %d (page %d, %d) flipped by 0x%02x: %s", at, at/512, at%512, flip, text)
				}
				file[at] ^= flip
			}
		}
	})
}

// differs describes how the rows of an image differ from those given, and accepts one
// row in which bytes of the key or of the value differ.
func differs(file []byte, rows pairs) string {
	got, err := check(file)
	if err != nil {
		return ""
	}
	changed := 0
	for i, row := range got {
		if len(got) != len(rows) {
			return fmt.Sprintf("%d rows, want %d", len(got), len(rows))
		}
		if row != rows[i] {
			changed++
		}
	}
	if changed > 1 {
		return fmt.Sprintf("%d rows differ", changed)
	}
	f, err := Open(file)
	if err != nil {
		return "Check passes and Open does not: " + err.Error()
	}
	for _, row := range got {
		if value, ok, err := f.Get([]byte(row[0])); !ok || err != nil || string(value) != row[1] {
			return fmt.Sprintf("Check gives %q, and Get %.40q, %v, %v", row, value, ok, err)
		}
	}
	return ""
}

func TestCutFiles(t *testing.T) {
	eachFormat(t, func(t *testing.T, format Format) {
		file := encode(t, randomRows(rand.New(rand.NewPCG(5, 5)), 500), format)
		for n := 0; n < len(file); n += 512 {
			if _, err := check(file[:n]); err == nil {
				t.Errorf("a file cut to %d of %d bytes passes", n, len(file))
			}
		}
		for _, more := range []int{1, 100, PageSize} { // MDB_WRITEMAP leaves such files
			if _, err := check(append(bytes.Clone(file), make([]byte, more)...)); err != nil {
				t.Errorf("%d bytes more: %v", more, err)
			}
		}
	})
}

// TestForeignMachines gives Open the first bytes of files of other machines.
func TestForeignMachines(t *testing.T) {
	page := func(at int, bytes ...byte) []byte {
		image := make([]byte, 3*PageSize)
		copy(image[at:], bytes)
		return image
	}
	tests := map[string]struct {
		image []byte
		want  string
	}{
		"big-endian":         {page(16, 0xbe, 0xef, 0xc0, 0xde, 0, 0, 0, 1), "a big-endian machine"},
		"big-endian, 1.0":    {page(24, 0xbe, 0xef, 0xc0, 0xde, 0, 0, 0, 3), "a big-endian machine"},
		"32 bits":            {page(12, 0xde, 0xc0, 0xef, 0xbe, 1), "a 32-bit machine"},
		"32 bits, 1.0":       {page(16, 0xde, 0xc0, 0xef, 0xbe, 3), "a 32-bit machine"},
		"another version":    {page(16, 0xde, 0xc0, 0xef, 0xbe, 2), "version 2"},
		"another version, 3": {page(24, 0xde, 0xc0, 0xef, 0xbe, 4), "version 4"},
		"zeros":              {page(0), "not an lmdb file"},
		"nothing":            {nil, "not an lmdb file"},
	}
	for it, tt := range tests {
		if _, err := Open(tt.image); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", it, err, tt.want)
		}
		if fits := Fits(tt.image, Format1) || Fits(tt.image, Format3); fits == strings.Contains(tt.want, "not an lmdb") {
			t.Errorf("%s: Fits gives %v", it, fits)
		}
	}
	eachFormat(t, func(t *testing.T, format Format) {
		file := encode(t, twoRows, format)
		for _, other := range formats {
			if Fits(file, other) != (other == format) {
				t.Errorf("Fits says %v to version %d", Fits(file, other), other.version)
			}
		}
	})
}

// TestDamage refuses what liblmdb's own tools accept, and numbers that are too large.
func TestDamage(t *testing.T) {
	put := func(at int, bytes ...byte) func([]byte) { return func(file []byte) { copy(file[at:], bytes) } }
	huge := bytes.Repeat([]byte{0xff}, 8)
	huge[7] = 0x7f
	const main, leaf = 16 + metaMain, 2 * PageSize
	tests := map[string]func(file []byte){
		"a key out of order": func(file []byte) { copy(file[bytes.Index(file, []byte("user1@")):], "zzer1@") },
		"two offsets swapped": func(file []byte) {
			a, b := file[leaf+16:], file[leaf+18:]
			a[0], a[1], b[0], b[1] = b[0], b[1], a[0], a[1]
		},
		"root beyond the end":   func(file []byte) { copy(file[PageSize+main+treeRoot:], huge) },
		"last page near 2^63":   func(file []byte) { copy(file[PageSize+16+metaLast:], huge) },
		"root is a meta page":   put(PageSize+main+treeRoot, 1),
		"other roots":           put(main+treeRoot, 3),
		"depth 9":               put(PageSize+main+treeDepth, 9),
		"no rows":               put(PageSize+main+treeEntries, 0, 0),
		"reverse keys":          put(PageSize+main+treeFlags, 2),
		"page size 0":           put(16+metaFree, 0, 0, 0, 0),
		"page size in one meta": put(PageSize+16+metaFree, 0, 0x20),
		"value of 4e9 bytes":    put(leaf+PageSize-28, 0xff, 0xff, 0xff, 0xee),
		"a big value on 2^32-1 pages": func(file []byte) {
			copy(file[leaf+PageSize-24:], []byte{1, 0, 17, 0}) // node 0 becomes one of a big value
			copy(file[leaf+PageSize-28:], []byte{0xff, 0xff, 0xff, 0xff})
		},
		"lower 0xfffe":           put(leaf+12, 0xfe, 0xff),
		"leaf zeroed":            func(file []byte) { clear(file[leaf : leaf+PageSize]) },
		"leaf of another number": put(leaf, 3),
	}
	rows := pairs{}
	for i := range 500 {
		rows = append(rows, [2]string{fmt.Sprintf("user%d@example.net", i), "box"})
	}
	for it, damage := range tests {
		file := encode(t, rows, Format1)
		damage(file)
		if _, err := check(file); err == nil {
			t.Errorf("%s: Check passes", it)
		}
	}
}

// TestRandomDamage changes many bytes, mostly of headers and offsets: no panic and no
// long loop.
func TestRandomDamage(t *testing.T) {
	eachFormat(t, func(t *testing.T, format Format) {
		r := rand.New(rand.NewPCG(3, 3))
		sound := encode(t, randomRows(r, 400), format)
		for range peer.Campaign(300) {
			file := bytes.Clone(sound)
			for range 1 + r.IntN(8) {
				at := r.IntN(len(file)/PageSize)*PageSize + r.IntN(80)
				if r.IntN(3) == 0 {
					binary.LittleEndian.PutUint16(file[at:], uint16(r.IntN(PageSize)))
				} else {
					file[at] = byte(r.Uint32())
				}
			}
			began := time.Now()
			readAll(t, file)
			if took := time.Since(began); took > 5*time.Second {
				t.Fatalf("reading took %v", took)
			}
		}
	})
}

// readAll calls every method with an image. What Check accepts, All and Get must give.
func readAll(t *testing.T, file []byte) {
	t.Helper()
	f, err := Open(file)
	if err != nil {
		return
	}
	_ = Explain(&bytes.Buffer{}, file)
	_, checkErr := check(file)
	for row, err := range f.All() {
		if err != nil {
			if checkErr == nil {
				t.Fatalf("Check passes and All does not: %v", err)
			}
			break
		}
		value, ok, err := f.Get(row[0])
		if checkErr == nil && (err != nil || !ok || !bytes.Equal(value, row[1])) {
			t.Fatalf("Get(%q) = %q, %v, %v", row[0], value, ok, err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, format := range formats {
		f.Add(encode(f, twoRows, format))
		f.Add(image(f, smallRows(), format, 512))
		f.Add(encode(f, pairs(nil), format))
	}
	if file, err := os.ReadFile("testdata/free-pages.lmdb"); err == nil {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) { readAll(t, file) })
}
