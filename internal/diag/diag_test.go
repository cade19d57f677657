package diag

import (
	"slices"
	"strings"
	"testing"
)

var checkWrong = &Check{ID: "VM900", Name: "wrong", Severity: Error, Rule: "a word is wrong"}
var checkOdd = &Check{ID: "VM901", Name: "odd", Severity: Warning, Rule: "a word is odd"}

func TestPlaces(t *testing.T) {
	var s Sources
	first, _ := s.Add("a.yaml", "eins\nzwölf drei\n")
	second, _ := s.Add("b.yaml", "x\n")
	tests := []struct {
		it   string
		pos  Pos
		want string
	}{
		{"counts lines from one", first.Pos(0), "a.yaml:1:1"},
		{"counts characters, not bytes", first.Pos(strings.Index(first.Text, "drei")), "a.yaml:2:7"},
		{"knows the end of a text", first.Pos(len(first.Text)), "a.yaml:3:1"},
		{"tells texts apart", second.Pos(0), "b.yaml:1:1"},
	}
	for _, tt := range tests {
		if p, ok := s.Place(tt.pos); !ok || p.String() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.it, p, tt.want)
		}
	}
	if _, ok := s.Place(0); ok {
		t.Error("the zero Pos has a place")
	}
	if got := first.Offset(2, 7); got != strings.Index(first.Text, "drei") {
		t.Errorf("Offset(2, 7) = %d", got)
	}
}

func TestPrint(t *testing.T) {
	var s Sources
	src, _ := s.Add("mail.yaml", "a: jnae\n\tb: \x1b[31m\n"+strings.Repeat("long ", 100)+"\n")
	var l List
	l.Add(checkOdd.At(src.Pos(8), 1, "a tab").WithHelp("write blanks\nnot tabs"))
	l.Add(checkWrong.At(src.Pos(3), 4, "target %q is wrong", "jnae").Second(src.Pos(0), "asked for here"))
	l.Add(checkWrong.At(src.Pos(3), 4, "target %q is wrong", "jnae"))
	l.Add(checkWrong.At(src.Pos(20+200), 4, "far out"))
	var out strings.Builder
	if err := (Printer{Sources: &s}).Print(&out, &l); err != nil {
		t.Fatal(err)
	}
	want := `mail.yaml:1:4: error[VM900]: target "jnae" is wrong
    1 | a: jnae
      |    ^^^^
mail.yaml:1:1: note: asked for here
    1 | a: jnae
      | ^
mail.yaml:1:4: help: a word is wrong
mail.yaml:2:1: warning[VM901]: a tab
    2 |  b: \x1b[31m
      | ^
mail.yaml:2:1: help: write blanks
mail.yaml:2:1: help: not tabs
mail.yaml:3:203: error[VM900]: far out
    3 | ...g long long long long long long long long long long ng long long long long long long long long long l...
      |                                                   ^^^^
mail.yaml:3:203: help: a word is wrong
2 errors, 1 warning
`
	got := out.String()
	if gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n"); len(gotLines) != len(wantLines) {
		t.Fatalf("got:\n%s", got)
	} else {
		for i := range wantLines[:12] {
			if gotLines[i] != wantLines[i] {
				t.Errorf("line %d:\n got %q\nwant %q", i+1, gotLines[i], wantLines[i])
			}
		}
	}
	if strings.Contains(got, "\x1b") {
		t.Error("an escape sequence of the source reached the terminal")
	}
}

func TestFaultsAreBounded(t *testing.T) {
	var s Sources
	src, _ := s.Add("x", strings.Repeat("x", 3*maxFaults))
	var l List
	for i := range 2 * maxFaults {
		l.Add(checkOdd.At(src.Pos(i), 1, "odd"))
	}
	l.Add(checkWrong.At(src.Pos(0), 1, "wrong"))
	if !l.Failed() || l.Count(Warning) != 2*maxFaults || len(l.Faults()) != maxFaults+1 {
		t.Errorf("failed %v, %d warnings, %d kept", l.Failed(), l.Count(Warning), len(l.Faults()))
	}
}

func TestCrowdsAreBounded(t *testing.T) {
	const many = 2 * maxFaults
	var s Sources
	src, _ := s.Add("x", strings.Repeat("x", many+100))
	var l List
	for i := range many {
		l.Add(checkWrong.At(src.Pos(i), 1, "%d goes to jnae", i).Concerning("target %q", "jnae"))
	}
	for i := range 5 {
		l.Add(checkOdd.At(src.Pos(many+i), 1, "odd %d", i))
	}
	p := Printer{Sources: &s, Each: 3}
	var out strings.Builder
	if err := p.Print(&out, &l); err != nil {
		t.Fatal(err)
	}
	_, end, _ := strings.Cut(out.String(), "help: a word is odd\nand")
	if want := ` 19997 more of VM900 (wrong), not shown: target "jnae"
and 2 more of VM901 (odd), not shown
20000 errors, 5 warnings
`; end != want || strings.Count(out.String(), "error[") != 3 {
		t.Errorf("the end is\n%s", end)
	}
	all := p.Located(&l)
	if last := all[len(all)-1]; len(all) != 8 || last.At.File != "" || last.Text != "and 2 more of VM901 (odd), not shown" {
		t.Errorf("%d are located, the last is %+v", len(all), last.Text)
	}
	p.Each = 0
	if all := p.Located(&l); len(all) != maxFaults+5 {
		t.Errorf("%d are located", len(all))
	}
}

func TestTuning(t *testing.T) {
	var s Sources
	src, _ := s.Add("x", "x")
	var l List
	l.Tune(map[string]Severity{"VM901": Error, "VM900": Ignore})
	l.Add(checkOdd.At(src.Pos(0), 1, "odd"))
	if !l.Failed() {
		t.Error("a warning made an error by the inventory did not fail")
	}
	l.Add(checkWrong.At(src.Pos(0), 1, "wrong"))
	if l.Count(Error) != 2 {
		t.Error("an error was silenced")
	}
}

func TestNearest(t *testing.T) {
	names := Words{Names: slices.Values([]string{"andrei", "bea", "carol", "jane"})}
	for word, want := range map[string]string{"jnae": "jane", "andre": "andrei", "bae": "bea", "xyzzy": "", "carl": "carol"} {
		if got, _ := names.Nearest(word); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
