package lists

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkPostfix reads a million lines of virtual(5).
func BenchmarkPostfix(b *testing.B) {
	var text strings.Builder
	for i := range 1_000_000 {
		fmt.Fprintf(&text, "name%d@shop%d.example\tann%d@far.example\n", i, i%1000, i)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if list := parse("postfix", "virtual", text.String()); len(list.Rows) != 1_000_000 {
			b.Fatal(len(list.Rows))
		}
	}
}

// BenchmarkCSV reads a million records.
func BenchmarkCSV(b *testing.B) {
	var text strings.Builder
	text.WriteString("address,goto,domain,active\n")
	for i := range 1_000_000 {
		fmt.Fprintf(&text, "\"name%d@shop%d.example\",\"ann%d@far.example,x\",shop,1\n", i, i%1000, i)
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		if list := parse("csv", "alias.csv", text.String()); len(list.Rows) != 1_000_000 {
			b.Fatal(len(list.Rows))
		}
	}
}
