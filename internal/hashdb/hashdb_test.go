package hashdb

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"virtmap/internal/mmap"
)

var update = flag.Bool("update", os.Getenv("VIRTMAP_UPDATE") != "", "rewrite the goldens")

type pairs [][2]string

func (p pairs) Len() int { return len(p) }
func (p pairs) Row(i int) (key, value []byte) {
	return []byte(p[i][0]), []byte(p[i][1])
}

func image(t testing.TB, rows Rows, o options) []byte {
	t.Helper()
	var out buffer
	n, err := write(&out, rows, o)
	if err != nil {
		t.Fatal(err)
	}
	if n != int64(len(out.bytes)) {
		t.Fatalf("wrote %d bytes and says %d", len(out.bytes), n)
	}
	return out.bytes
}

func encode(t testing.TB, rows Rows) []byte {
	t.Helper()
	return image(t, rows, options{pageSize: PageSize, load: 0.8})
}

// A buffer is a file in memory.
type buffer struct {
	bytes []byte
	at    int
}

func (b *buffer) Write(p []byte) (int, error) {
	if more := b.at + len(p) - len(b.bytes); more > 0 {
		b.bytes = append(b.bytes, make([]byte, more)...)
	}
	b.at += copy(b.bytes[b.at:], p)
	return len(p), nil
}

func (b *buffer) Seek(offset int64, _ int) (int64, error) {
	b.at = int(offset)
	return offset, nil
}

var twoRows = pairs{{"foo@example.org", "bar"}, {"@example.com", "error:nouser User unknown"}}

// TestReferenceFiles compares with files that libdb 5.3 has verified, and in
// which it has found every key.
func TestReferenceFiles(t *testing.T) {
	var b, bn, c, d pairs
	for i := range 1000 {
		key, value := fmt.Sprintf("user%d@d%d.example", i, i%7), fmt.Sprintf("box%d@store.example", i)
		b = append(b, [2]string{key, value})
		bn = append(bn, [2]string{key + "\x00", value + "\x00"})
	}
	for j, n := range []int{1, 100, 1023, 1024, 1025, 4069, 4070, 4071, 8140, 8141, 50000} {
		c = append(c, [2]string{fmt.Sprintf("big%d@v.example", j), strings.Repeat("x", n)})
	}
	for i := range 300 {
		c = append(c, [2]string{fmt.Sprintf("k%d@v.example", i), strings.Repeat("y", i%200+1)})
	}
	for i := 1; i <= 200; i++ {
		d = append(d, [2]string{strings.Repeat("a", i), fmt.Sprintf("n%d", i)})
	}
	tests := []struct {
		id      string
		rows    pairs
		load    float64
		buckets uint32
		sum     string
	}{
		{"E", nil, 0.8, 0, "b32cd2dc8804a7b0403e9b0fa92898ffb95f337bdb7d0c975c0de755513fad28"},
		{"A", twoRows, 0.8, 0, "925950d1aafd67be2b51e2c6baadc4991de45a7ce576a5e3c94a2ba4bf5ade69"},
		{"B", b, 0.8, 0, "a31dbc0d821a58f76b7ecc7f7e13adf770720ca6e00b89f9416bfd9fc767c7e6"},
		{"Bn", bn, 0.8, 0, "784a978b1eb63b511096ef53224055a17a17f6dfa7b2072a861b2b56a4ad34b8"},
		{"C", c, 0.8, 0, "c11234b8280d2a9e6f2bf175f724b9c0adcd14ab53f483b661a64cdd0e2dbd51"},
		{"C3", c, 3, 0, "865c3713d9211d91eccdfe4d9164032db5ba1aec2c722f67343e3ca809d53df9"},
		{"D", d, 0.8, 0, "c6e1c17292757b1a2d351bf5b33ead717fc3e44eb05cff517a69c16b5549d2f3"},
		{"D2", d, 0.8, 2, "627b244d42abd2b534337a0afe515a8fed23fb877269f4ada80efd45039dd0f7"},
	}
	for _, tt := range tests {
		file := image(t, tt.rows, options{pageSize: 4096, load: tt.load, buckets: tt.buckets, zeroUID: true})
		sum := sha256.Sum256(file)
		if got := hex.EncodeToString(sum[:]); got != tt.sum {
			t.Errorf("reference %s: %d bytes with digest %s, want %s", tt.id, len(file), got, tt.sum)
		}
		holds(t, file, tt.rows)
	}
}

