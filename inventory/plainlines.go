package inventory

import (
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"virtmap/internal/diag"
)

// Nearly all lines of a large inventory are like "info: andrei" below "addresses:", and
// the YAML reader needs most of the time and memory for them. If a block has only such
// lines, the YAML reader gets the text without them. The lines themselves are read by
// the code that reads every other address.
//
// The YAML reader proves that this is correct: there must be an "addresses" key of a
// domain, without a value, on the line above the block. In any other case the whole
// text is read the ordinary way.

// A plainBlock has the numbers of the lines below an "addresses:", counted from 1.
type plainBlock struct {
	key         int // the line of "addresses:"
	first, last int
	indent      int // the indentation of the lines
}

// maxPlainKey is far below the 1,024 characters that YAML allows for a key.
const maxPlainKey = 256

// minPlainBytes is the size of a text for which leaving blocks out pays.
const minPlainBytes = 1 << 10

// plainBlocks finds the blocks of a text. rest is the text without their lines.
func plainBlocks(text string) (blocks []plainBlock, rest string) {
	var out strings.Builder
	out.Grow(len(text) / 8) // with fifty addresses in a domain, less remains
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

// cutLine returns the line at an offset, and the offset of the next line.
func cutLine(text string, at int) (content string, next int) {
	if end := strings.IndexByte(text[at:], '\n'); end >= 0 {
		return text[at : at+end], at + end + 1
	}
	return text[at:], len(text)
}

// addressesKey reports whether a line is "addresses:", and returns its indentation.
func addressesKey(line string) (indent int, ok bool) {
	rest := strings.TrimLeft(line, " ")
	return len(line) - len(rest), rest == "addresses:"
}

// plainBelow reads the lines below an "addresses:". The block is empty if one of them
// is not plain. end is the offset of the next line.
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
	// The mapping may continue after an empty line.
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

// plainLine splits "key: target" or "key: [target, target]". ok is false if a text is
// not so plain that YAML would read it unchanged.
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

// plainList returns the text between square brackets.
func plainList(target string) (list string, ok bool) {
	if len(target) < 3 || target[0] != '[' || target[len(target)-1] != ']' {
		return "", false
	}
	return target[1 : len(target)-1], true
}

// isPlain reports whether a text has only letters, digits, and signs that may be within
// a word. A target may also have one @.
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

// decodePlainly returns the document of a source without its plain blocks, and keeps
// the blocks for the reader. ok is false if the source has no such block, or if a block
// is not what it seems.
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

// proves reports whether every block is the value of an "addresses" key of a domain,
// and cannot be reached in another way.
func proves(root *yaml.Node, blocks map[int]plainBlock) bool {
	found := 0
	eachPair(root, func(key, domains *yaml.Node) {
		if key.Value != "domains" {
			return
		}
		eachPair(domains, func(_, domain *yaml.Node) {
			if hasKey(domain, "role") { // the addresses of a backup domain are a fault, which needs their place
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

// eachPair calls pair for each key and value of a mapping that is not in braces. Within
// braces a line has another meaning.
func eachPair(n *yaml.Node, pair func(key, val *yaml.Node)) {
	if n.Kind != yaml.MappingNode || n.Style&yaml.FlowStyle != 0 {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		pair(n.Content[i], n.Content[i+1])
	}
}

// plainPairs yields the pairs of the block that was left out at v, as pairs does. All
// pairs use the same two nodes.
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

// listNode returns the node of a list in square brackets, as the YAML reader makes it.
func listNode(list string, line, column int) yaml.Node {
	n := yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Line: line, Column: column}
	column++
	for item := range strings.SplitSeq(list, ", ") {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: item, Line: line, Column: column})
		column += len(item) + len(", ")
	}
	return n
}

// plainCount returns the number of pairs.
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
