package opensmtpd

import (
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta/rowtext"
)

// parse returns the rows of a mapping as smtpd reads it (table(5)): a key ends at a blank,
// a tab or a colon; of equal keys the last counts; a line with # as its first character is
// a comment. Keys are folded to lower case. A line without a value, for which smtpd does
// not start, is left out.
func parse(text []byte) mapfile.Rows {
	type row struct{ key, value string }
	var rows []row
	last := map[string]int{}
	for _, line := range rowtext.PlainLines(text) {
		end := strings.IndexAny(line, " \t:")
		if end < 0 {
			continue
		}
		key, value := mailaddr.Lower(line[:end]), strings.TrimLeft(line[end:], " \t:")
		if value == "" {
			continue
		}
		last[key] = len(rows)
		rows = append(rows, row{key, value})
	}
	all := rowtext.New("")
	for i, r := range rows {
		if last[r.key] == i {
			all.AddKey(r.key, r.value, 0)
		}
	}
	return all
}

// values splits the right side of a row of virtual addresses. ok is false if smtpd cannot
// read it, so that the address is deferred.
func values(right string) (all []string, ok bool) {
	all, ok = split(right)
	return all, ok && len(right) <= maxValue
}

// split splits the right side of a row: at commas, and characters behind a backslash are
// themselves. ok is false if smtpd cannot read it.
func split(right string) (all []string, ok bool) {
	var one strings.Builder
	for i := 0; i < len(right); i++ {
		switch c := right[i]; c {
		case '\\':
			if i++; i == len(right) {
				return nil, false
			}
			one.WriteByte(right[i])
		case ',':
			all = append(all, strings.TrimSpace(one.String()))
			one.Reset()
		case '"', '\'':
			return nil, false // virtmap writes no quotes
		default:
			one.WriteByte(c)
		}
	}
	return append(all, strings.TrimSpace(one.String())), true
}

// maxValue is the greatest length of a right side, in bytes: table_file(5) has a buffer of
// 2,048 with the NUL at its end.
const maxValue = 2047

// escaped returns a text as a right side has it.
func escaped(text string) string { return escapes.Replace(text) }

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`, `,`, `\,`)