// holds checks with Check, All and Get that an image has these rows and no
// others.
func holds(t testing.TB, file []byte, rows pairs) {
	t.Helper()
	stats, err := Check(mmap.Of(file))
	if err != nil {
		t.Fatal(err)
	}
	if stats.Keys != len(rows) {
		t.Fatalf("%d keys, want %d", stats.Keys, len(rows))
	}
	f, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]string, len(rows))
	for _, row := range rows {
		want[row[0]] = row[1]
		if value, ok, err := f.Get([]byte(row[0])); !ok || err != nil || string(value) != row[1] {
			t.Fatalf("Get(%q) = %.40q, %v, %v; want %.40q", row[0], value, ok, err, row[1])
		}
	}
	for row, err := range f.All() {
		if err != nil {
			t.Fatal(err)
		}
		if value, ok := want[string(row[0])]; !ok || value != string(row[1]) {
			t.Fatalf("All gives %q %.40q, which is not there", row[0], row[1])
		}
		delete(want, string(row[0]))
	}
	if len(want) > 0 {
		t.Fatalf("All leaves out %d rows", len(want))
	}
}

func TestGoldenOfTwoRows(t *testing.T) {
	var got strings.Builder
	if err := Explain(&got, encode(t, twoRows)); err != nil {
		t.Fatal(err)
	}
	const path = "testdata/two-rows.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the bytes of two rows changed:\n%s", got.String())
	}
}

func TestWriteIsAFunctionOfTheSet(t *testing.T) {
	rows := randomRows(rand.New(rand.NewPCG(1, 2)), 50_000)
	file := encode(t, rows)
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	if other := encode(t, rows); !bytes.Equal(file, other) {
		t.Error("another order of the rows gives another file")
	}
	for _, processors := range []int{1, 2, 7} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		if other := encode(t, rows); !bytes.Equal(file, other) {
			t.Errorf("%d processors give another file", processors)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	tests := []struct {
		it   string
		rows pairs
		want string
	}{
		{"a key of 256 bytes", pairs{{strings.Repeat("k", 256), "v"}}, "256 bytes"},
		{"a key given twice", pairs{{"a", "1"}, {"b", "2"}, {"a", "3"}}, `"a" is given twice, in rows 0 and 2`},
	}
	for _, tt := range tests {
		if _, err := Write(&buffer{}, tt.rows); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.it, err, tt.want)
		}
	}
	full := errors.New("no space left on device")
	if _, err := Write(failing{full}, randomRows(rand.New(rand.NewPCG(1, 1)), 100_000)); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func (f failing) Seek(int64, int) (int64, error) { return 0, nil }

// randomRows makes addresses, families of keys that are prefixes of each
// other, and values from one byte to beyond a page.
func randomRows(r *rand.Rand, n int) pairs {
	seen := map[string]bool{}
	var rows pairs
	for len(rows) < n {
		key := fmt.Sprintf("user%d@d%d.example", r.IntN(10*n+1), r.IntN(20))
		switch r.IntN(8) {
		case 0:
			key = strings.Repeat("a", 1+r.IntN(250))
		case 1:
			key += strings.Repeat(".au", r.IntN(5))
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		size := 1 + r.IntN(60)
		if r.IntN(200) == 0 {
			size = 1 + r.IntN(10_000)
		}
		rows = append(rows, [2]string{key, strings.Repeat(string(rune('a'+r.IntN(26))), size)})
	}
	return rows
}

func TestRoundTrips(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, size := range []int{0, 1, 2, 3, 10, 100, 1000, 20_000} {
		rows := randomRows(r, size)
		file := encode(t, rows)
		holds(t, file, rows)
		f, _ := Open(file)
		for range 200 {
			key := fmt.Sprintf("absent%d@d.example", r.Int())
			if _, ok, err := f.Get([]byte(key)); ok || err != nil {
				t.Fatalf("Get(%q) = %v, %v", key, ok, err)
			}
		}
	}
	for _, pageSize := range []int{512, 1024, 8192, 32768} {
		rows := randomRows(r, 2000)
		for i, row := range rows {
			rows[i][0] = row[0][:min(len(row[0]), pageSize/4)]
		}
		unique := pairs{}
		seen := map[string]bool{}
		for _, row := range rows {
			if !seen[row[0]] {
				seen[row[0]] = true
				unique = append(unique, row)
			}
		}
		holds(t, image(t, unique, options{pageSize: pageSize, load: 1.7}), unique)
	}
}

// TestFlippedBytes changes one byte at a time. The result is an error, the
// right rows, or one key or value in which one byte differs.
func TestFlippedBytes(t *testing.T) {
	rows := pairs{{"foo@example.org", "bar"}, {"@example.com", `error:5.1.1:"550 User unknown"`},
		{"big@example.com", strings.Repeat("b", 5000)}, {"fo@example.org", "andrei"}, {"foo@example.org.au", "bea"}}
	file := image(t, rows, options{pageSize: 512, load: 0.8, buckets: 2})
	for at := range file {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			file[at] ^= flip
			if text := differs(file, rows); text != "" {
				t.Errorf("byte %d (page %d, %d) flipped by 0x%02x: %s", at, at/512, at%512, flip, text)
			}
			file[at] ^= flip
		}
	}
}

