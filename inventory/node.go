package inventory

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"virtmap/internal/diag"
)

// A value is a YAML node and the source it stands in; an empty document has
// no node. The zero value is a key that was not given.
type value struct {
	node    *yaml.Node
	src     *diag.Source
	aliased bool // reached through an alias: counted against aliasBudget
	at      int  // 1 + the offset, where that is known without the node
}

// aliasBudget bounds the values read through aliases: a few lines of aliases
// that name each other can stand for billions.
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

// isEmpty reports a value that was left out: "key:" with nothing behind it.
func (v value) isEmpty() bool {
	return v.node == nil || v.node.Kind == yaml.ScalarNode && v.node.Value == "" && v.node.Style == 0
}

// isNull reports whether a value is the word that YAML has for nothing. That counts
// where no text can stand; elsewhere the word is a text like every other.
func (v value) isNull() bool {
	return v.isScalar() && v.node.Style == 0 && slices.Contains(nullWords, v.node.Value)
}

var nullWords = []string{"null", "~", "Null", "NULL"} // YAML 1.2.2, 10.3.2

func (v value) isScalar() bool  { return v.node != nil && v.node.Kind == yaml.ScalarNode }
func (v value) isList() bool    { return v.node != nil && v.node.Kind == yaml.SequenceNode }
func (v value) isMapping() bool { return v.node != nil && v.node.Kind == yaml.MappingNode }
func (v value) size() int       { return v.spanOf(v.offset()) }

// pairCount is how many pairs a mapping has.
func (v value) pairCount() int {
	if !v.isMapping() {
		return 0
	}
	return len(v.node.Content) / 2
}

// text is the scalar as a piece of the source where it stands there letter by
// letter, so that a million names cost no memory of their own.
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

// spanOf is how many bytes of the source a fault about v marks.
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

// what names the kind of a node in a message.
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

// open follows an alias and refuses what an inventory does not use. It
// reports false when the value is not to be read.
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

// pairs gives the pairs of a mapping whose keys are texts, and reports the
// others. An empty value has none.
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

// isExplicitKey reports what stands before a key of the form "? key".
func isExplicitKey(before string) bool {
	before, ok := strings.CutSuffix(strings.TrimRight(before, " "), "?")
	before = strings.TrimRight(before, " -")
	return ok && (before == "" || strings.IndexByte("\n{,[", before[len(before)-1]) >= 0)
}

// items gives the values of a list; a single text counts as a list of one.
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

// scalar gives the text of a value; it must not be empty and holds no control
// characters, whatever escapes it was written with.
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
