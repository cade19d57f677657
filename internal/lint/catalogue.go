package lint

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"virtmap/internal/diag"
)

// An Explanation says of a check what its one sentence does not.
type Explanation struct {
	Why   string // it matters
	Wrong string // an inventory that it reports, less what every inventory has
	Right string // one like it that it does not report
	Unfit string // why there are no examples
	Since string // the version that has it first
}

// catalogueText has a section for each check: its id, why it matters, and
// examples, each line of them indented by four blanks.
//
//go:embed catalogue.txt
var catalogueText string

// firstVersion is that of all checks that do not say otherwise.
const firstVersion = "1.0"

// Explain gives a check and its explanation by id or name; false when there is
// no such check.
func (k Known) Explain(id string) (*diag.Check, Explanation, bool) {
	all := k.All()
	i := slices.IndexFunc(all, func(c *diag.Check) bool { return strings.EqualFold(c.ID, id) || c.Name == id })
	if i < 0 {
		return nil, Explanation{}, false
	}
	return all[i], catalogue()[all[i].ID], true
}

// Nearest gives the id or name that is most like a word.
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

// catalogue gives the explanations of all checks by id.
var catalogue = sync.OnceValue(func() map[string]Explanation {
	all := map[string]Explanation{}
	for section := range strings.SplitSeq(catalogueText, "\n\n") {
		id, rest, _ := strings.Cut(section, "\n")
		all[id] = explanation(rest)
	}
	return all
})

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

// common is what every inventory has; the examples leave it out.
var common = []string{"version: 1", "host: {name: mx1.example.net}", "users: {andrei: , bea: }"}

// Whole gives an example with what it leaves out.
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
