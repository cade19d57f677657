package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity is the severity of a fault.
type Severity uint8

// The severities, in ascending order.
const (
	Ignore  Severity = iota // the fault is not reported
	Note                    // there is nothing to do
	Warning                 // the text works, and probably not as its author meant
	Error                   // nothing is written
)

var severityNames = [...]string{"ignore", "note", "warning", "error"}

func (s Severity) String() string { return severityNames[s] }

// ParseSeverity parses a severity of the checks block of an inventory.
func ParseSeverity(word string) (Severity, bool) {
	i := slices.Index(severityNames[:], word)
	return Severity(max(i, 0)), i >= 0
}

// A Check describes one kind of fault. The package that finds the faults declares
// the Check and has it in its Checks.
type Check struct {
	ID       string // VM001
	Name     string // unknown-key
	Severity Severity
	Rule     string // what is right, in one sentence
}

// A Fault is a fault at one place.
type Fault struct {
	Check *Check
	Pos   Pos
	Len   int // number of bytes to mark, at least 1
	Text  string
	Help  string // what to write instead; empty: the Rule of the check
	About string // what the fault is about, if other faults are about the same; empty: Text

	Also     Pos // a second place, if there are two
	AlsoText string
}

// WithHelp returns the fault with the text of Help.
func (f Fault) WithHelp(format string, args ...any) Fault {
	f.Help = say(format, args)
	return f
}

// Second returns the fault with a second place.
func (f Fault) Second(pos Pos, text string) Fault {
	f.Also, f.AlsoText = pos, text
	return f
}

// Concerning returns the fault with the text of About.
func (f Fault) Concerning(format string, args ...any) Fault {
	f.About = say(format, args)
	return f
}

// At makes a fault of the check, at a place of size bytes.
func (c *Check) At(pos Pos, size int, format string, args ...any) Fault {
	return Fault{Check: c, Pos: pos, Len: size, Text: say(format, args)}
}

// say formats a message and cuts its texts. A hostile name may have megabytes, and
// be in thousands of faults.
func say(format string, args []any) string {
	const limit = 300
	for i, arg := range args {
		if text, ok := arg.(string); ok && len(text) > limit {
			args[i] = strings.ToValidUTF8(text[:limit], "") + "..."
		}
	}
	return fmt.Sprintf(format, args...)
}

// maxFaults is the most faults of one check that a List keeps. A hostile inventory
// can have a fault in every byte.
const maxFaults = 10_000

// A List collects faults.
type List struct {
	faults  []Fault
	kept    [Error + 1]int // number of kept faults, by severity
	of      map[*Check]int // number of kept faults, by check
	dropped [Error + 1]int // number of dropped faults, by severity
	left    map[Crowd]int  // number of dropped faults of the first crowds
	tuned   map[string]Severity
}

// A Crowd is a set of faults that are much the same to a person: warnings of one
// check, or errors of one check about one thing.
type Crowd struct {
	Check *Check
	About string // of errors
}

// crowd returns the crowd of a fault.
func (l *List) crowd(f Fault) Crowd {
	if l.Severity(f.Check) < Error {
		return Crowd{Check: f.Check}
	}
	return Crowd{f.Check, cmp.Or(f.About, f.Text)}
}

// drop counts n faults of a crowd as dropped.
func (l *List) drop(c Crowd, n int) {
	if l.left == nil {
		l.left = map[Crowd]int{}
	}
	if _, known := l.left[c]; known || len(l.left) < maxFaults {
		l.left[c] += n
	}
}

// Tune sets the severities of checks by id. A check that is declared as an error
// stays one, because later steps rely on that.
func (l *List) Tune(severities map[string]Severity) {
	l.tuned = severities
	all := l.faults
	l.faults, l.kept, l.of = nil, [Error + 1]int{}, nil
	l.Add(all...)
}

// Severity returns the severity of a check in this list.
func (l *List) Severity(c *Check) Severity {
	if s, ok := l.tuned[c.ID]; ok && c.Severity != Error {
		return s
	}
	return c.Severity
}

// Add adds faults.
func (l *List) Add(faults ...Fault) {
	for _, f := range faults {
		s := l.Severity(f.Check)
		switch {
		case s == Ignore:
		case l.of[f.Check] >= maxFaults:
			l.dropped[s]++
			l.drop(l.crowd(f), 1)
		default:
			if l.of == nil {
				l.of = map[*Check]int{}
			}
			l.kept[s]++
			l.of[f.Check]++
			l.faults = append(l.faults, f)
		}
	}
}

// Keep removes the faults that are not wanted. Faults that were dropped because
// there were too many still count, because their texts are not known any more.
func (l *List) Keep(wanted func(Fault) bool) {
	all := l.Faults()
	l.faults, l.kept, l.of = nil, [Error + 1]int{}, nil
	for _, f := range all {
		if wanted(f) {
			l.Add(f)
		}
	}
}

// Fork returns an empty list with the same severities.
func (l *List) Fork() *List { return &List{tuned: l.tuned} }

// Fits reports whether this list can keep all its faults and those of other lists.
// Otherwise Join might drop a fault and keep another one twice.
func (l *List) Fits(others ...*List) bool {
	for s := range l.kept {
		n := l.kept[s]
		for _, o := range others {
			n += o.kept[s] + o.dropped[s]
		}
		if n > maxFaults {
			return false
		}
	}
	return true
}

// Join adds the faults of another list, in their order.
func (l *List) Join(o *List) {
	l.Add(o.faults...)
	for s, n := range o.dropped {
		l.dropped[s] += n
	}
	for c, n := range o.left {
		l.drop(c, n)
	}
}

// Count returns the number of faults of a severity that were added.
func (l *List) Count(s Severity) int { return l.kept[s] + l.dropped[s] }

// Failed reports whether an error was added.
func (l *List) Failed() bool { return l.Count(Error) > 0 }

// Faults returns the faults sorted by place, each once.
func (l *List) Faults() []Fault {
	slices.SortStableFunc(l.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Pos, b.Pos), cmp.Compare(a.Check.ID, b.Check.ID), cmp.Compare(a.Text, b.Text))
	})
	l.faults = slices.CompactFunc(l.faults, func(a, b Fault) bool {
		same := a.Pos == b.Pos && a.Check == b.Check && a.Text == b.Text
		if same {
			l.kept[l.Severity(a.Check)]--
			l.of[a.Check]--
		}
		return same
	})
	return l.faults
}
