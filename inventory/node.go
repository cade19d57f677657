package inventory

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"virtmap/internal/diag"
)

// A value is a YAML node with its source. An empty document has no node. The zero value
// is a key that is not there.
type value struct {
	node    *yaml.Node
	src     *diag.Source
	aliased bool // reached through an alias: counts against aliasBudget
	at      int  // 1 + the offset; 0: it must be computed from the node
}

// aliasBudget is the limit of values that are read through aliases. A few lines with
// aliases of aliases can stand for billions of values.
const aliasBudget = 1_000_000

func (v value) offset() int {
	if v.at > 0 {
		return v.at - 1
	}
	return v.src.Offset(v.node.Line, v.node.Column)
}

func (v value) pos() diag.Pos {
	if v.node == nil {
		return v.src.Pos(0)
	}
	return v.src.Pos(v.offset())
}

// isEmpty reports whether a value was left out, as in "key:".
func (v value) isEmpty() bool {
	return v.node == nil || v.node.Kind == yaml.ScalarNode && v.node.Value == "" && v.node.Style == 0
}

// isNull reports whether a value is one of YAML's words for null. It matters where a
// text is not possible; elsewhere the word is a text.
func (v value) isNull() bool {
	return v.isScalar() && v.node.Style == 0 && slices.Contains(nullWords, v.node.Value)
}

var nullWords = []string{"null", "~", "Null", "NULL"} // YAML 1.2.2, 10.3.2

func (v value) isScalar() bool  { return v.node != nil && v.node.Kind == yaml.ScalarNode }
func (v value) isList() bool    { return v.node != nil && v.node.Kind == yaml.SequenceNode }
func (v value) isMapping() bool { return v.node != nil && v.node.Kind == yaml.MappingNode }
func (v value) size() int       { return v.spanOf(v.offset()) }

// pairCount returns the number of pairs of a mapping.
func (v value) pairCount() int {
	if !v.isMapping() {
		return 0
	}
	return len(v.node.Content) / 2
}

// text returns a scalar. If the source has the same letters, the result is a part of
// the source, so that a million names need no memory of their own.
func (v value) text() string {
	at, text := v.offset(), v.node.Value
	if strings.HasPrefix(v.src.Text[at:], text) {
		return v.src.Text[at : at+len(text)]
	}
	if v.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && strings.HasPrefix(v.src.Text[at+1:], text) {
		return v.src.Text[at+1 : at+1+len(text)]
	}
	return text
}

// spanOf returns the number of bytes of the source that a fault of v marks.
func (v value) spanOf(at int) int {
	rest := v.src.Text[at:]
	switch {
	case v.node.Kind != yaml.ScalarNode:
		return 1
	case strings.HasPrefix(rest, v.node.Value):
		return len(v.node.Value)
	case v.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return len(v.node.Value) + 2
	}
	return 1
}

// what returns the kind of a node for a message.
func (v value) what() string {
	switch {
	case v.isEmpty():
		return "nothing"
	case v.isList():
		return "a list"
	case v.isMapping():
		return "a mapping"
	}
	return "a text"
}

// open follows an alias, and refuses the parts of YAML that an inventory does not use.
// ok is false if the value must not be read.
func (r *reader) open(v value) (value, bool) {
	if v.node == nil {
		return v, true
	}
	if v.node.Kind == yaml.AliasNode {
		v.node, v.aliased = v.node.Alias, true
	}
	if v.aliased {
		if r.aliasesRead++; r.aliasesRead > aliasBudget {
			if r.aliasesRead == aliasBudget+1 {
				r.fault(checkTooLarge.At(v.pos(), 1, "the aliases of this inventory stand for more than %d values", aliasBudget).
					WithHelp("same_as copies the addresses of a domain"))
			}
			return v, false
		}
	}
	if bare := v.isScalar() && strings.HasPrefix(v.src.Text[v.offset():], "!"); bare || v.node.Style&yaml.TaggedStyle != 0 {
		r.fault(checkUnsupported.At(v.pos(), 1, "the tag %s has no meaning in an inventory", v.node.Tag).
			WithHelp("take it out: every value is read as text"))
		return v, false
	}
	return v, true
}

