package lists

import (
	"fmt"
	"strings"
	"testing"
)

// shown returns what Read makes of a text, a row a line.
func shown(list *List) string {
	var out strings.Builder
	above := func(comments []string) {
		for _, comment := range comments {
			fmt.Fprintf(&out, "  %s\n", comment)
		}
	}
	for _, head := range list.Head {
		fmt.Fprintf(&out, "head %s\n", head)
	}
	names := []string{"address", "mailbox", "domain", "backup", "same as", "alias"}
	for _, row := range list.Rows {
		above(row.Above)
		fmt.Fprintf(&out, "%s %s [%s] [%s]\n", row.Where, names[row.Is], row.Key, row.Value)
	}
	for _, left := range list.Left {
		above(left.Above)
		fmt.Fprintf(&out, "%s left [%s] %s\n", left.Where, left.Text, left.Why)
	}
	for _, tail := range list.Tail {
		fmt.Fprintf(&out, "tail %s\n", tail)
	}
	for _, note := range list.Notes {
		fmt.Fprintf(&out, "note %s\n", note)
	}
	return out.String()
}

// A situation is a text and what Read makes of it.
type situation struct{ it, text, want string }

// check reads the texts of situations as lists of a kind, of a file f.
func check(t *testing.T, kind string, situations []situation) {
	t.Helper()
	for _, s := range situations {
		t.Run(s.it, func(t *testing.T) {
			list, err := Read(kind, "f", func(string) ([]byte, error) { return []byte(s.text), nil }, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := shown(list); got != s.want {
				t.Errorf("%s\nbecomes\n%s\nand not\n%s", s.text, got, s.want)
			}
		})
	}
}
