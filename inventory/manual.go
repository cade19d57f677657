package inventory

import (
	_ "embed"
	"strings"
)

//go:embed doc.go
var docText string

// Manual gives the package comment: the manual of the inventory as plain text,
// its headings behind "# ", its examples indented by a tab.
func Manual() string {
	var text strings.Builder
	for line := range strings.Lines(docText) {
		comment, ok := strings.CutPrefix(line, "//")
		if !ok {
			break
		}
		text.WriteString(strings.TrimPrefix(comment, " "))
	}
	return text.String()
}
