package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"virtmap/internal/diag"
	"virtmap/internal/listing"
	"virtmap/inventory"
)

// A rowPrinter prints the rows of list.
type rowPrinter interface {
	row(*listing.Row) error
	close() error
}

// listFormats are the values of --format of list.
var listFormats = map[string]func(io.Writer, *inventory.Model) rowPrinter{
	"table": newListTable,
	"csv":   newListCSV,
	"json":  newListJSON,
}

// listColumns are the columns of table and csv. sendersColumn follows if a domain sends.
var listColumns = []string{"domain", "address", "kind", "to", "ends", "source", "state", "place"}

const sendersColumn = "senders"

// toColumn and endsColumn are the columns that are cut on a terminal.
const (
	toColumn   = 3
	endsColumn = 4
)

// placeOf returns the file and the line of a row.
func placeOf(sources *diag.Sources, row *listing.Row) string {
	place, _ := sources.Place(row.Pos)
	return place.Name() + ":" + strconv.Itoa(place.Line)
}

// rowCells makes the cells of rows.
type rowCells struct {
	sources *diag.Sources
	sending bool // the rows have senders
}

func rowCellsOf(m *inventory.Model) rowCells { return rowCells{m.Sources, m.Sending()} }

// heads returns the names of the columns.
func (c rowCells) heads() []string {
	if c.sending {
		return slices.Concat(listColumns, []string{sendersColumn})
	}
	return listColumns
}

// add appends a row in the order of the columns.
func (c rowCells) add(cells []string, row *listing.Row) []string {
	to, state := strings.Join(row.To, ", "), "enabled"
	if row.Reply != "" {
		to = row.Reply
	}
	if row.Disabled {
		state = "disabled"
	}
	cells = append(cells, row.Domain, row.Address, string(row.Kind), to, strings.Join(row.Ends, ", "), string(row.Source), state, placeOf(c.sources, row))
	if c.sending {
		cells = append(cells, sendersCell(row))
	}
	return cells
}

// sendersCell returns the senders of a row in the words of an inventory: local if each user
// may send from the address of the same name, none if nobody may send. It is empty if the
// domain does not send.
func sendersCell(row *listing.Row) string {
	switch {
	case !row.Sends:
		return ""
	case row.Kind == listing.Local:
		return strings.Join(slices.Concat(row.Senders, []string{"local"}), ", ")
	case len(row.Senders) == 0:
		return "none"
	}
	return strings.Join(row.Senders, ", ")
}

// A listCSV prints RFC 4180 with a header, and with line ends of one byte.
type listCSV struct {
	out   *bufio.Writer
	of    rowCells
	cells []string
}

func newListCSV(w io.Writer, m *inventory.Model) rowPrinter {
	p := &listCSV{out: bufio.NewWriter(w), of: rowCellsOf(m)}
	p.out.WriteString(strings.Join(p.of.heads(), ",") + "\n") // close reports a failure
	return p
}

func (p *listCSV) row(row *listing.Row) error {
	p.cells = p.of.add(p.cells[:0], row)
	for i, cell := range p.cells {
		if i > 0 {
			p.out.WriteByte(',')
		}
		p.out.WriteString(csvCell(cell))
	}
	return p.out.WriteByte('\n') // a failure stays until then
}

func (p *listCSV) close() error { return p.out.Flush() }

// csvCell returns a cell that no spreadsheet takes for a formula (OWASP, CSV injection).
// A ' comes before a first = + - or @, and also before a first ', so that a program can
// always remove the first '. No cell begins with a tab or a line end, because an
// inventory has none. A cell with a semicolon or a blank is in quotes too, because a
// spreadsheet may take these for separators.
func csvCell(cell string) string {
	if cell != "" && strings.IndexByte("=+-@'", cell[0]) >= 0 {
		cell = "'" + cell
	}
	if strings.ContainsAny(cell, "\",;| \t\r\n") {
		return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
	}
	return cell
}

// A listJSON prints an object on each line.
type listJSON struct {
	buffer  *bufio.Writer
	out     *json.Encoder
	sources *diag.Sources
}

