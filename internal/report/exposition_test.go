package report

import (
	"slices"
	"testing"
)

func TestExposition(t *testing.T) {
	text := string(Exposition([]Gauge{
		{Name: "one", Help: `What \ one is.`, Samples: []Sample{{Value: 1_790_000_000}}},
		{Name: "none", Help: "It has no sample."},
		{Name: "rows", Help: "Rows by map.", Samples: []Sample{{"map", "virtusertable", 34}, {"map", "a\"b\\c\nd", 0.5}}},
	}))
	want := `# HELP one What \\ one is.
# TYPE one gauge
one 1790000000
# HELP rows Rows by map.
# TYPE rows gauge
rows{map="virtusertable"} 34
rows{map="a\"b\\c\nd"} 0.5
`
	if text != want {
		t.Fatalf("it is\n%s\nwant\n%s", text, want)
	}
	if got := Samples([]byte(text), "rows"); !slices.Equal(got, []Sample{{"map", "virtusertable", 34}}) {
		t.Errorf("its samples are %v", got)
	}
	if got := Samples([]byte(text), "one"); !slices.Equal(got, []Sample{{Value: 1_790_000_000}}) {
		t.Errorf("its samples are %v", got)
	}
}

func TestSamplesOfDamagedTexts(t *testing.T) {
	for _, text := range []string{"", "rows", "rows 1", "rows x\n", "rows{map=\"a\"} \n", "rows{map=\"a\" 1\n", "rows{map=a} 1\n", "rowsmore 1\n", "\x00\xff\n"} {
		if got := Samples([]byte(text), "rows"); got != nil {
			t.Errorf("%q has the samples %v", text, got)
		}
	}
}
