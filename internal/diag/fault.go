package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity is how much a fault matters.
type Severity uint8

const (
	Ignore  Severity = iota // not reported
	Note                    // worth knowing; nothing to do
	Warning                 // works, and is likely not what was meant
	Error                   // nothing is written
)

var severityNames = [...]string{"ignore", "note", "warning", "error"}

func (s Severity) String() string { return severityNames[s] }

// ParseSeverity reads the words of the inventory's checks block.
func ParseSeverity(word string) (Severity, bool) {
	i := slices.Index(severityNames[:], word)
	return Severity(max(i, 0)), i >= 0
}

// A Check is one thing that can be wrong. The package that looks for it
// declares it and lists it in its Checks.
type Check struct {
	ID       string // VM001
	Name     string // unknown-key
	Severity Severity
	Rule     string // one sentence
}

// A Fault is a check that found something.
type Fault struct {
	Check *Check
	Pos   Pos
	Len   int // bytes to mark, at least 1
	Text  string
	Help  string // what to write instead; empty: the check's rule
	About string // the thing that other faults of the check may be about too; empty: Text

	Also     Pos // a second place, where two disagree
	AlsoText string
}

// WithHelp returns the fault with what to write instead.
func (f Fault) WithHelp(format string, args ...any) Fault {
	f.Help = say(format, args)
	return f
}

// Second returns the fault with a second place.
func (f Fault) Second(pos Pos, text string) Fault {
	f.Also, f.AlsoText = pos, text
	return f
}

// Concerning returns the fault with the thing that it is about, which further
// faults of its check may be about too.
func (f Fault) Concerning(format string, args ...any) Fault {
	f.About = say(format, args)
	return f
}

// At makes a fault of the check. The place covers size bytes.
func (c *Check) At(pos Pos, size int, format string, args ...any) Fault {
	return Fault{Check: c, Pos: pos, Len: size, Text: say(format, args)}
}

// say formats a message with its texts cut: a hostile name may have megabytes,
// and stand in thousands of faults.
func say(format string, args []any) string {
	const limit = 300
	for i, arg := range args {
		if text, ok := arg.(string); ok && len(text) > limit {
			args[i] = strings.ToValidUTF8(text[:limit], "") + "..."
		}
	}
	return fmt.Sprintf(format, args...)
}

// maxFaults bounds what a List keeps of each check: a hostile inventory can have
// a fault in every byte.
const maxFaults = 10_000

// A List collects faults.
type List struct {
	faults  []Fault
	kept    [Error + 1]int
	of      map[*Check]int // kept
	dropped [Error + 1]int
	left    map[Crowd]int // dropped, of the first crowds that had faults dropped
	tuned   map[string]Severity
}

// A Crowd is all faults that say the same to a person: warnings of one check, or
// errors of one check about one thing.
type Crowd struct {
	Check *Check
	About string // of errors
}

// crowd gives the crowd that a fault belongs to.
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

// Tune sets the severities of checks by id. Errors of a check that is
// declared as an error stay errors: what follows relies on them.
func (l *List) Tune(severities map[string]Severity) {
	l.tuned = severities
	all := l.faults
	l.faults, l.kept, l.of = nil, [Error + 1]int{}, nil
	l.Add(all...)
}

// Severity is what a fault of the check counts as here.
func (l *List) Severity(c *Check) Severity {
	if s, ok := l.tuned[c.ID]; ok && c.Severity != Error {
		return s
	}
	return c.Severity
}

// Add takes faults in.
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

// Keep leaves the faults that are wanted. Those that were dropped because there
// were too many still count: nobody knows what they were.
func (l *List) Keep(wanted func(Fault) bool) {
	all := l.Faults()
	l.faults, l.kept, l.of = nil, [Error + 1]int{}, nil
	for _, f := range all {
		if wanted(f) {
			l.Add(f)
		}
	}
}

// Fork gives an empty list with the same severities.
func (l *List) Fork() *List { return &List{tuned: l.tuned} }

// Fits reports whether all faults of other lists have room in this one, so
// that none that counts is dropped for one that is there twice.
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

// Join takes in what another list has, in order.
func (l *List) Join(o *List) {
	l.Add(o.faults...)
	for s, n := range o.dropped {
		l.dropped[s] += n
	}
	for c, n := range o.left {
		l.drop(c, n)
	}
}

// Count returns how many faults of the severity were added.
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
