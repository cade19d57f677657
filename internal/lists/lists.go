package lists

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kinds are the kinds of lists that Read knows.
var Kinds = []string{"postfix", "mailbox", "aliases", "csv", "lines", "docker-mailserver", "postfixadmin", "exim-virtual", "opensmtpd", "domains"}

// Is is what a row says.
type Is uint8

const (
	Address Is = iota // Key is an address, @domain, or a bare name; Value are the targets
	Mailbox           // Key is an address or @domain; Value is the path of the mailbox, or empty when the list only says that the mailbox exists
	Domain            // Key is a domain that is served; Value is empty
	Backup            // Key is a domain that is only relayed; Value is empty
	SameAs            // each name of the domain Key leads to the same name at the domain Value
	Alias             // Key is a local name of an aliases(5) file, Value its right side as written
)

// A Row is a line of a list.
type Row struct {
	Where string // FILE:LINE
	Is    Is
	Key   string   // as written, without quotes of CSV
	Value string   // targets separated by a comma and a blank, otherwise as written
	Above []string // comments above, each beginning with #
}

// A Left is a line that is no row, or a file of which no line is one.
type Left struct {
	Where string   // FILE:LINE
	Text  string   // what stands there, without anything secret; empty for a whole file
	Why   string   // the reason, without a full stop
	Above []string // comments above, each beginning with #
}

// A List is what Read read. Its texts are UTF-8 without NUL, and none looks like the hash
// of a password.
type List struct {
	Rows  []Row
	Left  []Left
	Head  []string // comments at the top, up to the first blank line
	Tail  []string // comments behind the last row
	Notes []string // a sentence on each thing that a person should know, with its full stop
}

// Read reads a list of a kind. name is a file, or for docker-mailserver, postfixadmin
// and exim-virtual a folder. read returns the content of a file, and names the names of the files in a
// folder, without the folder. An error is one of read or names, or says that a folder has
// no file that is read. What is wrong in a file is in Left.
func Read(kind, name string, read func(path string) ([]byte, error), names func(dir string) ([]string, error)) (*List, error) {
	switch kind {
	case "docker-mailserver":
		return dockerMailserver(name, read, names)
	case "postfixadmin":
		return postfixAdmin(name, read, names)
	case "exim-virtual":
		return eximVirtual(name, read, names, "exim-virtual")
	}
	if !slices.Contains(Kinds, kind) {
		return nil, fmt.Errorf("%q is no kind of list", kind)
	}
	text, err := read(name)
	if err != nil {
		return nil, err
	}
	return parse(kind, name, string(text)), nil
}

// ReadData reads a list of the kind exim-virtual or opensmtpd as Read does, but by the rules
// of its own server: the Value of each row is what stands there, such as ":fail: gone" or
// "error:550 gone". A row of Exim may have an empty Value, and a row of OpenSMTPD may have
// a name alone or @ as its Key. Any other kind is read by Read.
func ReadData(kind, name string, read func(path string) ([]byte, error), names func(dir string) ([]string, error)) (*List, error) {
	switch kind {
	case "exim-virtual":
		return eximVirtual(name, read, names, eximData)
	case "opensmtpd":
		text, err := read(name)
		if err != nil {
			return nil, err
		}
		return parse(openSMTPDData, name, string(text)), nil
	}
	return Read(kind, name, read, names)
}

// Kinds of lists whose rows have what stands there.
const (
	eximData      = "exim-virtual as written"
	openSMTPDData = "opensmtpd as written"
)

// parse reads the text of a file.
func parse(kind, name, text string) *List { return parseOf("", kind, name, text) }

