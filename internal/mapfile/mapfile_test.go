package mapfile

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/mmap"
	"virtmap/internal/workshop/peer"
)

type pairs [][2]string

func (p pairs) Len() int                      { return len(p) }
func (p pairs) Row(i int) (key, value []byte) { return []byte(p[i][0]), []byte(p[i][1]) }

// hashZero are two keys whose cdb hash is 0.
var hashZero = []string{"v68nc6a@a.example", "if83fii@a.example"}

func randomRows(seed uint64, n int) pairs {
	r := rand.New(rand.NewPCG(seed, 1))
	var rows pairs
	for i := range n {
		rows = append(rows, [2]string{fmt.Sprintf("user%d@d%d.example", i, r.IntN(50)), strings.Repeat("v", 1+r.IntN(80))})
	}
	return rows
}

func written(t testing.TB, typ string, rows Rows) string {
	t.Helper()
	m, _ := ByName(typ)
	path := filepath.Join(t.TempDir(), "map"+m.Suffix)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Write(f, rows); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func holds(t testing.TB, path, typ string, rows pairs) {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Type.Name != typ {
		t.Fatalf("the type is %s, want %s", f.Type.Name, typ)
	}
	if sum, err := f.Sum(); err != nil || sum.Len() != len(rows) {
		t.Fatalf("Sum has %d, %v; want %d", sum.Len(), err, len(rows))
	}
	for _, row := range rows {
		if value, ok, err := f.Append(nil, []byte(row[0])); !ok || err != nil || string(value) != row[1] {
			t.Fatalf("%s: %q gives %q, %v, %v", typ, row[0], value, ok, err)
		}
	}
	if _, ok, err := f.Append(nil, []byte("absent@d.example")); ok || err != nil {
		t.Fatalf("an absent key: %v, %v", ok, err)
	}
	n := 0
	if err := f.Each(func(_, _ []byte) error { n++; return nil }); err != nil || n != len(rows) {
		t.Fatalf("Each gives %d rows, %v", n, err)
	}
}

func TestRoundTrips(t *testing.T) {
	for _, typ := range []string{"hash", "cdb", "lmdb", "lmdb-1.0"} {
		for _, n := range []int{0, 1, 2, 10, 1000, 20_000} {
			rows := randomRows(uint64(n), n)
			holds(t, written(t, typ, rows), typ, rows)
		}
	}
	path := filepath.Join(t.TempDir(), "virtusertable")
	if err := os.WriteFile(path, []byte("# comment\na@d.example\tandrei\n@d.example\terror:5.1.1:\"550 no\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "text", pairs{{"a@d.example", "andrei"}, {"@d.example", `error:5.1.1:"550 no"`}})
}

func TestCDBHashZero(t *testing.T) {
	for _, key := range hashZero {
		if cdbHash([]byte(key)) != 0 {
			t.Fatalf("the hash of %q is not 0", key)
		}
		for n := range 40 { // among few rows and many, first and last
			rows := append(pairs{{key, "zero"}}, randomRows(uint64(n), n*n*4)...)
			path := written(t, "cdb", rows)
			holds(t, path, "cdb", rows)
		}
	}
	both := pairs{{hashZero[0], "1"}, {"a", "2"}, {hashZero[1], "3"}}
	if err := writeCDB(&memory{}, both); err == nil || !strings.Contains(err.Error(), hashZero[1]) {
		t.Errorf("two keys with hash 0: %v", err)
	}
}

// memory is a file in memory.
type memory struct {
	bytes []byte
	at    int
}

func (m *memory) Write(p []byte) (int, error) {
	m.bytes = append(m.bytes[:m.at], append(p[:len(p):len(p)], m.bytes[min(len(m.bytes), m.at+len(p)):]...)...)
	m.at += len(p)
	return len(p), nil
}

func (m *memory) Seek(offset int64, _ int) (int64, error) { m.at = int(offset); return offset, nil }

// huge are rows of more bytes than a cdb can have.
type huge struct{ value []byte }

func (huge) Len() int                      { return 5000 }
func (h huge) Row(int) (key, value []byte) { return []byte("k"), h.value }

func TestCDBRefusesFourGiB(t *testing.T) {
	err := writeCDB(&memory{}, huge{make([]byte, 1<<20)})
	if err == nil || !strings.Contains(err.Error(), "4 GiB") {
		t.Errorf("got %v", err)
	}
}

func TestCDBFlippedBytes(t *testing.T) {
	rows := pairs{{"fake@d.example", "andrei"}, {"info@d.example", "bea"}, {"@d.example", "carol"}}
	image, err := os.ReadFile(written(t, "cdb", rows))
	if err != nil {
		t.Fatal(err)
	}
	for at := range image {
		for _, flip := range []byte{1, 0x80, 0xff} {
			image[at] ^= flip
			checkFlipped(t, image, rows, at)
			image[at] ^= flip
		}
	}
	for n := range image {
		if _, _, err := CheckImage(mmap.Of(image[:n])); err == nil && n > 0 {
			if typ, _, _ := CheckImage(mmap.Of(image[:n])); typ.Name == "cdb" {
				t.Errorf("a cdb cut to %d bytes passes", n)
			}
		}
	}
}

func checkFlipped(t *testing.T, image []byte, rows pairs, at int) {
	t.Helper()
	if _, err := checkCDB(mmap.Of(image)); err != nil {
		return
	}
	wrong := 0
	for _, row := range rows {
		if value, ok, err := cdbMap(image).Get([]byte(row[0])); err != nil || !ok || string(value) != row[1] {
			wrong++
		}
	}
	if wrong > 1 {
		t.Errorf("byte %d flipped: %d rows are wrong", at, wrong)
	}
}

func TestFileCutWhileOpen(t *testing.T) {
	for _, typ := range []string{"hash", "cdb", "lmdb"} {
		path := written(t, typ, randomRows(1, 20_000))
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.Append(nil, []byte("user1@d1.example")); !errors.Is(err, mmap.ErrCut) {
			t.Errorf("%s: lookup in a cut file: %v", typ, err)
		}
		if _, err := f.Sum(); !errors.Is(err, mmap.ErrCut) {
			t.Errorf("%s: check of a cut file: %v", typ, err)
		}
		f.Close()
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk")
	if err := os.WriteFile(junk, bytes.Repeat([]byte{0xff, 0}, 5000), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dir: "no regular file", junk: "neither", dir + "/none": "no such file"} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%q): %v, want %q", path, err, want)
		}
	}
}

// TestCDBAgainstTinycdb compares our files with those of tinycdb, byte for byte.
func TestCDBAgainstTinycdb(t *testing.T) {
	for _, n := range []int{0, 1, 10, 1000, 50_000} {
		rows := randomRows(uint64(n)+9, n)
		path := written(t, "cdb", rows)
		var text strings.Builder
		for _, row := range rows {
			text.WriteString(row[0] + "\t" + row[1] + "\n")
		}
		theirs := filepath.Join(t.TempDir(), "theirs.cdb")
		peer.Run(t, text.String(), "cdb", "-c", "-m", theirs)
		ours, _ := os.ReadFile(path)
		want, _ := os.ReadFile(theirs)
		if !bytes.Equal(ours, want) {
			t.Errorf("%d rows: %d bytes differ from tinycdb's %d", n, len(ours), len(want))
		}
		for i := 0; i < n; i += max(1, n/20) {
			if out := peer.Run(t, "", "cdb", "-q", path, rows[i][0]); out != rows[i][1] {
				t.Errorf("cdb -q %s = %q", rows[i][0], out)
			}
		}
	}
	for _, key := range hashZero {
		rows := append(randomRows(3, 500), [2]string{key, "zero"})
		if out := peer.Run(t, "", "cdb", "-q", written(t, "cdb", rows), key); out != "zero" {
			t.Errorf("cdb -q %s = %q", key, out)
		}
	}
}

func FuzzCDB(f *testing.F) {
	var m memory
	if err := writeCDB(&m, pairs{{"a", "1"}, {"b", "2"}}); err != nil {
		f.Fatal(err)
	}
	f.Add(m.bytes)
	f.Fuzz(func(t *testing.T, image []byte) {
		if !fitsCDB(image) {
			return
		}
		_, checkErr := checkCDB(mmap.Of(image))
		db, _ := openCDB(image)
		for row, err := range db.All() {
			if err != nil {
				return
			}
			if _, ok, err := db.Get(row[0]); checkErr == nil && (!ok || err != nil) {
				t.Fatalf("Get(%q): %v, %v", row[0], ok, err)
			}
		}
	})
}

// TestPostmapAgrees has postmap find every row of our maps, and reads the maps
// that postmap makes.
func TestPostmapAgrees(t *testing.T) {
	postmap := peer.Postmap(t)
	rows := randomRows(77, 3000)
	var keys, text strings.Builder
	want := map[string]string{}
	for _, row := range rows {
		keys.WriteString(row[0] + "\n")
		text.WriteString(row[0] + " " + row[1] + "\n")
		want[row[0]] = row[1]
	}
	for _, typ := range []string{"hash", "cdb", "lmdb"} {
		path := written(t, typ, rows)
		base := strings.TrimSuffix(path, filepath.Ext(path))
		found := 0
		for line := range strings.Lines(postmap(keys.String(), "-q", "-", typ+":"+base)) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			if want[key] != value {
				t.Fatalf("%s: postmap gives %q for %q, want %q", typ, value, key, want[key])
			}
			found++
		}
		if found != len(rows) {
			t.Errorf("%s: postmap finds %d of %d rows", typ, found, len(rows))
		}
		theirs := filepath.Join(t.TempDir(), "theirs")
		if err := os.WriteFile(theirs, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		postmap("", typ+":"+theirs)
		f, err := Open(theirs + filepath.Ext(path))
		if err != nil {
			t.Fatal(err)
		}
		if sum, err := f.Sum(); err != nil || sum.Len() != len(rows) {
			t.Errorf("%s: Sum of postmap's map has %d, %v", typ, sum.Len(), err)
		}
		nul := ""
		if typ != "cdb" {
			nul = "\x00" // postmap ends keys and values of other maps with one
		}
		for _, row := range rows {
			if value, ok, err := f.Append(nil, []byte(row[0]+nul)); !ok || err != nil || string(value) != row[1]+nul {
				t.Fatalf("%s: postmap's map gives %q, %v, %v for %q", typ, value, ok, err, row[0])
			}
		}
		f.Close()
	}
}

// TestTextsHaveNoMap: the types that are read from the text write no file of their own.
func TestTextsHaveNoMap(t *testing.T) {
	for _, name := range []string{"text", "texthash"} {
		if typ, ok := ByName(name); !ok || typ.Write != nil || typ.Suffix != "" {
			t.Errorf("%s: %+v", name, typ)
		}
	}
	if _, typ, err := OpenImage([]byte("a@d.example\tandrei\n")); err != nil || typ.Name != "text" {
		t.Errorf("a text is %q: %v", typ.Name, err)
	}
}
