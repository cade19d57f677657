package build

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

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

// TestFiguresOfAnUnchangedServer: a run that reads nothing has the figures of the run
// before, and reads everything if that run had none.
func TestFiguresOfAnUnchangedServer(t *testing.T) {
	p := newPlace(t)
	domains := "  a.example: {addresses: {fake: anna}}\n"
	unchanged := func() Result {
		t.Helper()
		for range 50 { // until the files are old enough
			if r := p.mustRun(domains); p.published == nil {
				return r
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatal("every run read everything")
		return Result{}
	}
	p.mustRun(domains)
	if r := unchanged(); r.Figures != nil {
		t.Errorf("nobody asked, and the figures are %+v", r.Figures)
	}
	p.o.Figures = true
	first := p.mustRun(domains)
	if len(p.published) != 1 || first.Figures == nil || first.Figures.Served != 1 || !slices.Equal(first.Figures.Tables, []Table{{"virtmap-aliases", 1}, {"virtusertable", 2}}) {
		t.Errorf("%d runs read the inventory, and the figures are %+v", len(p.published), first.Figures)
	}
	second := unchanged()
	if !reflect.DeepEqual(second.Figures, first.Figures) || !second.LastChange().Equal(first.LastChange()) || first.LastChange().IsZero() {
		t.Errorf("unchanged, the figures are %+v of %v, and were %+v of %v", second.Figures, second.LastChange(), first.Figures, first.LastChange())
	}
}