// parseOf reads the text of a file, whose names without a domain are at a domain.
func parseOf(domain, kind, name, text string) *List {
	r := &reader{kind: kind, name: name, domain: domain, list: &List{}, top: true}
	text, marked := strings.CutPrefix(text, "\ufeff")
	if why := wholeFile(text); why != "" {
		r.list.Left = []Left{{Where: r.where(1), Why: why}}
		return r.list
	}
	r.text, r.valid = text, utf8.ValidString(text)
	if marked && kind != "csv" && kind != "lines" {
		r.list.Notes = append(r.list.Notes, name+" begins with a byte order mark, which mail servers take as part of the first key; it is read here without the mark.")
	}
	switch kind {
	case "postfix":
		r.logical(true, r.virtual)
	case "lines":
		r.logical(false, r.virtual)
	case "mailbox":
		r.logical(true, r.mailbox)
	case "aliases":
		r.logical(true, r.alias)
	case "exim-virtual":
		r.search(r.exim)
	case eximData:
		r.search(r.eximData)
	case "opensmtpd":
		r.logical(false, r.openSMTPD)
	case openSMTPDData:
		r.logical(false, r.openSMTPDData)
	case "domains":
		r.logical(false, r.domainLine)
	case "csv":
		r.csv()
	}
	return r.end()
}

// A reader reads the text of one file into a list.
type reader struct {
	kind, name, text string
	domain           string // of names without one
	valid            bool   // the text is UTF-8
	list             *List

	places    strings.Builder // the texts of Where, many in one piece of memory
	comments  []string        // comments without a line below so far
	top       bool            // no row and no blank line was read behind a comment
	scanned   int             // up to here no manual ends
	lines     int             // lines that are no comment
	foreign   map[*shape]int  // lines that are of files of another kind
	prose     int             // lines that look like prose
	sentences int             // lines of these that end as a sentence does
}

// where returns FILE:LINE.
func (r *reader) where(line int) string {
	if room := len(r.name) + 21; r.places.Cap()-r.places.Len() < room {
		r.places = strings.Builder{}
		r.places.Grow(max(room, min(1<<16, 1<<10+len(r.text)/2)))
	}
	from := r.places.Len()
	r.places.WriteString(r.name)
	r.places.WriteByte(':')
	var digits [20]byte
	r.places.Write(strconv.AppendInt(digits[:0], int64(line), 10))
	return r.places.String()[from:]
}

const whyUTF8 = "it is not in UTF-8: save the file in UTF-8"

// row adds a row. A row with what looks like a password is left out, and so is a row
// that is not in UTF-8, as by postmap(1).
func (r *reader) row(at line, is Is, key, value string) {
	switch {
	case strings.IndexByte(key, 0) >= 0 || strings.IndexByte(value, 0) >= 0:
		r.left(at, "there is a NUL in it")
	case !r.valid && !(utf8.ValidString(at.text) && utf8.ValidString(at.value)):
		r.left(at, whyUTF8)
	case hasSecret(key) || hasSecret(value):
		r.left(at, "it has what looks like the hash of a password")
	default:
		r.list.Rows = append(r.list.Rows, Row{Where: r.where(at.number), Is: is, Key: key, Value: value, Above: at.above})
	}
}

// left adds a line that is no row.
func (r *reader) left(at line, why string) {
	text := at.text
	if at.value != "" {
		text += " " + at.value
	}
	r.list.Left = append(r.list.Left, Left{Where: r.where(at.number), Text: safe(text), Why: why, Above: at.above})
}

// join adds the list of a further file. The comments at its head, and those at the end of
// the file before, stay above its first line.
func (l *List) join(further *List) {
	between := slices.Concat(l.Tail, further.Head)
	switch {
	case len(l.Rows) == 0 && len(l.Left) == 0:
		l.Head, between = append(l.Head, between...), nil
	case len(further.Rows) > 0:
		further.Rows[0].Above = append(between, further.Rows[0].Above...)
		between = nil
	case len(further.Left) > 0:
		further.Left[0].Above = append(between, further.Left[0].Above...)
		between = nil
	}
	l.Rows = append(l.Rows, further.Rows...)
	l.Left = append(l.Left, further.Left...)
	l.Tail = append(between, further.Tail...)
	l.Notes = append(l.Notes, further.Notes...)
}
