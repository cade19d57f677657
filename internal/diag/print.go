package diag

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printer writes faults for people.
type Printer struct {
	Sources *Sources
	Color   bool
	Least   Severity // faults with a lower severity are not printed
	Most    int      // the most faults that are printed: those with the highest severity; 0: all
	Each    int      // the most faults of a crowd that are printed; 0: all
}

const (
	colorBold  = "\x1b[1m"
	colorReset = "\x1b[0m"
)

var severityColor = [...]string{Note: "\x1b[36m", Warning: "\x1b[33m", Error: "\x1b[31m"}

// Print writes the faults of a list, sorted, and a line with their number.
func (p Printer) Print(w io.Writer, l *List) error {
	out := bufio.NewWriter(w)
	printed, crowds, left := p.shown(l)
	for _, f := range printed {
		p.fault(out, f, l.Severity(f.Check))
	}
	for _, c := range crowds {
		fmt.Fprintln(out, Printable(c.String()))
	}
	if left += l.dropped[Error] + l.dropped[Warning] + l.dropped[Note]; left > 0 {
		fmt.Fprintf(out, "%d more, not shown\n", left)
	}
	if line := l.summary(p.Least); line != "" {
		fmt.Fprintln(out, line)
	}
	return out.Flush()
}

// A rest is the faults of a crowd that are not printed.
type rest struct {
	Crowd
	n int
}

func (r rest) String() string {
	text := fmt.Sprintf("and %d more of %s (%s), not shown", r.n, r.Check.ID, r.Check.Name)
	if r.About != "" {
		text += ": " + r.About
	}
	return text
}

// shown returns the faults that are printed, sorted by place, and the rests of the
// crowds. left is the number of other faults. The faults of these crowds that the
// list has dropped count in the rests. They are subtracted from left, because
// Print adds all dropped faults to left.
func (p Printer) shown(l *List) (printed []Fault, rests []rest, left int) {
	chosen, left := p.chosen(l)
	if p.Each == 0 {
		return chosen, nil, left
	}
	of := map[Crowd]int{}
	at := map[Crowd]int{}
	for _, f := range chosen {
		c := l.crowd(f)
		if of[c]++; of[c] <= p.Each {
			printed = append(printed, f)
			continue
		}
		if of[c] == p.Each+1 {
			at[c] = len(rests)
			rests = append(rests, rest{c, l.left[c]})
			left -= l.left[c]
		}
		rests[at[c]].n++
	}
	return printed, rests, left
}

// chosen returns at most p.Most faults, sorted by place. left is the number of
// faults above that.
func (p Printer) chosen(l *List) (printed []Fault, left int) {
	byPlace := slices.DeleteFunc(slices.Clone(l.Faults()), func(f Fault) bool { return l.Severity(f.Check) < p.Least })
	if p.Most == 0 || len(byPlace) <= p.Most {
		return byPlace, 0
	}
	unused := p.Most
	var taken [Error + 1]int // number of printed faults, by severity
	for s := Error; s > Ignore; s-- {
		for _, f := range byPlace {
			if l.Severity(f.Check) == s && unused > 0 {
				taken[s]++
				unused--
			}
		}
	}
	for _, f := range byPlace {
		if s := l.Severity(f.Check); taken[s] > 0 {
			taken[s]--
			printed = append(printed, f)
		}
	}
	return printed, len(byPlace) - len(printed)
}

