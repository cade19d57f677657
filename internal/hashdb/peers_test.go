package hashdb

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"virtmap/internal/mmap"
	"virtmap/internal/workshop/peer"
)

// TestLibdbTakesOurFiles writes files of many sizes. The real libdb verifies,
// dumps, looks up and changes them.
func TestLibdbTakesOurFiles(t *testing.T) {
	libdb := peer.Libdb(t)
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(20, 26))
	sizes := []int{0, 1, 2, 3, 10, 100}
	for range peer.Campaign(40) {
		sizes = append(sizes, int(math.Exp(r.Float64()*math.Log(200_000))))
	}
	for i, size := range sizes {
		rows := randomRows(r, size)
		path := filepath.Join(dir, "map.db")
		if err := os.WriteFile(path, encode(t, rows), 0o600); err != nil {
			t.Fatal(err)
		}
		verify(t, path)
		sameRows(t, fmt.Sprintf("db_dump of %d rows", size), dumped(t, path), rows)
		if i%8 == 0 {
			sameRows(t, fmt.Sprintf("makemap -u of %d rows", size), unmade(t, path), rows)
		}
		var ops []byte
		for _, row := range rows {
			ops = peer.AppendOp(ops, 'g', []byte(row[0]), []byte(row[1]))
		}
		for n := range 100 {
			ops = peer.AppendOp(ops, 'n', fmt.Appendf(nil, "absent%d@d.example", n), nil)
		}
		peer.Run(t, string(ops), libdb, path)
		rows, ops = changes(r, rows, 1000)
		peer.Run(t, string(ops), libdb, path)
		verify(t, path)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		holdsAny(t, file, rows)
	}
}

func verify(t *testing.T, path string) {
	t.Helper()
	out, errOut, err := peer.Try("", peer.Find(t, "db5.3_verify"), path)
	if err != nil || strings.Contains(out+errOut, "key1:") {
		t.Fatalf("db5.3_verify: %v\n%.1000s%.1000s", err, out, errOut)
	}
}

func dumped(t *testing.T, path string) pairs {
	t.Helper()
	out := peer.Run(t, "", "db5.3_dump", path)
	_, out, _ = strings.Cut(out, "HEADER=END\n")
	var rows pairs
	lines := strings.Split(out, "\n")
	for i := 0; i+1 < len(lines) && lines[i] != "DATA=END"; i += 2 {
		var row [2]string
		for j := range row {
			text, err := hex.DecodeString(strings.TrimSpace(lines[i+j]))
			if err != nil {
				t.Fatal(err)
			}
			row[j] = string(text)
		}
		rows = append(rows, row)
	}
	return rows
}

func unmade(t *testing.T, path string) pairs {
	t.Helper()
	out := peer.Run(t, "", "makemap", "-u", "hash", strings.TrimSuffix(path, ".db"))
	var rows pairs
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		rows = append(rows, [2]string{key, value})
	}
	return rows
}

func sameRows(t *testing.T, what string, got, want pairs) {
	t.Helper()
	lines := func(rows pairs) []string {
		all := make([]string, len(rows))
		for i, row := range rows {
			all[i] = row[0] + "\t" + row[1]
		}
		sort.Strings(all)
		return all
	}
	a, b := lines(got), lines(want)
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("%s: row %d is %.100q, want %.100q", what, i, a[i], b[i])
		}
	}
	if len(a) != len(b) {
		t.Fatalf("%s: %d rows, want %d", what, len(a), len(b))
	}
}

// changes makes n operations: one third deletes a key, one third changes a
// value, one third adds a key.
func changes(r *rand.Rand, rows pairs, n int) (pairs, []byte) {
	rows = append(pairs(nil), rows...)
	var ops []byte
	for i := range n {
		switch at := r.IntN(len(rows) + 1); {
		case i%3 == 0 && at < len(rows):
			ops = peer.AppendOp(ops, 'd', []byte(rows[at][0]), nil)
			rows[at] = rows[len(rows)-1]
			rows = rows[:len(rows)-1]
		case i%3 == 1 && at < len(rows):
			rows[at][1] += strings.Repeat("+", 1+r.IntN(300))
			ops = peer.AppendOp(ops, 'p', []byte(rows[at][0]), []byte(rows[at][1]))
		default:
			row := [2]string{"new" + strconv.Itoa(i) + "@d.example", strings.Repeat("n", 1+r.IntN(100))}
			ops = peer.AppendOp(ops, 'p', []byte(row[0]), []byte(row[1]))
			rows = append(rows, row)
		}
	}
	return rows, ops
}