// A listedRow is the object of a row. Members may be added, but none changes its
// meaning.
type listedRow struct {
	Domain   string         `json:"domain"`
	Address  string         `json:"address"`
	Kind     listing.Kind   `json:"kind"`
	To       []string       `json:"to"`
	Reply    string         `json:"reply,omitempty"`
	Ends     []string       `json:"ends"`
	Source   listing.Source `json:"source"`
	Disabled bool           `json:"disabled"`
	Place    string         `json:"place"`
	Senders  []string       `json:"senders,omitzero"` // nil: the domain does not send
}

func newListJSON(w io.Writer, m *inventory.Model) rowPrinter {
	p := &listJSON{buffer: bufio.NewWriter(w), sources: m.Sources}
	p.out = json.NewEncoder(p.buffer)
	p.out.SetEscapeHTML(false)
	return p
}

func (p *listJSON) row(row *listing.Row) error {
	listed := listedRow{row.Domain, row.Address, row.Kind, notNil(row.To), row.Reply, notNil(row.Ends), row.Source, row.Disabled, placeOf(p.sources, row), nil}
	if row.Sends {
		listed.Senders = notNil(row.Senders)
	}
	return p.out.Encode(&listed)
}

func (p *listJSON) close() error { return p.buffer.Flush() }

// notNil returns a list that is [] in JSON if it is empty.
func notNil(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}

const (
	sampledRows = 500 // rows that decide the widths of the columns of a table
	widestCell  = 60  // a wider cell moves the rest of its line
	leastCell   = 12  // the least width to which a cell is cut
)

// A listTable prints aligned columns. The first rows decide the widths.
type listTable struct {
	out     *bufio.Writer
	of      rowCells
	room    int // the width of the terminal; 0: nothing is cut
	waiting [][]string
	widths  []int // nil: not enough rows have come yet
	cells   []string
}

func newListTable(w io.Writer, m *inventory.Model) rowPrinter {
	p := &listTable{out: bufio.NewWriter(w), of: rowCellsOf(m)}
	p.waiting = [][]string{p.of.heads()}
	if isTerminal(w) {
		p.room = widthOf(w)
	}
	return p
}

func (p *listTable) row(row *listing.Row) error {
	if p.widths == nil {
		p.waiting = append(p.waiting, printableCells(p.of.add(nil, row)))
		if len(p.waiting) > sampledRows {
			return p.begin()
		}
		return nil
	}
	p.cells = printableCells(p.of.add(p.cells[:0], row))
	return p.line(p.cells)
}

// printableCells makes cells harmless for a terminal. An empty cell becomes a dash, so
// that columns can be told apart.
func printableCells(cells []string) []string {
	for i, cell := range cells {
		if cells[i] = diag.Printable(cell); cell == "" {
			cells[i] = "-"
		}
	}
	return cells
}

// begin decides the widths and prints the rows that wait.
func (p *listTable) begin() (err error) {
	p.widths = make([]int, len(p.waiting[0]))
	for _, cells := range p.waiting {
		for i, cell := range cells {
			p.widths[i] = max(p.widths[i], min(utf8.RuneCountInString(cell), widestCell))
		}
	}
	p.fit()
	for _, cells := range p.waiting {
		err = errors.Join(err, p.line(cells))
	}
	p.waiting = nil
	return err
}

// fit makes the columns of targets and ends narrower until a line has room.
func (p *listTable) fit() {
	wide := 2 * (len(p.widths) - 1)
	for _, width := range p.widths {
		wide += width
	}
	for over := wide - p.room; p.room > 0 && over > 0; over-- {
		column := toColumn
		if p.widths[endsColumn] > p.widths[toColumn] {
			column = endsColumn
		}
		if p.widths[column] <= leastCell {
			return
		}
		p.widths[column]--
	}
}

func (p *listTable) line(cells []string) error {
	for i, cell := range cells {
		width := utf8.RuneCountInString(cell)
		if p.room > 0 && (i == toColumn || i == endsColumn) && width > p.widths[i] {
			cell, width = string([]rune(cell)[:p.widths[i]-1])+"…", p.widths[i]
		}
		p.out.WriteString(cell)
		if i < len(cells)-1 {
			p.out.WriteString(strings.Repeat(" ", max(0, p.widths[i]-width)+2))
		}
	}
	return p.out.WriteByte('\n') // a failure stays until then
}

func (p *listTable) close() error {
	if p.widths == nil {
		return errors.Join(p.begin(), p.out.Flush())
	}
	return p.out.Flush()
}