// summary returns the numbers of errors and warnings as text. The text is empty when
// there are none.
func (l *List) summary(least Severity) string {
	var parts []string
	for _, s := range []Severity{Error, Warning} {
		if n := l.Count(s); s < least {
			continue
		} else if n == 1 {
			parts = append(parts, "1 "+s.String())
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	return strings.Join(parts, ", ")
}

// fault prints one fault.
func (p Printer) fault(w *bufio.Writer, f Fault, s Severity) {
	head := p.paint(severityColor[s], s.String()+"["+f.Check.ID+"]")
	fmt.Fprintf(w, "%s%s: %s\n", p.at(f.Pos), head, Printable(f.Text))
	p.snippet(w, f.Pos, f.Len)
	if f.Also != 0 {
		fmt.Fprintf(w, "%s%s: %s\n", p.at(f.Also), p.paint(severityColor[Note], "note"), Printable(f.AlsoText))
		p.snippet(w, f.Also, p.wordLen(f.Also))
	}
	help := f.Help
	if help == "" {
		help = f.Check.Rule
	}
	for line := range strings.Lines(help) {
		fmt.Fprintf(w, "%s%s: %s\n", p.at(f.Pos), p.paint(colorBold, "help"), Printable(strings.TrimSuffix(line, "\n")))
	}
}

// wordLen returns the number of bytes to the end of the word at a second place.
func (p Printer) wordLen(pos Pos) int {
	place, ok := p.Sources.Place(pos)
	if !ok {
		return 1
	}
	rest := place.Source.Line(place.Line)[place.Offset-place.Source.LineStart(place.Line):]
	if end := strings.IndexAny(rest, " \t:,{}[]\""); end > 0 {
		return end
	}
	return len(rest)
}

// at returns the beginning of a printed line: the place, or nothing.
func (p Printer) at(pos Pos) string {
	place, ok := p.Sources.Place(pos)
	if !ok {
		return ""
	}
	return place.String() + ": "
}

func (p Printer) paint(color, text string) string {
	if !p.Color {
		return text
	}
	return color + text + colorReset
}

// snippetWidth is the most characters of a line that are shown. A longer line is
// cut around the place.
const snippetWidth = 100

// snippet prints the line of a place, with size bytes marked.

func (p Printer) snippet(w *bufio.Writer, pos Pos, size int) {
	place, ok := p.Sources.Place(pos)
	if !ok {
		return
	}
	text := place.Source.Line(place.Line)
	at := place.Offset - place.Source.LineStart(place.Line)
	before, after := cutAround(text, at)
	if before == "" && after == "" {
		return
	}
	marked := min(max(size, 1), max(len(after), 1))
	for marked < len(after) && !utf8.RuneStart(after[marked]) {
		marked++
	}
	carets := utf8.RuneCountInString(Printable(after[:min(marked, len(after))]))
	gutter := fmt.Sprintf("%5d", place.Line)
	fmt.Fprintf(w, "%s | %s%s\n", gutter, Printable(before), Printable(after))
	fmt.Fprintf(w, "%s | %s%s\n", strings.Repeat(" ", len(gutter)),
		strings.Repeat(" ", utf8.RuneCountInString(Printable(before))), strings.Repeat("^", max(carets, 1)))
}

// cutAround returns the parts of a line to show before and after the offset at.
func cutAround(line string, at int) (before, after string) {
	before, after = line[:at], line[at:]
	if len(before) > snippetWidth/2 && len(line) > snippetWidth {
		start := len(before)
		for n := 0; n < snippetWidth/2-3 && start > 0; n++ {
			_, size := utf8.DecodeLastRuneInString(before[:start])
			start -= size
		}
		before = "..." + before[start:]
	}
	end := 0
	for n := 0; end < len(after); n++ {
		if n == snippetWidth/2 && len(line) > snippetWidth {
			return before, after[:end] + "..."
		}
		_, size := utf8.DecodeRuneInString(after[end:])
		end += size
	}
	return before, after
}

// Count returns a number with a word, which is in the plural unless the number is 1.
func Count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// Printable returns s for printing: control and invisible characters are escaped, a
// tab becomes one blank, and a long text is cut.
func Printable(s string) string {
	const limit = 4096
	if len(s) > limit {
		end := limit
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "..."
	}
	if strings.IndexFunc(s, unprintable) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case r == utf8.RuneError && s[i] != "\ufffd"[0]:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unprintable(r):
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unprintable reports whether a terminal would act on a character or not show it.
func unprintable(r rune) bool {
	return r != ' ' && !unicode.IsGraphic(r) || r == '\u2028' || r == '\u2029'
}
