package lmdb

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// liblmdb runs operations with the real liblmdb and returns what it prints.
func liblmdb(t *testing.T, program []string, ops []byte, path, lock string) string {
	t.Helper()
	out, errOut, err := peer.Try(string(ops), program[0], program[1], path, lock)
	if err != nil {
		t.Fatalf("liblmdb with %s: %v\n%.1000s", lock, err, errOut)
	}
	return out
}

// asks are the operations that ask for all rows, for keys that are not there, and for
// the digest of all rows.
func asks(rows pairs) (ops []byte) {
	for _, row := range rows {
		ops = peer.AppendOp(ops, 'g', []byte(row[0]), []byte(row[1]))
	}
	for n := range 100 {
		ops = peer.AppendOp(ops, 'n', fmt.Appendf(nil, "absent%d@d.example", n), nil)
	}
	return peer.AppendOp(ops, 'w', nil, nil)
}

// digest is the digest that liblmdb prints of rows.
func digest(rows pairs) string {
	sum := sha256.New()
	for _, row := range rows.sorted() {
		var lengths [8]byte
		binary.NativeEndian.PutUint32(lengths[:], uint32(len(row[0])))
		binary.NativeEndian.PutUint32(lengths[4:], uint32(len(row[1])))
		sum.Write(lengths[:])
		sum.Write([]byte(row[0] + row[1]))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// TestLiblmdbTakesOurFiles writes files of many sizes. The real liblmdb finds every
// row, walks them in order and back, copies and changes them.
func TestLiblmdbTakesOurFiles(t *testing.T) {
	program := peer.Liblmdb(t)
	r := rand.New(rand.NewPCG(20, 26))
	sizes := []int{0, 1, 2, 3, 10, 100}
	for range peer.Campaign(10) {
		sizes = append(sizes, int(math.Exp(r.Float64()*math.Log(200_000))))
	}
	for _, size := range sizes {
		rows := randomRows(r, size)
		path := filepath.Join(t.TempDir(), "map.lmdb")
		file := encode(t, rows, Format1)
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, lock := range []string{"nolock", "lock"} {
			if got := strings.TrimSpace(liblmdb(t, program, asks(rows), path, lock)); got != digest(rows) {
				t.Fatalf("%d rows: a walk with %s gives other rows", size, lock)
			}
		}
		accepted(t, path, size)
		rows, ops := changes(r, rows, 1000)
		liblmdb(t, program, ops, path, "nolock")
		if got := strings.TrimSpace(liblmdb(t, program, asks(rows), path, "lock")); got != digest(rows) {
			t.Fatalf("%d rows: after changes, a walk gives other rows", size)
		}
		changed, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, changed, rows)
	}
}

// accepted checks that the tools of liblmdb take a file and count its rows. mdb_copy
// refuses a file with pages that belong to nothing.
func accepted(t *testing.T, path string, rows int) {
	t.Helper()
	if out := peer.Run(t, "", "mdb_stat", "-n", "-e", "-f", path); !strings.Contains(out, fmt.Sprintf("Entries: %d\n", rows)) || !strings.Contains(out, "Free pages: 0\n") {
		t.Fatalf("mdb_stat of %d rows:\n%s", rows, out)
	}
	copied := filepath.Join(t.TempDir(), "copy.lmdb")
	peer.Run(t, "", "mdb_copy", "-n", "-c", path, copied)
	file, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := check(file); err != nil || len(got) != rows {
		t.Fatalf("mdb_copy -c of %d rows has %d, %v", rows, len(got), err)
	}
}

// changes makes n operations in 20 transactions: one third deletes a key, one third
// changes a value, one third adds a key.
func changes(r *rand.Rand, rows pairs, n int) (pairs, []byte) {
	rows = append(pairs(nil), rows...)
	var ops []byte
	for i := range n {
		if i%(n/20) == 0 {
			ops = peer.AppendOp(ops, 'c', nil, nil)
		}
		switch at := r.IntN(len(rows) + 1); {
		case i%3 == 0 && at < len(rows):
			ops = peer.AppendOp(ops, 'd', []byte(rows[at][0]), nil)
			rows[at] = rows[len(rows)-1]
			rows = rows[:len(rows)-1]
		case i%3 == 1 && at < len(rows):
			rows[at][1] = strings.Repeat("+", r.IntN([]int{300, 2100, 20_000}[r.IntN(3)]))
			ops = peer.AppendOp(ops, 'p', []byte(rows[at][0]), []byte(rows[at][1]))
		default:
			key := "new" + strconv.Itoa(i) + "@d.example"
			key += strings.Repeat("x", r.IntN(MaxKey-len(key)+1))
			row := [2]string{key, strings.Repeat("n", r.IntN(100))}
			ops = peer.AppendOp(ops, 'p', []byte(row[0]), []byte(row[1]))
			rows = append(rows, row)
		}
	}
	return rows, ops
}

// TestReadsNativeFiles reads files that mdb_load has written, sorted and not, and their
// copies, cut and with bytes behind the end.
func TestReadsNativeFiles(t *testing.T) {
	dir := t.TempDir()
	for i, size := range []int{0, 1, 10, 1000, 20_000} {
		rows := randomRows(rand.New(rand.NewPCG(uint64(i), 3)), size)
		for name, order := range map[string]pairs{"sorted": rows.sorted(), "mixed": rows} {
			path := filepath.Join(dir, fmt.Sprint(name, size))
			peer.Run(t, load(order), "mdb_load", "-n", path)
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, file, rows)
			if n := len(file) / 2 / PageSize * PageSize; n > 2*PageSize {
				if _, err := check(bytes.Clone(file[:n])); err == nil {
					t.Errorf("%s cut to a half passes", path)
				}
			}
			holds(t, append(file, make([]byte, 3000)...), rows)
		}
	}
}

