package table

import (
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

const white = " \t\n\v\f\r" // isspace(3) of the C locale

// logical yields the logical lines of a text with the number of their first line
// (postconf(5), "file format"). A line that begins with white space continues the last
// one, even behind comments and empty lines. If there is no last line, warn gets the
// number of the line that is dropped, with all that continues it.
func logical(text string, warn func(line int)) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		var whole strings.Builder
		first, number := 0, 0
		flush := func() bool {
			line := whole.String()
			whole.Reset()
			switch {
			case line == "":
				return true
			case strings.IndexByte(white, line[0]) >= 0:
				warn(first)
				return true
			}
			return yield(first, line)
		}
		for line := range strings.Lines(text) {
			number++
			line = strings.TrimSuffix(line, "\n")
			begin := strings.TrimLeft(line, white)
			if begin == "" || begin[0] == '#' {
				continue
			}
			if len(begin) == len(line) || whole.Len() == 0 {
				if !flush() {
					return
				}
				first = number
			}
			whole.WriteString(line)
		}
		flush()
	}
}

// textHash returns a function that opens a text and folds its keys. A key that stands in it twice is an error: the daemons of
// Postfix do not open such a table, although postmap(1) takes the first row.
func (o *Opener) textHash(fold func(string) string) func(path string) (*Table, error) {
	return func(path string) (*Table, error) {
		text, err := o.read(path)
		if err != nil {
			return nil, err
		}
		return readTextHash(path, text, fold)
	}
}

// readTextHash reads a text. twice is the error for a key that stands in it twice.
func readTextHash(path, text string, fold func(string) string) (t *Table, twice error) {
	t = &Table{}
	warn := func(line int, format string, args ...any) {
		t.Warnings = append(t.Warnings, fmt.Sprintf("%s:%d: %s", path, line, fmt.Sprintf(format, args...)))
	}
	rows := &memory{at: map[string]int{}}
	for line, text := range logical(text, func(line int) { warn(line, "a row must not begin with white space") }) {
		key, value, fault := cutRow(text)
		if fault != "" {
			warn(line, "%s", fault)
			continue
		}
		if strings.HasSuffix(key, ":") {
			warn(line, "the key ends in a colon, as in an alias file")
		}
		if !rows.add(fold(key), value) && twice == nil {
			twice = fmt.Errorf("%s:%d: the key %q stands above too", path, line, key)
		}
	}
	t.Indexed, t.Find, t.Each = true, folding(rows.find), rows.each
	return t, twice
}

// cutRow cuts a logical line at its first white space outside quotes. fault says why
// Postfix skips the line.
func cutRow(line string) (key, value, fault string) {
	if !utf8.ValidString(line) {
		return "", "", "the line is not UTF-8"
	}
	quoted, end := false, 0
	for ; end < len(line); end++ {
		c := line[end]
		if c == '\\' {
			end++
		} else if c == '"' {
			quoted = !quoted
		} else if !quoted && strings.IndexByte(white, c) >= 0 {
			break
		}
	}
	end = min(end, len(line))
	key, value = line[:end], strings.Trim(line[end:], white)
	switch {
	case quoted:
		return "", "", "a quote has no end"
	case key == "" || value == "":
		return "", "", "the line is no key and value"
	}
	return key, value, ""
}

// memory is a table in memory.
type memory struct {
	at   map[string]int
	rows [][2]string
}

// add adds a row, unless there is one with its key.
func (m *memory) add(key, value string) bool {
	if _, there := m.at[key]; there {
		return false
	}
	m.at[key] = len(m.rows)
	m.rows = append(m.rows, [2]string{key, value})
	return true
}

func (m *memory) find(key string) (string, bool, error) {
	i, ok := m.at[key]
	if !ok {
		return "", false, nil
	}
	return m.rows[i][1], true, nil
}

func (m *memory) each(row func(key, value string) bool) error {
	for _, r := range m.rows {
		if !row(r[0], r[1]) {
			break
		}
	}
	return nil
}

// inline opens a table of rows name=value. The last row of a key counts.
func inline(spec string) (*Table, error) {
	inner, ok := braced(spec)
	fields := Split(inner)
	if !ok || len(fields) == 0 {
		return nil, fmt.Errorf("inline:%s is not {name=value, …}", spec)
	}
	rows := &memory{at: map[string]int{}}
	for _, field := range fields {
		if whole, ok := braced(field); ok {
			field = whole
		}
		name, value, ok := strings.Cut(field, "=")
		if name = strings.Trim(name, white); !ok || name == "" {
			return nil, fmt.Errorf("inline:%s: %q is not name=value", spec, field)
		}
		value = strings.Trim(value, white)
		if !rows.add(Fold(name), value) {
			rows.rows[rows.at[Fold(name)]][1] = value
		}
	}
	return &Table{Indexed: true, Find: folding(rows.find), Each: rows.each}, nil
}

// Split cuts a list of a parameter at commas and white space outside braces.
func Split(list string) (fields []string) {
	depth, start := 0, -1
	for i := 0; i < len(list); i++ {
		c := list[i]
		separates := depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r')
		switch {
		case separates && start >= 0:
			fields = append(fields, list[start:i])
			start = -1
		case !separates && start < 0:
			start = i
		}
		if c == '{' {
			depth++
		} else if c == '}' && depth > 0 {
			depth--
		}
	}
	if start >= 0 {
		fields = append(fields, list[start:])
	}
	return fields
}

// braced returns what stands between the first brace of a text and its last, which
// must be its mate.
func braced(s string) (inner string, ok bool) {
	if !strings.HasPrefix(s, "{") {
		return "", false
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 {
			return s[1:i], i == len(s)-1
		}
	}
	return "", false
}
