package lmdb

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
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

// sorted returns the rows in the order of their keys.
func (p pairs) sorted() pairs {
	p = slices.Clone(p)
	slices.SortFunc(p, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return p
}

// formats are the formats by the names that tests give them.
var formats = map[string]Format{"format1": Format1, "format3": Format3}

// eachFormat runs a test for both formats.
func eachFormat(t *testing.T, test func(t *testing.T, format Format)) {
	for name, format := range formats {
		t.Run(name, func(t *testing.T) { test(t, format) })
	}
}

func image(t testing.TB, rows Rows, format Format, pageSize int) []byte {
	t.Helper()
	var out bytes.Buffer
	n, err := write(&out, rows, format, pageSize)
	if err != nil {
		t.Fatal(err)
	}
	if n != int64(out.Len()) {
		t.Fatalf("wrote %d bytes and says %d", out.Len(), n)
	}
	return out.Bytes()
}

func encode(t testing.TB, rows Rows, format Format) []byte {
	t.Helper()
	return image(t, rows, format, PageSize)
}

var twoRows = pairs{{"foo@example.org", "bar"}, {"@example.com", "error:nouser User unknown"}}

// TestReferenceFiles compares with files that liblmdb 0.9.36 and 1.0.1 have read.
func TestReferenceFiles(t *testing.T) {
	for format, want := range map[Format]string{
		Format1: "506f15dc8004400813d739d4d16662c2e8e731e1065b9fa6a4abca864fbc6ebe",
		Format3: "1894066334f44e5af49cae9cd49e80d144681ec9390978a5ba5a2371eb223450",
	} {
		if got := fmt.Sprintf("%x", sha256.Sum256(encode(t, twoRows, format))); got != want {
			t.Errorf("version %d: two rows have the digest %s, want %s", format.version, got, want)
		}
	}
}

// check returns the rows that Check gives.
func check(file []byte) (rows pairs, err error) {
	err = Check(mmap.Of(file), func(key, value []byte) { rows = append(rows, [2]string{string(key), string(value)}) })
	return rows, err
}

// holds checks with Check, All and Get that an image has these rows and no others.
func holds(t testing.TB, file []byte, rows pairs) {
	t.Helper()
	want := rows.sorted()
	checked, err := check(file)
	if err != nil {
		t.Fatal(err)
	}
	sameRows(t, "Check", checked, want)
	f, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	var all pairs
	for row, err := range f.All() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, [2]string{string(row[0]), string(row[1])})
	}
	sameRows(t, "All", all, want)
	for _, row := range rows {
		if value, ok, err := f.Get([]byte(row[0])); !ok || err != nil || string(value) != row[1] {
			t.Fatalf("Get(%q) = %.40q, %v, %v; want %.40q", row[0], value, ok, err, row[1])
		}
	}
	for n := range 100 {
		key := fmt.Sprintf("absent%d@d.example", n)
		if _, ok, err := f.Get([]byte(key)); ok || err != nil {
			t.Fatalf("Get(%q) = %v, %v", key, ok, err)
		}
	}
}

func sameRows(t testing.TB, what string, got, want pairs) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: row %d is %.100q, want %.100q", what, i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d rows, want %d", what, len(got), len(want))
	}
}

func TestGoldenOfTwoRows(t *testing.T) {
	eachFormat(t, func(t *testing.T, format Format) {
		var got strings.Builder
		if err := Explain(&got, encode(t, twoRows, format)); err != nil {
			t.Fatal(err)
		}
		golden(t, fmt.Sprintf("testdata/two-rows-%d.txt", format.version), got.String())
	})
}

// golden compares a text with a file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the bytes of %s changed:\n%s", path, got)
	}
}

func TestWriteIsAFunctionOfTheSet(t *testing.T) {
	eachFormat(t, func(t *testing.T, format Format) {
		rows := randomRows(rand.New(rand.NewPCG(1, 2)), 50_000)
		file := encode(t, rows, format)
		rand.New(rand.NewPCG(3, 4)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		if !bytes.Equal(file, encode(t, rows, format)) {
			t.Error("another order of the rows gives another file")
		}
		for _, processors := range []int{1, 2, 7} {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			if !bytes.Equal(file, encode(t, rows, format)) {
				t.Errorf("%d processors give another file", processors)
			}
		}
	})
}

func TestWriteRefuses(t *testing.T) {
	tests := []struct {
		it   string
		rows pairs
		want string
	}{
		{"an empty key", pairs{{"a", "1"}, {"", "v"}}, "row 1: an lmdb file cannot have an empty key"},
		{"a key of 512 bytes", pairs{{strings.Repeat("k", 512), "v"}}, "512 bytes, 511 are allowed"},
		{"a key given twice", pairs{{"a", "1"}, {"b", "2"}, {"a", "3"}}, `"a" is given twice, in rows 0 and 2`},
		{"a long key given twice", pairs{{"info@example.org", "1"}, {"info@example.org", "3"}}, "is given twice, in rows 0 and 1"},
	}
	for _, tt := range tests {
		if _, err := Write(&bytes.Buffer{}, tt.rows, Format1); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.it, err, tt.want)
		}
	}
	full := errors.New("no space left on device")
	if _, err := Write(failing{full}, randomRows(rand.New(rand.NewPCG(1, 1)), 100_000), Format1); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// randomRows makes addresses, families of keys that are prefixes of each other, keys
