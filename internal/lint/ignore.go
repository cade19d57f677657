package lint

import (
	"regexp"
	"slices"
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/inventory"
)

var (
	checkIgnore = &diag.Check{ID: "VM026", Name: "ignore-comment", Severity: diag.Warning,
		Rule: "An ignore comment names checks that there are, and gives a reason."}
	checkUnused = &diag.Check{ID: "VM027", Name: "unused-ignore", Severity: diag.Warning,
		Rule: "An ignore comment silences something on its line."}
)

// ignoreMark begins a comment that silences checks on its line. If the comment has a
// line of its own, it silences them on the next line that is not blank and no comment:
//
//	# virtmap:ignore VM014 root is an alias of the site
const ignoreMark = "# virtmap:ignore"

// An ignore is a comment that silences checks.
type ignore struct {
	pos    diag.Pos
	size   int
	about  lineKey
	checks []string // ids
	used   bool
}

// A lineKey identifies a line of a source.
type lineKey struct {
	source *diag.Source
	line   int
}

// Ignored removes the faults that comments of the inventory silence. Errors stay. It
// reports comments that are badly formed or silence nothing. skipped are the checks
// that were not run; whether a comment silences one of them is not known.
func (k Known) Ignored(m *inventory.Model, skipped []*diag.Check, faults *diag.List) {
	all := k.ignoresOf(m, faults)
	for src := range m.Sources.Each() {
		nearlyIgnores(src, faults)
	}
	silence(m, all, faults)
	// The faults of the DNS and of a main configuration are not known yet.
	skipped = slices.Concat(skipped, hostnames.Checks, k.Edit)
	for _, i := range all {
		wasSkipped := func(c *diag.Check) bool { return slices.Contains(i.checks, c.ID) }
		if !i.used && !slices.ContainsFunc(skipped, wasSkipped) {
			// The text has no line number, so that it does not change when lines move.
			faults.Add(checkUnused.At(i.pos, i.size, "nothing on its line is reported by %s", strings.Join(i.checks, " or ")).
				WithHelp("take the comment out; it is about line %d", i.about.line))
		}
	}
}

// Silence removes later faults, such as those of the DNS, if comments of the inventory
// silence them. It does not report the comments again.
func (k Known) Silence(m *inventory.Model, faults *diag.List) {
	var said diag.List
	silence(m, k.ignoresOf(m, &said), faults)
}

// ignoresOf reads the comments of an inventory.
func (k Known) ignoresOf(m *inventory.Model, faults *diag.List) (all []*ignore) {
	for src := range m.Sources.Each() {
		all = append(all, k.ignores(m.Sources, src, faults)...)
	}
	return all
}

func silence(m *inventory.Model, all []*ignore, faults *diag.List) {
	if len(all) == 0 {
		return
	}
	byLine := map[lineKey][]*ignore{}
	for _, i := range all {
		byLine[i.about] = append(byLine[i.about], i)
	}
	faults.Keep(func(f diag.Fault) bool {
		place, _ := m.Sources.Place(f.Pos)
		kept := true
		for _, i := range byLine[lineKey{place.Source, place.Line}] {
			if slices.Contains(i.checks, f.Check.ID) {
				i.used, kept = true, false
			}
		}
		return kept
	})
}

var checkID = regexp.MustCompile(`^(VM\d+)(?:[,:] *| +|$)`)

// ignores reads the comments of a source.
func (k Known) ignores(sources *diag.Sources, src *diag.Source, faults *diag.List) (all []*ignore) {
	for at := 0; ; {
		next := strings.Index(src.Text[at:], ignoreMark)
		if next < 0 {
			return all
		}
		at += next
		i := &ignore{pos: src.Pos(at)}
		comment, _, _ := strings.Cut(src.Text[at:], "\n")
		if isQuoted(src.Text[:at]) {
			at += len(comment)
			continue
		}
		i.size = len(comment)
		place, _ := sources.Place(i.pos)
		i.about = lineKey{src, aboutLine(place)}
		if i.read(k, strings.TrimPrefix(comment, ignoreMark), faults) {
			all = append(all, i)
		}
		at += len(comment)
	}
}

