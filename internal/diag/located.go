package diag

import "unicode/utf8"

// A Located is a fault with its severity, and with places that a program can use.
type Located struct {
	Fault
	Severity Severity
	At       Place // File is empty when the fault has no place
	EndCol   int   // the column behind the marked text
	AlsoAt   Place // File is empty when there is no second place
}

// Located returns the faults of a list that Print would print, sorted. At the end is
// a fault without a place for the rest of each crowd.
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

// marked returns the number of characters of the line that size bytes are.
func (p Place) marked(size int) int {
	rest := p.Source.Line(p.Line)[p.Offset-p.Source.LineStart(p.Line):]
	return max(1, utf8.RuneCountInString(rest[:min(size, len(rest))]))
}
