package inventory

import (
	"gopkg.in/yaml.v3"

	"virtmap/internal/mailaddr"
)

// find returns the key and value of a mapping whose name is wanted.
func find(n *yaml.Node, is func(name string) bool) (key, value *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if is(n.Content[i].Value) {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

func named(want string) func(string) bool { return func(name string) bool { return name == want } }

// isDomain returns a function that recognizes a domain in any spelling.
func isDomain(want string) func(string) bool {
	return func(name string) bool {
		folded, problem := mailaddr.FoldDomain(name)
		return problem == nil && folded == want
	}
}

// blockLine returns the last line, up to until, on which a key begins that is not in
// braces.
func blockLine(n *yaml.Node, until int) (line int) {
	if n.Kind != yaml.MappingNode || n.Style&yaml.FlowStyle != 0 {
		return 0
	}
	for i := 0; i+1 < len(n.Content) && n.Content[i].Line <= until; i += 2 {
		line = max(n.Content[i].Line, blockLine(n.Content[i+1], until))
	}
	return line
}

func lastLine(n *yaml.Node) int {
	last := n.Line
	if n.Kind == yaml.AliasNode {
		return last
	}
	for _, child := range n.Content {
		last = max(last, lastLine(child))
	}
	return last
}
