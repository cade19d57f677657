package fileset

import (
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/virtuser"
)

// The functions here turn installed files into lines a person can read, to
// say what replacing them would lose.

// missing gives the lines of old that are not in kept.
func missing(old, kept []string) []string {
	have := make(map[string]bool, len(kept))
	for _, line := range kept {
		have[line] = true
	}
	var lost []string
	for _, line := range old {
		if !have[line] {
			lost = append(lost, line)
		}
	}
	return lost
}

// plainLines are the lines of any text.
func plainLines(image []byte) []string {
	var lines []string
	for line := range strings.Lines(string(image)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "dnl Written by virtmap") {
			lines = append(lines, line)
		}
	}
	return lines
}

// nameLines are the names of local-host-names that sendmail could match.
func nameLines(image []byte) []string {
	var names []string
	var faults diag.List
	for _, name := range hostnames.Parse(source(image), &faults) {
		names = append(names, name.Text)
	}
	return names
}

// source gives a text to a reader whose faults nobody asks for.
func source(image []byte) *diag.Source {
	var sources diag.Sources
	src, err := sources.Add("", string(image))
	if err != nil {
		return &diag.Source{} // more than 4 GiB
	}
	return src
}

// rowLines are the rows of a virtusertable.
func rowLines(image []byte) []string { return rowsAsLines(virtuserTextRows(image)) }

func rowsAsLines(rows mapfile.Rows) []string {
	lines := make([]string, rows.Len())
	for i := range lines {
		key, value := rows.Row(i)
		lines[i] = asLine(key, value)
	}
	return lines
}

func asLine(key, value []byte) string {
	nul := "\x00"
	return strings.TrimSuffix(string(key), nul) + " -> " + strings.TrimSuffix(string(value), nul)
}

// mapLines are the rows of a map, as far as it can be read.
func mapLines(image []byte) []string {
	m, _, err := mapfile.OpenImage(image)
	if err != nil {
		return []string{"(" + err.Error() + ")"}
	}
	var lines []string
	for row, err := range m.All() {
		if err != nil {
			return append(lines, "("+err.Error()+")")
		}
		lines = append(lines, asLine(row[0], row[1]))
	}
	return lines
}

// virtuserTextRows reads a virtusertable as makemap would.
func virtuserTextRows(text []byte) mapfile.Rows {
	var faults diag.List
	return virtuser.Parse(source(text), &faults)
}

// aliasTextRows reads an alias file as newaliases would.
func aliasTextRows(text []byte) mapfile.Rows {
	rows := pairs{{"@\x00", "@\x00"}}
	for _, row := range virtuser.ParseAliases(text) {
		rows = append(rows, [2]string{mailaddr.Lower(row[0]) + "\x00", row[1] + "\x00"})
	}
	return rows
}

func aliasLines(image []byte) []string { return rowsAsLines(aliasTextRows(image)) }

type pairs [][2]string

func (p pairs) Len() int                      { return len(p) }
func (p pairs) Row(i int) (key, value []byte) { return []byte(p[i][0]), []byte(p[i][1]) }
