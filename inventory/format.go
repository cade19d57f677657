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

// ErrUnsafe is for a text whose lines cannot be moved without a change of what
// they say, such as a block that keeps the blank lines behind it.
var ErrUnsafe = errors.New("its lines cannot be laid out without changing what they say; it is left as it is")

// ReadText reads a file as Load does, or standard input when path is "-". It
// gives the name that it is reported under.
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
		err = fmt.Errorf("inventory %w; - is standard input", err) // it has the name
	case err != nil:
		err = fmt.Errorf("inventory %s: %w", name, err)
	}
	return name, text, err
}

// Format lays an inventory out: two blanks a level, the fixed keys of each
// mapping in the order of the manual with note first, one blank line where
// there were several. Names that a person chose keep their order. Whole lines
// are moved and indented, so that comments, quotes and what stands in braces
// stay as they are; a comment moves with the line below it. Where the file has
// anchors nothing is moved, because an alias must come after its anchor.
//
// Faults are those that leave no YAML to lay out.
func Format(name, text string) (string, *diag.Sources, *diag.List, error) {
	r := newReader()
	r.ordinary = true // all of it as nodes
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

// hasAliases reports a node that stands for another somewhere in it.
func hasAliases(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, hasAliases)
}

// sameMeaning reports whether a text has the same values as before, and the
// same lines but for their order, their indentation and blank ones.
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

// meaning digests a node, with the keys of its mappings sorted.
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