// Comments that probably are meant to silence a check: "# virtmap: ignore VM014",
// "#virtmap:ignore VM014", "# virtmap ignore VM014", "# noqa: VM014". A comment without
// a colon after virtmap and without the id of a check is an ordinary comment.
var (
	nearlyIgnore = regexp.MustCompile(`#+[ \t]*(?i:virtmap[ \t]*([:_=-]?)[ \t]*([a-z]+)|noqa|nolint|ignore|disable)\b[ \t:=]*(.*)`)
	firstCheckID = regexp.MustCompile(`^(?i:vm\d{3}\b)`)
)

// meantIgnore are words that people use for ignore.
var meantIgnore = diag.Words{Names: slices.Values([]string{"ignore", "ignored", "disable", "silence", "skip", "suppress"})}

// nearlyIgnores reports the comments of a source that look like an ignore, but are
// none.
func nearlyIgnores(src *diag.Source, faults *diag.List) {
	for _, m := range nearlyIgnore.FindAllStringSubmatchIndex(src.Text, -1) {
		at, comment, rest := m[0], src.Text[m[0]:m[1]], src.Text[m[6]:m[7]]
		if strings.HasPrefix(comment, ignoreMark) || isQuoted(src.Text[:at]) {
			continue
		}
		id := firstCheckID.FindString(rest)
		if m[4] >= 0 {
			words := meantIgnore
			if _, near := words.Nearest(strings.ToLower(src.Text[m[4]:m[5]])); !near || id == "" && src.Text[m[2]:m[3]] != ":" {
				continue
			}
		} else if id == "" {
			continue
		}
		help := "VM014 and the reason"
		if id != "" {
			help = strings.ToUpper(id) + rest[len(id):]
		}
		faults.Add(checkIgnore.At(src.Pos(at), len(comment), "the comment silences nothing: it is not written as one that does").
			WithHelp("write %s %s", ignoreMark, help))
	}
}

// isQuoted reports whether the text before a # shows that no comment begins there: no
// blank is before the #, or the # is within quotes that begin on its line.
func isQuoted(before string) bool {
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return line != "" && !strings.HasSuffix(line, " ") || strings.Count(line, `"`)%2 == 1
}

// read reads the text after the mark.
func (i *ignore) read(known Known, rest string, faults *diag.List) bool {
	reason := strings.TrimLeft(rest, " ")
	for {
		id := checkID.FindStringSubmatch(reason)
		if id == nil {
			break
		}
		i.checks, reason = append(i.checks, id[1]), reason[len(id[0]):]
		switch check, _, ok := known.Explain(id[1]); {
		case !ok:
			faults.Add(checkIgnore.At(i.pos, i.size, "there is no check %s", id[1]).
				WithHelp("the id stands in brackets in every message; check --list lists all"))
			return false
		case check.Severity == diag.Error:
			faults.Add(checkFixed.At(i.pos, i.size, "%s (%s) is an error that no comment takes back", check.ID, check.Name).
				WithHelp("take the comment out and mend what it reports"))
			return false
		}
	}
	switch {
	case len(i.checks) == 0:
		faults.Add(checkIgnore.At(i.pos, i.size, "the comment names no check").
			WithHelp("write %s VM014 and the reason", ignoreMark))
	case strings.TrimSpace(reason) == "":
		faults.Add(checkIgnore.At(i.pos, i.size, "the comment gives no reason").
			WithHelp("write after %s why it is right as it is: a reader next year cannot ask you", i.checks[len(i.checks)-1]))
	default:
		return true
	}
	return false
}

// aboutLine returns the line that a comment is about.
func aboutLine(at diag.Place) int {
	src, line := at.Source, at.Line
	alone := strings.TrimLeft(src.Text[src.LineStart(line):at.Offset], " ") == ""
	for alone {
		line++
		text := strings.TrimLeft(src.Line(line), " ")
		alone = src.LineStart(line) < len(src.Text) && (text == "" || text[0] == '#')
	}
	return line
}
