// Package hostnames decides which domains this server serves, and writes their
// names to two files:
//
//	local-host-names       class w: mail for these names is delivered here
//	virtmap-relay-domains  backup domains: their mail is relayed to a better MX
//
// A backup domain is never in class w, because its mail would be delivered here.
//
// # The files
//
// Both files have one name a line, sorted, in lower-case A-labels. A # begins a
// comment:
//
//	# Names of class w of mx1.example.net, written by virtmap from mail.yaml.
//	# Changes made here are lost at the next build.
//	fakemail.example
//	mx1.example.net
//
// sendmail reads the files when it starts (sendmail/readcf.c, fileclass). The
// format of the F line decides which words of a line are names. The format
// %[^\#], which FEATURE(`use_cw_file') writes, takes every word before a #, and so
// does Parse. sendmail compares whole names: a name with a final dot or a * never
// matches.
//
// # The decision
//
// A Policy decides which domains are served, from the installed files, the Memory
// of the last runs, and the verdicts of mxcheck.
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

// ClassW returns the names of class w: the name of the host, its local names, and
// every served domain that is no backup domain.
func ClassW(m *inventory.Model) Names {
	names := append([]inventory.Name{m.Host.Name}, m.Host.LocalNames...)
	for i := range m.Domains {
		if d := &m.Domains[i]; d.Enabled && !d.Backup && !d.Held {
			names = append(names, inventory.Name{Text: d.Name, Pos: d.Pos})
		}
	}
	return sorted("Names of class w of "+m.Host.Name.Text, m, names)
}

// Relayed returns the backup domains that are served.
func Relayed(m *inventory.Model) Names {
	var names []inventory.Name
	for i := range m.Domains {
		if d := &m.Domains[i]; d.Enabled && d.Backup && !d.Held {
			names = append(names, inventory.Name{Text: d.Name, Pos: d.Pos})
		}
	}
	return sorted("Domains that "+m.Host.Name.Text+" relays to better MX hosts", m, names)
}

// sorted returns names in order, each once. what goes into the comment of the file.
func sorted(what string, m *inventory.Model, names []inventory.Name) Names {
	slices.SortStableFunc(names, func(a, b inventory.Name) int { return strings.Compare(a.Text, b.Text) })
	names = slices.CompactFunc(names, func(a, b inventory.Name) bool { return a.Text == b.Text })
	title := "# " + what + ", written by virtmap from " + diag.Printable(path.Base(m.Name)) +
		".\n# Changes made here are lost at the next build.\n"
	return Names{title: title, All: names}
}

// Text returns the content of the file.
func (n Names) Text() []byte {
	var out bytes.Buffer
	out.WriteString(n.title)
	for _, name := range n.All {
		out.WriteString(name.Text)
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// Parse parses a file that a person wrote, and reports names that sendmail never
// matches. The names that it returns are folded, in the order of the text.
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

// words yields the words before the # of each line, with their offsets.
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

// parseName folds a name, and reports a name that never matches.
func parseName(pos diag.Pos, word string, faults *diag.List) (inventory.Name, bool) {
	if strings.HasSuffix(word, ".") {
		faults.Add(checkLine.At(pos, len(word), "%q ends in a dot and never matches", word).
			WithHelp("write %s", strings.TrimRight(word, ".")))
		return inventory.Name{}, false
	}
	if strings.HasPrefix(word, "[") && strings.HasSuffix(word, "]") {
		return inventory.Name{Text: mailaddr.Lower(word), Pos: pos}, true // class w may have address literals
	}
	folded, problem := mailaddr.FoldDomain(word)
	if problem != nil {
		faults.Add(diag.Fault{Check: checkLine, Pos: pos, Len: len(word), Text: problem.Text, Help: problem.Help})
		return inventory.Name{}, false
	}
	return inventory.Name{Text: folded, Pos: pos}, true
}