// holdsAny checks that a file which libdb has changed has these rows.
func holdsAny(t *testing.T, file []byte, rows pairs) {
	t.Helper()
	stats, err := Check(mmap.Of(file))
	if err != nil {
		t.Fatal(err)
	}
	if stats.Keys != len(rows) {
		t.Fatalf("after changes by libdb: %d keys, want %d", stats.Keys, len(rows))
	}
	f, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if value, ok, err := f.Get([]byte(row[0])); !ok || err != nil || string(value) != row[1] {
			t.Fatalf("after changes by libdb: Get(%q) = %.40q, %v, %v", row[0], value, ok, err)
		}
	}
}

func TestEditmapChangesOurFile(t *testing.T) {
	editmap := peer.Find(t, "editmap")
	rows := randomRows(rand.New(rand.NewPCG(8, 8)), 3000)
	base := filepath.Join(t.TempDir(), "map")
	if err := os.WriteFile(base+".db", encode(t, rows), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range peer.Campaign(100) {
		row := &rows[i*7]
		if out := peer.Run(t, "", editmap, "-q", "hash", base, row[0]); strings.TrimSuffix(out, "\n") != row[1] {
			t.Fatalf("editmap -q %q = %q", row[0], out)
		}
		row[1] = fmt.Sprintf("edited%d", i)
		peer.Run(t, "", editmap, "-u", "hash", base, row[0], row[1])
	}
	gone := rows[1]
	peer.Run(t, "", editmap, "-x", "hash", base, gone[0])
	rows = append(rows[:1:1], rows[2:]...)
	verify(t, base+".db")
	file, err := os.ReadFile(base + ".db")
	if err != nil {
		t.Fatal(err)
	}
	holdsAny(t, file, rows)
}

// TestReadsNativeFiles reads files that makemap and db_load have written, in
// both byte orders, and finds the rows that were given to these programs.
func TestReadsNativeFiles(t *testing.T) {
	dir := t.TempDir()
	for i, size := range []int{0, 1, 10, 1000, 20_000} {
		rows := randomRows(rand.New(rand.NewPCG(uint64(i), 3)), size)
		short := pairs{}
		for _, row := range rows {
			short = append(short, [2]string{row[0], row[1][:min(len(row[1]), 700)]})
		}
		var text, load strings.Builder
		load.WriteString("VERSION=3\nformat=bytevalue\ntype=hash\ndb_lorder=4321\ndb_pagesize=1024\nHEADER=END\n")
		for _, row := range short {
			text.WriteString(row[0] + "\t" + row[1] + "\n")
			fmt.Fprintf(&load, " %x\n %x\n", row[0], row[1])
		}
		load.WriteString("DATA=END\n")
		base := filepath.Join(dir, fmt.Sprint("native", size))
		peer.Run(t, text.String(), "makemap", "hash", base)
		peer.Run(t, load.String(), "db5.3_load", base+"-be.db")
		for _, path := range []string{base + ".db", base + "-be.db"} {
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			holdsAny(t, file, short)
			if f, _ := Open(file); (f.order == binary.BigEndian) != strings.Contains(path, "-be") {
				t.Errorf("%s: byte order %v", path, f.order)
			}
			if n := len(file) / 2 / 4096 * 4096; n > 0 && n < len(file) {
				if _, err := Check(mmap.Of(bytes.Clone(file[:n]))); err == nil {
					t.Errorf("%s cut to a half passes", path)
				}
			}
		}
	}
}

// TestReadsUnsortedPagesAndDuplicates reads forms of pages that libdb writes
// and we do not.
func TestReadsUnsortedPagesAndDuplicates(t *testing.T) {
	base := filepath.Join(t.TempDir(), "dup")
	peer.Run(t, "a@d.example\tfirst\na@d.example\tsecond\nb@d.example\tthird\n", "makemap", "-d", "hash", base)
	file, err := os.ReadFile(base + ".db")
	if err != nil {
		t.Fatal(err)
	}
	stats, err := Check(mmap.Of(file))
	if err != nil || stats.Keys != 2 || stats.Rows != 3 {
		t.Fatalf("%+v, %v", stats, err)
	}
	f, _ := Open(file)
	if value, ok, err := f.Get([]byte("a@d.example")); !ok || err != nil || string(value) != "first" {
		t.Errorf("Get = %q, %v, %v", value, ok, err)
	}
	unsorted := encode(t, pairs{{"a", "1"}, {"aa", "2"}, {"b", "3"}})
	for at := 4096; at < len(unsorted); at += 4096 {
		if unsorted[at+headType] == typeSorted {
			unsorted[at+headType] = typeUnsorted
		}
	}
	holds(t, unsorted, pairs{{"a", "1"}, {"aa", "2"}, {"b", "3"}})
}
