package measure

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/listing"
	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// table returns the table of a large inventory.
func table(tb testing.TB, n int) sendmail.Build {
	tb.Helper()
	var text strings.Builder
	if err := sample.Large(&text, n); err != nil {
		tb.Fatal(err)
	}
	m, faults := inventory.Parse("mail.yaml", text.String())
	return sendmail.Compile(m, faults)
}

// mapOf writes a map of rows and returns its path.
func mapOf(tb testing.TB, typ mapfile.Type, rows mapfile.Rows) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "virtusertable"+typ.Suffix)
	file, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	if err := typ.Write(file, rows); err != nil {
		tb.Fatal(err)
	}
	return path
}

// lookups measures lookups of keys in a map that is in memory.
func (b *benchmark) lookups() {
	rows := table(b.t, b.n).Compiled.Table
	for _, name := range []string{"hash", "cdb", "lmdb"} {
		took, allocations := lookup(b.t, name, rows)
		b.say("%-44s %.2f us, %.1f allocations", "look-up in a warm "+name, float64(took.Nanoseconds())/1000, allocations)
	}
}

// lookup returns the time and the allocations of a lookup.
func lookup(tb testing.TB, typ string, rows *virtuser.Table) (time.Duration, float64) {
	tb.Helper()
	t, _ := mapfile.ByName(typ)
	f, err := mapfile.Open(mapOf(tb, t, rows))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	r := rand.New(rand.NewPCG(1, 9))
	keys := make([][]byte, 100_000)
	for i := range keys {
		keys[i], _ = rows.Row(r.IntN(rows.Len()))
	}
	var value []byte
	ask := func(key []byte) {
		var ok bool
		if value, ok, err = f.Append(value[:0], key); !ok || err != nil {
			tb.Fatalf("%q: %v, %v", key, ok, err)
		}
	}
	for _, key := range keys {
		ask(key)
	}
	began := time.Now()
	for _, key := range keys {
		ask(key)
	}
	took := time.Since(began) / time.Duration(len(keys))
	return took, testing.AllocsPerRun(1000, func() { ask(keys[0]) })
}

// listAll goes through the rows of an inventory of n addresses.
func listAll(b *testing.B, m *inventory.Model, n int) {
	rows := 0
	all := listing.New(m, &diag.List{})
	for d := range m.Domains {
		for range all.Rows(d) {
			rows++
		}
	}
	if rows < n {
		b.Fatalf("%d rows of %d addresses", rows, n)
	}
}

// BenchmarkStage measures the stages of a build.
func BenchmarkStage(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		var text strings.Builder
		if err := sample.Large(&text, n); err != nil {
			b.Fatal(err)
		}
		stage := func(name string, run func(b *testing.B)) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					run(b)
				}
			})
		}
		stage("read", func(*testing.B) { inventory.Parse("mail.yaml", text.String()) })
		source := table(b, n)
		rows := source.Compiled.Table
		stage("compile", func(*testing.B) { virtuser.Compile(source.Model, &diag.List{}) })
		stage("list", func(b *testing.B) { listAll(b, source.Model, n) })
		var sources diag.Sources
		src, err := sources.Add("virtusertable", string(rows.Text()))
		if err != nil {
			b.Fatal(err)
		}
		stage("parse", func(*testing.B) { virtuser.Parse(src, &diag.List{}) })
		stage("read-sorted", func(*testing.B) { virtuser.ReadSorted(rows.Text()) })
		stage("sum", func(*testing.B) { mapfile.SumOf(rows) })
		stage("compare-outcomes", func(b *testing.B) {
			if _, err := change.Compare(sendmail.Compared(source.View(), source.View())); err != nil {
				b.Fatal(err)
			}
		})
		for _, name := range []string{"hash", "cdb", "lmdb"} {
			typ, _ := mapfile.ByName(name)
			stage("write-"+name, func(b *testing.B) { mapOf(b, typ, rows) })
			image, err := mmap.Open(mapOf(b, typ, rows))
			if err != nil {
				b.Fatal(err)
			}
			stage("check-"+name, func(b *testing.B) {
				if _, _, err := mapfile.CheckImage(image); err != nil {
					b.Fatal(err)
				}
			})
			if err := image.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
