package build

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/hostnames"
)

// filesOf returns a line for each file of a result.
func filesOf(r *Result) (lines []string) {
	for _, f := range r.Files() {
		lines = append(lines, fmt.Sprintf("%s %s", filepath.Base(f.Path), f.State))
	}
	return lines
}

func TestFiguresOfARun(t *testing.T) {
	p := newPlace(t)
	first := p.mustRun("  a.example: {addresses: {fake: anna, info: [anna, bert]}}\n")
	want := []string{"virtmap-aliases created", "virtmap-aliases.db created", "virtusertable created", "virtusertable.db created", "local-host-names created", "virtmap.mc created"}
	if got := filesOf(&first); !slices.Equal(got, want) {
		t.Errorf("the first run made %q", got)
	}
	if got := first.Tables(); !slices.Equal(got, []Table{{"virtmap-aliases", 2}, {"virtusertable", 3}}) {
		t.Errorf("the tables are %v", got)
	}
	if first.Rows() != 3 || first.Kinds.In(first.Server) != "map names mc" {
		t.Errorf("%d rows, changed %q", first.Rows(), first.Kinds.In(first.Server))
	}
	if got := first.Standings(); len(got) != 1 || got[0].Domain != "a.example" || got[0].State != hostnames.StateServed {
		t.Errorf("the standings are %+v", got)
	}
	before := first.LastChange()
	if before.IsZero() {
		t.Error("nothing was changed ever")
	}

	path := filepath.Join(p.o.Out, "virtusertable.db")
	if err := os.Truncate(path, 20); err != nil {
		t.Fatal(err)
	}
	second := p.mustRun("  a.example: {addresses: {fake: anna, info: [anna, bert]}}\n")
	for _, f := range second.Files() {
		if damaged := f.Path == path; damaged != (f.State == FileReplaced) || damaged != (f.Damage != "") || !damaged && f.State != FileUnchanged {
			t.Errorf("after one file was cut: %+v", f)
		}
	}
}

// TestAllReadsAnUnchangedInventory compares a run with All with one without: only the
// first has something to say when nothing changed.
func TestAllReadsAnUnchangedInventory(t *testing.T) {
	p := newPlace(t)
	domains := "  a.example: {addresses: {fake: anna}}\n"
	p.mustRun(domains)
	for range 50 { // until a snapshot is written
		p.mustRun(domains)
		if p.published == nil {
			break
		}
	}
	if p.published != nil {
		t.Fatal("every run read everything")
	}
	p.o.All = true
	r := p.mustRun(domains)
	if len(p.published) != 1 || r.Rows() != 2 || strings.Contains(strings.Join(filesOf(&r), " "), "created") {
		t.Errorf("with All: %d results, files %q", len(p.published), filesOf(&r))
	}
	p.o.All = false
	if p.mustRun(domains); p.published != nil {
		t.Error("the run with All left no snapshot behind")
	}
}
