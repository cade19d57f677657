package lint

import (
	_ "embed"
	"iter"
	"slices"
	"strings"

	"virtmap/internal/diag"
)

// An Explanation says more about a check than its one sentence.
type Explanation struct {
	Why   string // why the check matters
	Wrong string // an inventory that the check reports, without the parts that every inventory has
	Right string // a similar inventory that the check does not report
	Unfit string // why there are no examples
	Since string // the first version that has the check
}

// catalogueText has a section for each check of this package and of the packages that
// every server uses: its id, why it matters, and examples, whose lines are indented by
// four blanks. An empty line ends a section. Known.Explained has the same form.
//
//go:embed catalogue.txt
var catalogueText string

// firstVersion is the Since of all checks that have none in the catalogue.
const firstVersion = "1.0"

// Explain returns a check, given by its id or name, and its explanation. ok is false if
// there is no such check.
func (k Known) Explain(id string) (*diag.Check, Explanation, bool) {
	all := k.All()
	i := slices.IndexFunc(all, func(c *diag.Check) bool { return strings.EqualFold(c.ID, id) || c.Name == id })
	if i < 0 {
		return nil, Explanation{}, false
	}
	for of, text := range k.sections() {
		if of == all[i].ID {
			return all[i], explanation(text), true
		}
	}
	return all[i], Explanation{}, true
}

// Nearest returns the id or name that is most similar to a word.
func (k Known) Nearest(word string) (string, bool) {
	words := diag.Words{Names: func(yield func(string) bool) {
		for _, c := range k.All() {
			if !yield(c.ID) || !yield(c.Name) {
				return
			}
		}
	}}
	return words.Nearest(word)
}

// sections returns the sections of all catalogues by the ids of their checks.
func (k Known) sections() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, text := range append([]string{catalogueText}, k.Explained...) {
			for section := range strings.SplitSeq(text, "\n\n") {
				if id, rest, _ := strings.Cut(section, "\n"); !yield(id, rest) {
					return
				}
			}
		}
	}
}

func explanation(text string) Explanation {
	e := Explanation{Since: firstVersion}
	into := &e.Why
	for line := range strings.Lines(text) {
		word, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch {
		case word == "wrong:":
			into = &e.Wrong
		case word == "right:":
			into = &e.Right
		case word == "unfit":
			e.Unfit = value
		case word == "since":
			e.Since = value
		default:
			*into += strings.TrimPrefix(line, "    ")
		}
	}
	return e
}

// common are the parts that every inventory has. The examples leave them out.
var common = []string{"version: 1", "host: {name: mx1.example.net}", "users: {andrei: , bea: }"}

// Whole returns an example together with the parts of common that it leaves out.
func Whole(example string) string {
	var head strings.Builder
	for _, line := range common {
		key, _, _ := strings.Cut(line, ":")
		if !strings.HasPrefix(example, key+":") && !strings.Contains(example, "\n"+key+":") {
			head.WriteString(line + "\n")
		}
	}
	return head.String() + example
}
