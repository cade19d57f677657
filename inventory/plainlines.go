package inventory

import (
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"virtmap/internal/diag"
)

// Nearly all of a large inventory are lines such as "info: andrei" below
// "addresses:", and most of the time and memory of reading it is what the YAML
// reader makes of them. A block that has nothing but such lines is left out of
// the text that it is given, line for line, and read by the same code as
// every other address, from the line itself. The YAML reader proves the
// structure: a block counts only when it finds an "addresses" key of a domain
// without a value on that line. If it finds anything else anywhere, the whole
// text is read the ordinary way.

// A plainBlock is the lines below an "addresses:", counted from 1.
type plainBlock struct {
	key         int // the line of "addresses:"
	first, last int
	indent      int // of its lines
}

// maxPlainKey is well below the 1,024 characters that YAML allows a key.
const maxPlainKey = 256

// minPlainBytes is the size of a text from which it pays.
const minPlainBytes = 1 << 10

// plainBlocks finds the blocks of a text, and gives the text without their
// lines.
func plainBlocks(text string) (blocks []plainBlock, rest string) {
	var out strings.Builder
	out.Grow(len(text) / 8) // of fifty addresses a domain, less stays
	line, kept := 0, 0      // kept: the offset up to which the text is in out
	for at := 0; at < len(text); {
		content, next := cutLine(text, at)
		line++
		parent, ok := addressesKey(content)
		if !ok {
			at = next
			continue
		}
		b, end := plainBelow(text, next, line, parent)
		if b.last == 0 {
			at = next
			continue
		}
		out.WriteString(text[kept:next])
		for range b.last - b.first + 1 {
			out.WriteByte('\n')
		}
		blocks = append(blocks, b)
		line, at, kept = b.last, end, end
	}
	if len(blocks) == 0 {
		return nil, text
	}
	out.WriteString(text[kept:])
	return blocks, out.String()
}

// cutLine gives the line that begins at an offset, and where the next begins.
func cutLine(text string, at int) (content string, next int) {
	if end := strings.IndexByte(text[at:], '\n'); end >= 0 {
		return text[at : at+end], at + end + 1
	}
	return text[at:], len(text)
}

// addressesKey knows a line that is "addresses:", and gives its indentation.
func addressesKey(line string) (indent int, ok bool) {
	rest := strings.TrimLeft(line, " ")
	return len(line) - len(rest), rest == "addresses:"
}

// plainBelow reads the lines below an "addresses:". The block is empty when one
// of them is not plain. end is where the line behind it begins.
func plainBelow(text string, at, key, parent int) (b plainBlock, end int) {
	b = plainBlock{key: key, first: key + 1, indent: -1}
	line := key
	for at < len(text) {
		content, next := cutLine(text, at)
		rest := strings.TrimLeft(content, " ")
		indent := len(content) - len(rest)
		if rest == "" || indent <= parent {
			break
		}
		if b.indent < 0 {
			b.indent = indent
		}
		if _, _, ok := plainLine(rest); indent != b.indent || !ok {
			return plainBlock{}, at
		}
		line++
		at = next
	}
	// An empty line may have more of the mapping behind it.
	for rest := text[at:]; rest != ""; {
		content, next := cutLine(rest, 0)
		if trimmed := strings.TrimLeft(content, " "); trimmed != "" {
			if len(content)-len(trimmed) > parent {
				return plainBlock{}, at
			}
			break
		}
		rest = rest[next:]
	}
	if line == key {
		return plainBlock{}, at
	}
	b.last = line
	return b, at
}

// plainLine cuts "key: target" or "key: [target, target]", where all are so plain
// that YAML has nothing to say about them.
func plainLine(line string) (key, target string, ok bool) {
	key, target, ok = strings.Cut(line, ": ")
	if !ok || !isPlain(key, false) || len(key) > maxPlainKey {
		return key, target, false
	}
	list, isList := plainList(target)
	if !isList {
		return key, target, isPlain(target, true)
	}
	for item := range strings.SplitSeq(list, ", ") {
		if !isPlain(item, true) {
			return key, target, false
		}
	}
	return key, target, true
}

// plainList gives what stands in square brackets.
func plainList(target string) (list string, ok bool) {
	if len(target) < 3 || target[0] != '[' || target[len(target)-1] != ']' {
		return "", false
	}
	return target[1 : len(target)-1], true
}

