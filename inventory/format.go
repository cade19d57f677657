package inventory

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"virtmap/internal/diag"
	"virtmap/internal/regular"
)

// ErrUnsafe is the error for a text whose lines cannot be moved without a change of its
// values. An example is a block text that keeps the blank lines after it.
var ErrUnsafe = errors.New("its lines cannot be laid out without changing what they say; it is left as it is")

// ReadText reads a file as Load does, or standard input if path is "-". name is its
// name in messages.
func ReadText(path string, stdin io.Reader) (name, text string, err error) {
	name = path
	if path == StdinName {
		name = stdinDisplay
		text, err = readAll(stdin, 0, MaxBytes)
	} else {
		text, err = readAtMost(path, MaxBytes)
	}
	switch {
	case errors.Is(err, regular.ErrNotRegular):
		err = fmt.Errorf("inventory %w; - is standard input", err) // the error has the name
	case err != nil:
		err = fmt.Errorf("inventory %s: %w", name, err)
	}
	return name, text, err
}

// Format lays an inventory out. Each level is indented by two blanks. The fixed keys of
// a mapping have the order of the manual, with note first. Several blank lines become
// one. Names that a person chose keep their order.
//
// Format moves and indents whole lines, so that comments, quotes and braces do not
// change. A comment moves with the line below it. If the file has anchors, no line is
// moved, because an alias must come after its anchor.
//
// A fault means that the text is not YAML, and that there is no result.
func Format(name, text string) (string, *diag.Sources, *diag.List, error) {
	r := newReader()
	r.ordinary = true // plain blocks too
	src, err := r.model.Sources.Add(name, text)
	if err != nil {
		return "", nil, nil, err
	}
	root, ok := r.document(src)
	if !ok || root.node == nil || !isBlock(root.node) {
		return text, r.model.Sources, &r.faults, nil
	}
	l := newLayout(strings.Split(strings.TrimRight(text, " \n"), "\n"), hasAliases(root.node))
	formatted := strings.Join(l.file(root.node), "\n") + "\n"
	if !sameMeaning(root.node, text, formatted) {
		return text, r.model.Sources, &r.faults, fmt.Errorf("%s: %w", name, ErrUnsafe)
	}
	return formatted, r.model.Sources, &r.faults, nil
}

// hasAliases reports whether a node or one below it is an alias.
func hasAliases(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAliases)
}

// sameMeaning reports whether a text has the same values as before. Its lines may
// differ only in their order, their indentation and blank lines.
func sameMeaning(before *yaml.Node, text, formatted string) bool {
	var after yaml.Node
	if decode(yaml.NewDecoder(strings.NewReader(formatted)), &after) != nil || len(after.Content) != 1 {
		return false
	}
	return slices.Equal(trimmedLines(text), trimmedLines(formatted)) && meaning(before) == meaning(after.Content[0])
}

func trimmedLines(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return all
}

// meaning returns a digest of a node. The order of keys does not count.
func meaning(n *yaml.Node) [sha256.Size]byte {
	var parts []byte
	switch n.Kind {
	case yaml.ScalarNode:
		return sha256.Sum256(fmt.Appendf(nil, "%s%s%q", n.Tag, n.Anchor, n.Value))
	case yaml.AliasNode:
		return sha256.Sum256([]byte("*" + n.Value))
	case yaml.MappingNode:
		pairs := make([][2 * sha256.Size]byte, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := meaning(n.Content[i]), meaning(n.Content[i+1])
			pairs = append(pairs, [2 * sha256.Size]byte(slices.Concat(key[:], value[:])))
		}
		slices.SortFunc(pairs, func(a, b [2 * sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) })
		for _, pair := range pairs {
			parts = append(parts, pair[:]...)
		}
	default:
		for _, item := range n.Content {
			digest := meaning(item)
			parts = append(parts, digest[:]...)
		}
	}
	return sha256.Sum256(fmt.Appendf(parts, "%d%s", n.Kind, n.Anchor))
}
