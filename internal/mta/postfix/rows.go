package postfix

import (
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/inventory"
)

// A rowText is the text of a table.
type rowText = rowtext.Text

// newRows returns a table with a comment at its top and no rows.
func newRows(m *inventory.Model, what string) *rowText { return rowtext.New(mta.Header(m, what)) }

// readRows returns the rows of a text as postmap(1) reads it.
func readRows(text []byte) mapfile.Rows { return rowtext.Parse(text) }

// logicalLines returns the lines of a text without comments.
func logicalLines(text []byte) [][]byte { return rowtext.LogicalLines(text) }