// isPlain knows texts of letters, digits and what may stand within a word of
// them; a target may have one @ too.
func isPlain(text string, at bool) bool {
	if text == "" {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		case i > 0 && (c == '.' || c == '-' || c == '+'):
		case i > 0 && at && c == '@':
			at = false
		default:
			return false
		}
	}
	return true
}

// decodePlainly gives the document of a source whose plain blocks were left
// out, and keeps them for the reader; false when the source has none, or is
// not what it looks like.
func (r *reader) decodePlainly(src *diag.Source) (*yaml.Node, bool) {
	if r.ordinary || len(src.Text) < r.plainFrom {
		return nil, false
	}
	blocks, rest := plainBlocks(src.Text)
	if len(blocks) == 0 {
		return nil, false
	}
	decoder := yaml.NewDecoder(strings.NewReader(rest))
	var doc, second yaml.Node
	if decode(decoder, &doc) != nil || decode(decoder, &second) != io.EOF || len(doc.Content) != 1 {
		return nil, false
	}
	byLine := make(map[int]plainBlock, len(blocks))
	for _, b := range blocks {
		byLine[b.key] = b
	}
	if !proves(doc.Content[0], byLine) {
		return nil, false
	}
	r.plain[src] = byLine
	return doc.Content[0], true
}

// proves reports whether every block is the value of an "addresses" key of a
// domain, and there is no other way to it.
func proves(root *yaml.Node, blocks map[int]plainBlock) bool {
	found := 0
	eachPair(root, func(key, domains *yaml.Node) {
		if key.Value != "domains" {
			return
		}
		eachPair(domains, func(_, domain *yaml.Node) {
			if hasKey(domain, "role") { // what a backup domain has is reported by its place
				return
			}
			eachPair(domain, func(key, val *yaml.Node) {
				b, ok := blocks[key.Line]
				empty := val.Kind == yaml.ScalarNode && val.Value == "" && val.Style == 0 && val.Anchor == "" && val.Line == key.Line
				if ok && empty && key.Value == "addresses" && key.Style == 0 && key.Anchor == "" && domain.Anchor == "" && domains.Anchor == "" && b.indent > key.Column-1 {
					found++
				}
			})
		})
	})
	return found == len(blocks)
}

func hasKey(n *yaml.Node, name string) (has bool) {
	eachPair(n, func(key, _ *yaml.Node) { has = has || key.Value == name })
	return has
}

// eachPair gives the keys and values of a mapping that is written a line each;
// of anything else nothing: within braces a line means something else.
func eachPair(n *yaml.Node, pair func(key, val *yaml.Node)) {
	if n.Kind != yaml.MappingNode || n.Style&yaml.FlowStyle != 0 {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		pair(n.Content[i], n.Content[i+1])
	}
}

// plainPairs gives the pairs of the block that was left out where v is, as
// pairs would. The nodes are the same ones each time.
func (r *reader) plainPairs(v value, yield func(pair)) {
	b := r.plain[v.src][v.node.Line]
	key, val := yaml.Node{Kind: yaml.ScalarNode}, yaml.Node{}
	for line := b.first; line <= b.last && b.last > 0; line++ {
		start := v.src.LineStart(line) + b.indent
		text, _ := cutLine(v.src.Text, start)
		name, target, _ := plainLine(text)
		key.Value, key.Line, key.Column = name, line, b.indent+1
		val = yaml.Node{Kind: yaml.ScalarNode, Value: target, Line: line, Column: b.indent + 1 + len(name) + len(": ")}
		if list, ok := plainList(target); ok {
			val = listNode(list, val.Line, val.Column)
		}
		p := pair{key: v.child(&key), val: v.child(&val), name: name}
		p.key.at, p.val.at = 1+start, 1+start+len(name)+len(": ")
		yield(p)
	}
}

// listNode is what the YAML reader makes of a list in square brackets.
func listNode(list string, line, column int) yaml.Node {
	n := yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Line: line, Column: column}
	column++
	for item := range strings.SplitSeq(list, ", ") {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: item, Line: line, Column: column})
		column += len(item) + len(", ")
	}
	return n
}

// plainCount is how many pairs there are.
func (r *reader) plainCount(v value) int {
	if !v.isEmpty() || v.node == nil {
		return 0
	}
	b := r.plain[v.src][v.node.Line]
	if b.last == 0 {
		return 0
	}
	return b.last - b.first + 1
}
