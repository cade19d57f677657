package inventory

import (
	_ "embed"
	"strings"
)

//go:embed doc.go
var docText string

// Manual returns the package comment as plain text: the manual of the inventory.
// Headings begin with "# ", examples with a tab.
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
