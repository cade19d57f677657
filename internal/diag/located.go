package diag

import "unicode/utf8"

// A Located fault is one as a program wants to hear of it: with its severity
// and its places worked out.
type Located struct {
	Fault
	Severity Severity
	At       Place // File is empty where the fault has no place
	EndCol   int   // behind the marked text, on the same line
	AlsoAt   Place // File is empty: there is none
}

// Located gives the faults of a list that a printer would print, sorted, and
// behind them one without a place for the rest of each crowd.
func (p Printer) Located(l *List) []Located {
	var all []Located
	printed, rests, _ := p.shown(l)
	for _, f := range printed {
		if f.Help == "" {
			f.Help = f.Check.Rule
		}
		at := Located{Fault: f, Severity: l.Severity(f.Check)}
		if place, ok := p.Sources.Place(f.Pos); ok {
			at.At, at.EndCol = place, place.Col+place.marked(f.Len)
		}
		at.AlsoAt, _ = p.Sources.Place(f.Also)
		all = append(all, at)
	}
	for _, r := range rests {
		f := Fault{Check: r.Check, Text: r.String(), Help: r.Check.Rule}
		all = append(all, Located{Fault: f, Severity: l.Severity(r.Check)})
	}
	return all
}

// marked is how many characters of the line a fault of size bytes marks.
func (p Place) marked(size int) int {
	rest := p.Source.Line(p.Line)[p.Offset-p.Source.LineStart(p.Line):]
	return max(1, utf8.RuneCountInString(rest[:min(size, len(rest))]))
}
