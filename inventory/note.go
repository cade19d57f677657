package inventory

import (
	"strings"

	"gopkg.in/yaml.v3"

	"virtmap/internal/diag"
)

// note keeps the text of a note for what stands at a place. It reports whether there is
// one.
func (r *reader) note(of diag.Pos, text string) bool {
	if text == "" {
		return false
	}
	if r.model.Notes == nil {
		r.model.Notes = map[diag.Pos]string{}
	}
	r.model.Notes[of] = text
	return true
}

// textOf returns the texts of a value that may have any shape, with commas between them.
// What an alias stands for is left out, because it may be very long.
func textOf(v value) string {
	var texts []string
	var collect func(n *yaml.Node)
	collect = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.Value != "" {
			texts = append(texts, strings.Join(strings.Fields(n.Value), " "))
		}
		for _, c := range n.Content {
			collect(c)
		}
	}
	collect(v.node)
	return strings.Join(texts, ", ")
}
