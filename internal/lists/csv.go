package lists

import (
	"fmt"
	"slices"
	"strings"
)

// csv reads a table in CSV. Its first record may be a header.
func (r *reader) csv() {
	r.list.Rows = make([]Row, 0, min(strings.Count(r.text, "\n")+1, len(r.text)/24+1))
	t := table{separator: ',', columns: columns{key: 0, value: 1, active: -1, transport: -1, backup: -1}, empty: true}
	var cells []string
	for at, number := 0, 1; at < len(r.text); {
		whole, next := lineAt(r.text, at)
		switch begin := trim(whole); {
		case begin == "":
			r.blank()
			at, number = next, number+1
			continue
		case begin[0] == '#':
			r.comment(whole)
			at, number = next, number+1
			continue
		}
		if begin := trim(whole); t.empty && len(begin) == 5 && begin[:4] == "sep=" {
			t.separator, t.told = begin[4], true // as spreadsheets write it
			at, number = next, number+1
			continue
		}
		if t.empty && !t.told {
			t.separator = separatorOf(whole)
		}
		rec := readRecord(r.text, at, number, t.separator, cells[:0])
		cells = rec.cells
		t.record(r, rec, r.text[at:rec.next])
		at, number = rec.next, rec.end
	}
	t.note(r)
}

// A table is a table in CSV that is being read.
type table struct {
	separator byte
	told      bool // the file says its separator
	empty     bool // no record was read so far
	header    []string
	columns   columns
	wide      int // records with more than two cells, without a header
	moved     map[string]int
}

// record adds a record.
func (t *table) record(r *reader, rec record, text string) {
	l := line{number: rec.line, above: r.take()}
	r.lines++
	if rec.fault != "" {
		l.text = t.faulty(text)
		r.left(l, rec.fault)
		return
	}
	if t.empty {
		t.empty = false
		if c, ok := columnsOf(rec.cells); ok || isHeader(rec.cells) {
			t.header = slices.Clone(rec.cells)
			if ok {
				t.columns = c
			}
			r.list.Head = append(r.list.Head, l.above...)
			r.lines--
			return
		}
	}
	t.add(r, l, rec.cells)
}

// faulty returns what messages show of a line with a fault. It may have a password in any
// place: nothing is shown when the table has columns beside addresses and targets.
func (t *table) faulty(text string) string {
	if t.header != nil && (len(t.header) > 2 || t.columns.value < 0) || strings.Count(text, string(t.separator)) > 1 {
		return ""
	}
	return text
}

// cell returns the text of a column, or an empty text.
func cell(cells []string, column int) string {
	if column < 0 || column >= len(cells) {
		return ""
	}
	return cells[column]
}

var separatorNames = map[byte]string{',': "comma", ';': "semicolon", '\t': "tab"}

// add adds a record below the header.
func (t *table) add(r *reader, l line, cells []string) {
	c := &t.columns
	key, value := cell(cells, c.key), cell(cells, c.value)
	l.text, l.value = key, value
	if hasSecret(key) {
		l.value = "" // a comma in a hash cuts it
	}
	if t.header == nil && len(cells) > 2 {
		t.wide++
	}
	switch {
	case t.header != nil && strings.Join(cells[min(len(cells), len(t.header)):], "") != "":
		l.text, l.value = "", ""
		r.left(l, fmt.Sprintf("it has %d cells, and the header %d: a cell with a %s stands within quotation marks", len(cells), len(t.header), separatorNames[t.separator]))
	case c.noTargets:
		r.left(l, "the header names no column of targets, such as goto, destination, target or forward")
	case !isActive(cell(cells, c.active)):
		r.left(l, "it is not active")
	case key == "":
		r.left(l, "its first column is empty")
		if t.header != nil {
			r.list.Left[len(r.list.Left)-1].Why = fmt.Sprintf("its column %q is empty", safe(t.header[c.key]))
		}
	case strings.ContainsAny(key, white) && key[0] != '"':
		if strings.IndexByte(key, '@') < 0 {
			r.countProse(key + value)
			r.left(l, "there is a blank in its address")
			break
		}
		r.leftAs(l, aBlank)
	case c.is == Domain:
		t.domain(r, l, cells)
	case c.is == Mailbox:
		r.row(l, Mailbox, key, value)
	case value == "":
		r.left(l, whyNoTarget)
	case c.is == SameAs:
		r.row(l, SameAs, key, value)
	default:
		r.address(l, key, targets(value, " ,;"))
	}
}

// domain adds a record of postfixadmin's table of domains.
func (t *table) domain(r *reader, l line, cells []string) {
	name := cell(cells, t.columns.key)
	if strings.EqualFold(name, "ALL") {
		r.lines--
		return // postfixadmin's own name for all domains
	}
	if isTrue(cell(cells, t.columns.backup)) {
		r.row(l, Backup, name, "")
		return
	}
	if transport := cell(cells, t.columns.transport); !isLocalTransport(transport) {
		if t.moved == nil {
			t.moved = map[string]int{}
		}
		t.moved[transport]++
	}
	r.row(l, Domain, name, "")
}

// isLocalTransport reports whether a transport delivers to mailboxes of the server, as
// far as one can see.
func isLocalTransport(transport string) bool {
	name, _, _ := strings.Cut(strings.ToLower(transport), ":")
	switch name {
	case "", "virtual", "local", "lmtp", "dovecot", "maildrop", "null", `\n`:
		return true
	}
	return false
}

// isActive reports whether the value of a column active says so. An empty value does.
func isActive(value string) bool {
	switch strings.ToLower(value) {
	case "0", "false", "no", "f", "n", "off":
		return false
	}
	return true
}

// isTrue reports whether a value says yes.
func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "1", "true", "yes", "t", "y", "on":
		return true
	}
	return false
}
