package lists

import (
	"fmt"
	"strings"
)

// A record is a record of CSV (RFC 4180).
type record struct {
	line  int // of its first line
	end   int // number of the line behind it
	next  int // offset of the line behind it
	cells []string
	fault string // why the first line is no record; then next is the line behind that one
}

// readRecord reads the record at an offset, which is on a line. Cells are without their
// quotes and without the blanks around them. A line with a fault ends at its own end, so
// that the next line can be read. The cells are put into an empty slice.
func readRecord(text string, at, line int, separator byte, cells []string) record {
	rec := record{line: line, end: line, cells: cells}
	pos := at
	for {
		for pos < len(text) && (text[pos] == ' ' || text[pos] == '\t' && separator != '\t') {
			pos++
		}
		var cell, fault string
		if pos < len(text) && text[pos] == '"' {
			cell, pos, fault = quotedCell(text, pos, separator)
		} else {
			cell, pos, fault = plainCell(text, pos, separator)
		}
		if fault != "" {
			_, rec.next = lineAt(text, at)
			rec.end, rec.fault = line+1, fmt.Sprintf("%s (column %d)", fault, max(pos-at+1, 1))
			return rec
		}
		rec.cells = append(rec.cells, trim(cell))
		if pos >= len(text) || text[pos] != separator {
			break
		}
		pos++
	}
	_, rec.next = lineAt(text, pos)
	rec.end += strings.Count(text[at:rec.next], "\n")
	if rec.next == len(text) && !strings.HasSuffix(text, "\n") {
		rec.end++
	}
	return rec
}

const whyQuote = "a quotation mark within quotation marks is written twice"

// plainCell reads a cell without quotes. pos is that of the separator or the end of the
// line behind it, or that of a fault.
func plainCell(text string, at int, separator byte) (cell string, pos int, fault string) {
	for pos = at; pos < len(text) && text[pos] != separator && text[pos] != '\n'; pos++ {
		if text[pos] == '"' {
			return "", pos, "a cell with a quotation mark in it stands within quotation marks, and the mark is written twice"
		}
	}
	return text[at:pos], pos, ""
}

// quotedCell reads a cell in quotes. It may have ends of lines.
func quotedCell(text string, at int, separator byte) (cell string, pos int, fault string) {
	doubled := false
	for pos = at + 1; ; pos++ {
		quote := strings.IndexByte(text[pos:], '"')
		if quote < 0 {
			return "", at, "the quotation mark has no end"
		}
		pos += quote
		if pos+1 < len(text) && text[pos+1] == '"' {
			doubled = true
			pos++
			continue
		}
		break
	}
	cell = text[at+1 : pos]
	if doubled {
		cell = strings.ReplaceAll(cell, `""`, `"`)
	}
	for pos++; pos < len(text) && isWhite(text[pos]) && text[pos] != '\n' && text[pos] != separator; pos++ {
	}
	if pos < len(text) && text[pos] != separator && text[pos] != '\n' {
		return "", pos, whyQuote
	}
	return cell, pos, ""
}

// separatorOf returns the separator of a file: the first comma, semicolon or tab outside
// quotes of its first line.
func separatorOf(first string) byte {
	quoted := false
	for i := range len(first) {
		switch c := first[i]; c {
		case '"':
			quoted = !quoted
		case ',', ';', '\t':
			if !quoted {
				return c
			}
		}
	}
	return ','
}