// of other bytes than letters, and values from none to beyond a page.
func randomRows(r *rand.Rand, n int) pairs {
	seen := map[string]bool{}
	var rows pairs
	for len(rows) < n {
		key := fmt.Sprintf("user%d@d%d.example", r.IntN(10*n+1), r.IntN(20))
		switch r.IntN(10) {
		case 0:
			key = strings.Repeat("a", 1+r.IntN(MaxKey))
		case 1:
			key += strings.Repeat(".au", r.IntN(5))
		case 2:
			key = "\xc3\xbc" + key + "\x00"[:r.IntN(2)] + "\xff"[:r.IntN(2)]
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		size := r.IntN(60)
		switch r.IntN(200) {
		case 0:
			size = r.IntN(20_000)
		case 1:
			size = 1900 + r.IntN(200) - len(key) // about the limit of a big value
		}
		rows = append(rows, [2]string{key, strings.Repeat(string(rune('a'+r.IntN(26))), max(0, size))})
	}
	return rows
}

func TestRoundTrips(t *testing.T) {
	eachFormat(t, func(t *testing.T, format Format) {
		r := rand.New(rand.NewPCG(7, 7))
		for _, size := range []int{0, 1, 2, 3, 10, 100, 1000, 20_000} {
			rows := randomRows(r, size)
			holds(t, encode(t, rows, format), rows)
		}
		for pageSize := 8192; pageSize <= format.maxPageSize; pageSize *= 2 {
			rows := randomRows(r, 5000)
			holds(t, image(t, rows, format, pageSize), rows)
		}
	})
}

// TestLimits writes rows at the limits of pages and nodes.
func TestLimits(t *testing.T) {
	repeat := func(k, v int) [2]string { return [2]string{strings.Repeat("k", k), strings.Repeat("v", v)} }
	var long, big, exact, prefixes pairs
	for i := range 57 { // nine leaves of seven rows, a branch of seven leaves and one of two
		long = append(long, [2]string{fmt.Sprintf("%0511d", i), "v"})
	}
	for k := 1; k <= 40; k++ {
		for _, size := range []int{2025, 2026, 2027, 2028, 2029, 2030, 2031, 2038, 2039, 2048} {
			big = append(big, [2]string{fmt.Sprintf("%0*d", k+3, size-2000), strings.Repeat("b", size-k)})
		}
	}
	for k, v := range map[int]int{1: 4072, 2: 4073, 3: 4080, 4: 4081, 5: 8168, 6: 8169, 7: 8176, 8: 8177, 9: 0, MaxKey: 70_000} {
		exact = append(exact, repeat(k, v))
	}
	for k := 1; k <= MaxKey; k++ {
		prefixes = append(prefixes, repeat(k, k%7))
	}
	unique := map[string]bool{}
	big = slices.DeleteFunc(big, func(row [2]string) bool { had := unique[row[0]]; unique[row[0]] = true; return had })
	two := pairs{{"a", strings.Repeat("v", 2000)}, {"b", strings.Repeat("v", 2000)}, {"c", strings.Repeat("v", 2000)}}
	eachFormat(t, func(t *testing.T, format Format) {
		for it, rows := range map[string]pairs{"one child left": long, "big values": big, "pages full": exact, "prefixes": prefixes, "two leaves": two} {
			t.Run(it, func(t *testing.T) { holds(t, encode(t, rows, format), rows) })
		}
		if f, err := Open(encode(t, long, format)); err != nil || f.meta.main.depth != 3 || f.meta.main.branches != 3 {
			t.Errorf("57 long keys: %+v, %v; want depth 3 and 3 branches", f.meta.main, err)
		}
	})
}

// TestUnusedBytesAreZero looks at what no reader looks at: both meta pages are alike
// but for number and transaction, and unused bytes are zero.
func TestUnusedBytesAreZero(t *testing.T) {
	eachFormat(t, func(t *testing.T, format Format) {
		rows := randomRows(rand.New(rand.NewPCG(6, 6)), 3000)
		file := encode(t, rows, format)
		f, err := Open(file)
		if err != nil {
			t.Fatal(err)
		}
		first, second := bytes.Clone(file[:PageSize]), bytes.Clone(file[PageSize:2*PageSize])
		second[0], second[format.head+metaTxn] = 0, 0
		if !bytes.Equal(first, second) || f.meta != &f.metas[1] {
			t.Error("the meta pages are not alike")
		}
		if f.meta.mapSize != uint64(len(file)) || f.meta.last+1 != f.pages || len(file)%PageSize != 0 {
			t.Errorf("%d bytes, a map size of %d and the last page %d", len(file), f.meta.mapSize, f.meta.last)
		}
		for number := f.meta.last; number >= firstPage; number-- {
			p, err := f.page(number)
			if err != nil {
				continue // a big value
			}
			gap := p.bytes[format.head+2*p.nodes : p.upper]
			if len(bytes.TrimLeft(gap, "\x00")) != 0 {
				t.Fatalf("page %d: bytes in the gap", number)
			}
		}
	})
}
