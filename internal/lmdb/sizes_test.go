package lmdb

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// TestSizes writes files of random sizes, to 200,000 rows, in both versions. The strict
// reader accepts them and finds every row.
func TestSizes(t *testing.T) {
	eachFormat(t, func(t *testing.T, format Format) {
		r := rand.New(rand.NewPCG(11, 26))
		files, all, depths := 0, 0, map[uint16]int{}
		for range peer.Campaign(10) {
			size := int(math.Exp(r.Float64() * math.Log(200_000)))
			rows := randomRows(r, size)
			file := encode(t, rows, format)
			holds(t, file, rows)
			f, err := Open(file)
			if err != nil {
				t.Fatal(err)
			}
			files, all = files+1, all+size
			depths[uint16(f.meta.main.depth)]++
		}
		t.Logf("%d files, %d rows, files by depth: %v", files, all, depths)
	})
}

// TestZeros writes keys with zero bytes at each place, and keys of high bytes.
func TestZeros(t *testing.T) {
	var rows pairs
	for _, key := range []string{"\x00", "\x00\x00", "a", "a\x00", "a\x00\x00", "a\x00b", "\x00a", "\xff", "\xff\x00", "\x80", "\x7f"} {
		rows = append(rows, [2]string{key, fmt.Sprintf("the value of %x", key)}, [2]string{key + "x", "\x00"})
	}
	for _, key := range []string{strings.Repeat("\x00", MaxKey), strings.Repeat("\xff", MaxKey)} {
		rows = append(rows, [2]string{key, "\x00\x00"})
	}
	eachFormat(t, func(t *testing.T, format Format) {
		file := encode(t, rows, format)
		holds(t, file, rows)
		if format != Format1 {
			return
		}
		program := peer.Liblmdb(t)
		path := filepath.Join(t.TempDir(), "map.lmdb")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(liblmdb(t, program, asks(rows), path, "nolock")); got != digest(rows) {
			t.Error("liblmdb has other rows")
		}
	})
}

// TestFreePages reads a file of liblmdb that ends before its last page: the pages there
// were taken and given back in one transaction, and never written. It also reads one
// in which they were written.
func TestFreePages(t *testing.T) {
	program := peer.Liblmdb(t)
	rows := randomRows(rand.New(rand.NewPCG(12, 26)), 500)
	var ops []byte
	for _, row := range rows {
		ops = peer.AppendOp(ops, 'p', []byte(row[0]), []byte(row[1]))
	}
	ops = peer.AppendOp(ops, 'c', nil, nil)
	for range 5 { // pages that are free for the list of free pages itself
		ops = peer.AppendOp(ops, 'p', []byte(rows[0][0]), []byte(rows[0][1]))
		ops = peer.AppendOp(ops, 'c', nil, nil)
	}
	big := bytes.Repeat([]byte("b"), 500_000)
	put, drop := peer.AppendOp(nil, 'p', []byte("big"), big), peer.AppendOp(nil, 'd', []byte("big"), nil)
	commit := peer.AppendOp(nil, 'c', nil, nil)
	for it, more := range map[string][]byte{
		"never written": bytes.Join([][]byte{put, drop, commit}, nil),
		"freed later":   bytes.Join([][]byte{put, commit, drop, commit}, nil),
	} {
		path := filepath.Join(t.TempDir(), "map.lmdb")
		liblmdb(t, program, append(bytes.Clone(ops), more...), path, "nolock")
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Open(file)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, file, rows)
		pages := uint64(len(file) / PageSize)
		t.Logf("%s: %d pages, the last one is %d", it, pages, f.meta.last)
		if (f.meta.last+1 > pages) != (it == "never written") {
			t.Errorf("%s: the file has %d pages, and %d is the last", it, pages, f.meta.last)
		}
	}
}