// differs describes how the rows of an image differ from those given, and
// accepts a difference inside one key or value.
func differs(file []byte, rows pairs) string {
	if _, err := Check(mmap.Of(file)); err != nil {
		return ""
	}
	f, err := Open(file)
	if err != nil {
		return "Check passes and Open does not: " + err.Error()
	}
	want := map[string]string{}
	for _, row := range rows {
		want[row[0]] = row[1]
	}
	changes, count := 0, 0
	for row, err := range f.All() {
		if err != nil {
			return "Check passes and All does not: " + err.Error()
		}
		count++
		value, ok := want[string(row[0])]
		switch {
		case !ok && !oneByteOff(string(row[0]), keysOf(rows)):
			return fmt.Sprintf("key %q appears", row[0])
		case !ok, value != string(row[1]):
			changes++
			if ok && !oneByteOff(string(row[1]), []string{value}) {
				return fmt.Sprintf("value %.60q appears", row[1])
			}
		}
	}
	if count != len(rows) || changes > 1 {
		return fmt.Sprintf("%d rows with %d changes", count, changes)
	}
	return ""
}

func keysOf(rows pairs) (keys []string) {
	for _, row := range rows {
		keys = append(keys, row[0])
	}
	return keys
}

func oneByteOff(text string, of []string) bool {
	for _, other := range of {
		if len(other) != len(text) {
			continue
		}
		n := 0
		for i := range text {
			if text[i] != other[i] {
				n++
			}
		}
		if n == 1 {
			return true
		}
	}
	return false
}

func TestCutFiles(t *testing.T) {
	file := encode(t, randomRows(rand.New(rand.NewPCG(5, 5)), 500))
	for n := 0; n < len(file); n += 512 {
		if _, err := Check(mmap.Of(file[:n])); err == nil {
			t.Errorf("a file cut to %d of %d bytes passes", n, len(file))
		}
	}
}

func TestKeysOutOfOrder(t *testing.T) {
	file := encode(t, pairs{{"aa", "1"}, {"a", "2"}, {"aaa", "3"}, {"b", "4"}})
	if at := bytes.Index(file, []byte("\x01aaa")); at > 0 {
		copy(file[at:], "\x01aab") // hashes elsewhere or is out of order
	}
	if _, err := Check(mmap.Of(file)); err == nil {
		t.Error("keys out of order pass")
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(encode(f, twoRows))
	f.Add(image(f, pairs{{"a", strings.Repeat("x", 3000)}, {"b", "c"}}, options{pageSize: 512, load: 0.8}))
	f.Add(encode(f, pairs(nil)))
	f.Fuzz(func(t *testing.T, file []byte) {
		db, err := Open(file)
		if err != nil {
			return
		}
		_ = Explain(&bytes.Buffer{}, file)
		_, checkErr := Check(mmap.Of(file))
		rows := 0
		for row, err := range db.All() {
			if err != nil {
				if checkErr == nil {
					t.Fatalf("Check passes and All does not: %v", err)
				}
				return
			}
			if rows++; checkErr == nil {
				if value, ok, err := db.Get(row[0]); err != nil || !ok {
					t.Fatalf("Get(%q) = %q, %v, %v", row[0], value, ok, err)
				}
			}
		}
	})
}
