// Package hostnames says which domains are ours: the names of class w in
// local-host-names, and the backup domains in virtmap-relay-domains.
//
// Both are files of one name a line, in lower-case A-labels; # begins a
// comment. sendmail reads them at start (sendmail/readcf.c, fileclass): which
// words of a line are names is for the format of the F line to say, and
// %[^\#], which FEATURE(`use_cw_file') writes, takes every word before a #. Names
// are compared whole, so that one with a final dot or a * never matches. A backup
// domain never enters class w: its mail would be delivered here.
//
// Whether a domain is served is decided by a Policy: what is installed, what is
// remembered of the last runs (Memory), and the verdicts of mxcheck.
package hostnames

import (
	"bytes"
	"iter"
	"path"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// Checks are all checks of this package.
var Checks = []*diag.Check{checkLine, checkTwice, checkHeld, checkPending, checkSilent, checkAdvisory, checkAccident, checkLies, checkLeft}

var (
	checkLine = &diag.Check{ID: "VM050", Name: "host-name-line", Severity: diag.Error,
		Rule: "Every name in local-host-names is one that sendmail can match."}
	checkTwice = &diag.Check{ID: "VM051", Name: "host-name-duplicate", Severity: diag.Warning,
		Rule: "A name stands in local-host-names once."}
)

// Names are the names of one file, sorted.
type Names struct {
	title string
	All   []inventory.Name
}

// ClassW gives the names whose mail is delivered here: the host's own, its
// further local names, and every domain that is served.
func ClassW(m *inventory.Model) Names {
	names := append([]inventory.Name{m.Host.Name}, m.Host.LocalNames...)
	for i := range m.Domains {
		if d := &m.Domains[i]; d.Enabled && !d.Backup && !d.Held {
			names = append(names, inventory.Name{Text: d.Name, Pos: d.Pos})
		}
	}
	return sorted("Names of class w of "+m.Host.Name.Text, m, names)
}

// Relayed gives the backup domains that are served.
func Relayed(m *inventory.Model) Names {
	var names []inventory.Name
	for i := range m.Domains {
		if d := &m.Domains[i]; d.Enabled && d.Backup && !d.Held {
			names = append(names, inventory.Name{Text: d.Name, Pos: d.Pos})
		}
	}
	return sorted("Domains that "+m.Host.Name.Text+" relays to better MX hosts", m, names)
}

func sorted(what string, m *inventory.Model, names []inventory.Name) Names {
	slices.SortStableFunc(names, func(a, b inventory.Name) int { return strings.Compare(a.Text, b.Text) })
	names = slices.CompactFunc(names, func(a, b inventory.Name) bool { return a.Text == b.Text })
	title := "# " + what + ", written by virtmap from " + diag.Printable(path.Base(m.Name)) +
		".\n# Changes made here are lost at the next build.\n"
	return Names{title: title, All: names}
}

// Text is the file.
func (n Names) Text() []byte {
	var out bytes.Buffer
	out.WriteString(n.title)
	for _, name := range n.All {
		out.WriteString(name.Text)
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// Parse reads a file that somebody wrote and reports the names that sendmail
// would not match. Every word before a # is a name. The names it gives are
// folded, in the order of the text.
func Parse(src *diag.Source, faults *diag.List) []inventory.Name {
	var names []inventory.Name
	seen := map[string]diag.Pos{}
	for at, word := range words(src.Text) {
		name, ok := parseName(src.Pos(at), word, faults)
		if !ok {
			continue
		}
		if first, twice := seen[name.Text]; twice {
			faults.Add(checkTwice.At(name.Pos, len(name.Text), "%s is listed twice", name.Text).
				Second(first, "first given here").WithHelp("take one of the two out"))
			continue
		}
		seen[name.Text] = name.Pos
		names = append(names, name)
	}
	return names
}

// words gives the words before the # of each line, with their offsets.
func words(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		at := 0
		for line := range strings.Lines(text) {
			names, _, _ := strings.Cut(line, "#")
			behind := at
			for word := range strings.FieldsSeq(names) {
				behind += strings.Index(text[behind:], word)
				if !yield(behind, word) {
					return
				}
				behind += len(word)
			}
			at += len(line)
		}
	}
}

// parseName folds a name, and reports one that never matches.
func parseName(pos diag.Pos, word string, faults *diag.List) (inventory.Name, bool) {
	if strings.HasSuffix(word, ".") {
		faults.Add(checkLine.At(pos, len(word), "%q ends in a dot and never matches", word).
			WithHelp("write %s", strings.TrimRight(word, ".")))
		return inventory.Name{}, false
	}
	if strings.HasPrefix(word, "[") && strings.HasSuffix(word, "]") {
		return inventory.Name{Text: mailaddr.Lower(word), Pos: pos}, true // an address literal is a legal member
	}
	folded, problem := mailaddr.FoldDomain(word)
	if problem != nil {
		faults.Add(diag.Fault{Check: checkLine, Pos: pos, Len: len(word), Text: problem.Text, Help: problem.Help})
		return inventory.Name{}, false
	}
	return inventory.Name{Text: folded, Pos: pos}, true
}