func (v value) child(node *yaml.Node) value {
	return value{node: node, src: v.src, aliased: v.aliased}
}

// A pair is a key and a value of a mapping.
type pair struct {
	key, val value
	name     string
}

// pairs yields the pairs of a mapping whose keys are texts, and reports other keys. An
// empty value has no pairs.
func (r *reader) pairs(v value, what string, yield func(pair)) {
	if v.isEmpty() || v.isNull() {
		return
	}
	if !v.isMapping() {
		if v.offset() == 0 {
			r.fault(checkShape.At(v.pos(), v.size(), "this is no inventory, but %s", v.what()).
				WithHelp("an inventory is YAML and begins with \"version: 1\""))
			return
		}
		help := "write each key on a line of its own, indented below " + what + ", as \"key: value\""
		if v.isList() {
			help = "take the dashes or brackets out: what stands below " + what + " is \"key: value\", or \"key:\" alone"
		}
		r.fault(checkShape.At(v.pos(), v.size(), "%s takes a mapping, not %s", what, v.what()).WithHelp("%s", help))
		return
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, ok := r.open(v.child(v.node.Content[i]))
		if !ok || !r.plainKey(key) {
			continue
		}
		if val, ok := r.open(v.child(v.node.Content[i+1])); ok {
			yield(pair{key: key, val: val, name: key.text()})
		}
	}
}

func (r *reader) plainKey(key value) bool {
	switch {
	case !key.isScalar() || isExplicitKey(key.src.Text[:key.offset()]):
		r.fault(checkUnsupported.At(key.pos(), 1, "a key is a plain text here").
			WithHelp("write \"key: value\""))
		return false
	case key.node.Tag == "!!merge":
		r.fault(checkUnsupported.At(key.pos(), 2, "the merge key << is not used in an inventory").
			WithHelp("same_as copies the addresses of a domain; defaults hold for all"))
		return false
	}
	return true
}

// isExplicitKey reports whether the text before a key ends in "? ", as in "? key".
func isExplicitKey(before string) bool {
	before, ok := strings.CutSuffix(strings.TrimRight(before, " "), "?")
	before = strings.TrimRight(before, " -")
	return ok && (before == "" || strings.IndexByte("\n{,[", before[len(before)-1]) >= 0)
}

// items yields the values of a list. A single text is a list of one.
func (r *reader) items(v value, what string, yield func(value)) {
	switch {
	case v.isEmpty():
	case v.isScalar():
		yield(v)
	case v.isList():
		for _, node := range v.node.Content {
			if item, ok := r.open(v.child(node)); ok {
				yield(item)
			}
		}
	default:
		r.fault(checkShape.At(v.pos(), 1, "%s takes a list, not %s", what, v.what()).
			WithHelp("write [first, second], or each on a line of its own behind \"- \""))
	}
}

// scalar returns the text of a value. An empty text is a fault, and so is a control
// character, even if it was written as an escape.
func (r *reader) scalar(v value, what string) (Name, bool) {
	if !v.isScalar() {
		r.fault(checkShape.At(v.pos(), 1, "%s takes a text, not %s", what, v.what()))
		return Name{}, false
	}
	text := v.text()
	if text == "" {
		r.fault(CheckValue.At(v.pos(), 1, "%s is empty", what).
			WithHelp("leave the line out, or write the value"))
		return Name{}, false
	}
	if at := strings.IndexFunc(text, func(c rune) bool { return c == '\t' || c == '\n' || c == '\r' || forbiddenInSource(c) }); at >= 0 {
		r.fault(CheckValue.At(v.pos(), v.size(), "%s holds the control character %q", what, text[at:at+1]).
			WithHelp("write it on one line, without escapes; several recipients are a list: [andrei, bea]"))
		return Name{}, false
	}
	return Name{Text: text, Pos: v.pos()}, true
}
