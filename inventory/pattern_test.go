package inventory

import (
	"reflect"
	"testing"
)

func TestPatterns(t *testing.T) {
	user, detail, plus := Part{Kind: PartUser}, Part{Kind: PartDetail}, Part{Kind: PartPlusDetail}
	text := func(text string) Part { return Part{Text: text} }
	for address, want := range map[string]Pattern{
		"%1@Far.Example":        {user, text("@far.example")},
		"%1%3@far.example":      {user, plus, text("@far.example")},
		"D-%2.x@far.example":    {text("D-"), detail, text(".x@far.example")},
		"a%%b@far.example":      {text("a%b@far.example")},
		"%%1%1%%%2@far.example": {text("%1"), user, text("%"), detail, text("@far.example")},
		"%0@far.example":        nil,
		"%4@far.example":        nil,
		"a%@far.example":        nil,
		"%1 x@far.example":      nil,
		"%1@far..example":       nil,
	} {
		got, problem := parsePattern(address)
		if !reflect.DeepEqual(got, want) || (problem == nil) != (want != nil) {
			t.Errorf("%q is %v (%v), want %v", address, got, problem, want)
		}
	}
	p, _ := parsePattern("%%%1-%2%3@far.example")
	if got := p.Expand("a", "b", "+b"); got != "%a-b+b@far.example" {
		t.Errorf("expanded to %q", got)
	}
	if !p.Has(PartLiteral) || !p.Has(PartDetail) || Pattern(nil).Has(PartUser) {
		t.Error("the parts are others")
	}
}

// TestPatternTargets: a target with %% but without parameters is an address. A target
// in a domain of the inventory is folded.
func TestPatternTargets(t *testing.T) {
	m, faults := Parse("mail.yaml", `version: 1
host: {name: mx1.example.net}
users: {andrei: }
domains:
  a.example:
    addresses: {one: "A%%b@far.example", two+*: "D-%2@A.Example", three: "D-%1@far.example"}
`)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	for i, want := range []struct {
		local, text, written, expanded string
		kind                           TargetKind
	}{
		{"one", "A%b@far.example", "A%%b@far.example", "", ToAddress},
		{"three", "D-%1@far.example", "D-%1@far.example", "D-x@far.example", ToPattern},
		{"two+*", "d-%2@a.example", "d-%2@a.example", "d-y@a.example", ToPattern},
	} {
		a := m.Domains[0].Addresses[i]
		expanded := m.Pattern(&a.To).Expand("x", "y", "+y")
		if a.Local != want.local || a.To.Kind != want.kind || a.To.Text != want.text || a.To.Written() != want.written || expanded != want.expanded {
			t.Errorf("%+v expands to %q, want %+v", a, expanded, want)
		}
	}
}