// load is the text from which mdb_load makes a file.
func load(rows pairs) string {
	var text strings.Builder
	text.WriteString("VERSION=3\nformat=bytevalue\ntype=btree\nmapsize=1073741824\ndb_pagesize=4096\nHEADER=END\n")
	for _, row := range rows {
		fmt.Fprintf(&text, " %x\n %x\n", row[0], row[1])
	}
	text.WriteString("DATA=END\n")
	return text.String()
}

// TestDumpMakesTheSameRows dumps our file with mdb_dump, loads the dump and reads it.
// The dump gets a larger map size: ours is the length of the file, and mdb_load leaves
// more room in its pages.
func TestDumpMakesTheSameRows(t *testing.T) {
	rows := randomRows(rand.New(rand.NewPCG(4, 4)), 3000)
	dir := t.TempDir()
	path, again := filepath.Join(dir, "map.lmdb"), filepath.Join(dir, "again.lmdb")
	if err := os.WriteFile(path, encode(t, rows, Format1), 0o600); err != nil {
		t.Fatal(err)
	}
	dump := strings.Replace(peer.Run(t, "", "mdb_dump", "-n", path), "mapsize=", "mapsize=1", 1)
	peer.Run(t, dump, "mdb_load", "-n", again)
	file, err := os.ReadFile(again)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, file, rows)
}

// TestBothMetaPagesCount renames our file over one that a reader with a lock file holds
// open. A second reader takes the meta page that the lock file's transaction tells,
// which is that of the old file: an even or an odd one.
func TestBothMetaPagesCount(t *testing.T) {
	program := peer.Liblmdb(t)
	rows := randomRows(rand.New(rand.NewPCG(9, 9)), 500)
	for _, transactions := range []int{1, 2} {
		path := filepath.Join(t.TempDir(), "map.lmdb")
		var ops []byte
		for n := range transactions {
			ops = peer.AppendOp(ops, 'p', fmt.Appendf(nil, "old%d", n), []byte("value"))
			ops = peer.AppendOp(ops, 'c', nil, nil)
		}
		liblmdb(t, program, ops, path, "lock")
		release := hold(t, program, path)
		if err := os.WriteFile(path+".new", encode(t, rows, Format1), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(liblmdb(t, program, asks(rows), path, "lock")); got != digest(rows) {
			t.Errorf("behind a file of %d transactions: the walk gives other rows", transactions)
		}
		release()
	}
}

// TestAReaderKeepsTheFileThatItHasOpen renames our file over one that a reader holds open
// and that has a second name, as a backup gives it. The new file is a file of its own:
// the reader finds the old rows and none of the new ones, in a new transaction too. The
// second name has the old bytes. The lock file, which the readers share, stays as it is.
func TestAReaderKeepsTheFileThatItHasOpen(t *testing.T) {
	program := peer.Liblmdb(t)
	path := filepath.Join(t.TempDir(), "map.lmdb")
	backup := path + ".backup"
	old := encode(t, pairs{{"old0", "value"}}, Format1)
	if err := errors.Join(os.WriteFile(path, old, 0o600), os.Link(path, backup)); err != nil {
		t.Fatal(err)
	}
	release := hold(t, program, path)
	lock, err := os.Stat(path + "-lock")
	if err != nil {
		t.Fatal(err)
	}
	rows := randomRows(rand.New(rand.NewPCG(3, 5)), 500)
	if err := errors.Join(os.WriteFile(path+".new", encode(t, rows, Format1), 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
	ops := peer.AppendOp(nil, 'c', nil, nil) // what follows is another transaction
	ops = peer.AppendOp(ops, 'g', []byte("old0"), []byte("value"))
	for _, row := range rows {
		ops = peer.AppendOp(ops, 'n', []byte(row[0]), nil)
	}
	if got := strings.TrimSpace(liblmdb(t, program, asks(rows), path, "lock")); got != digest(rows) {
		t.Error("a second reader finds other rows than the new ones")
	}
	release(ops...)
	if kept, err := os.ReadFile(backup); err != nil || !bytes.Equal(kept, old) {
		t.Errorf("the second name of the old file has other bytes (%v)", err)
	}
	if now, err := os.Stat(path + "-lock"); err != nil || !os.SameFile(lock, now) {
		t.Errorf("the lock file is another one (%v)", err)
	}
}

// hold starts a reader with a lock file, and returns when it has opened the file. The
// reader ends with release, after the operations that release gives it.
func hold(t *testing.T, program []string, path string) (release func(ops ...byte)) {
	t.Helper()
	cmd := exec.Command(program[0], program[1], path, "lock")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errOut strings.Builder
	cmd.Stderr = &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ops := peer.AppendOp(nil, 'g', []byte("old0"), []byte("value"))
	if _, err := in.Write(peer.AppendOp(ops, 's', nil, nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("done\n"))); err != nil {
		t.Fatalf("the reader did not open %s: %v", path, err)
	}
	return func(ops ...byte) {
		_, err := in.Write(ops)
		in.Close()
		if err := errors.Join(err, cmd.Wait()); err != nil {
			t.Errorf("the reader of %s: %v %s", path, err, errOut.String())
		}
	}
}
