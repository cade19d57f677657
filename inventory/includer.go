package inventory

import (
	"path/filepath"
	"slices"
)

// Includes reports whether an inventory includes a file. path is the path of the
// inventory, text its text. Both paths are absolute.
func Includes(path, text, file string) bool {
	r := newReader()
	if err := r.top(path, text, len(text) > MaxBytes); err != nil {
		return false
	}
	return slices.ContainsFunc(r.includes, func(pattern Name) bool {
		full := pattern.Text
		if !filepath.IsAbs(full) {
			full = filepath.Join(globQuote.Replace(filepath.Dir(path)), full)
		}
		matches, err := filepath.Match(full, file)
		return err == nil && matches
	})
}

// isPart reports whether a file has only the keys of an included file.
func isPart(root value) bool {
	if !root.isMapping() {
		return false
	}
	part := false
	for i := 0; i+1 < len(root.node.Content); i += 2 {
		name := root.node.Content[i].Value
		known := slices.ContainsFunc(includedKeys, func(k key[Model]) bool { return k.Name == name })
		if !known && !freeKey(name) {
			return false
		}
		part = part || known
	}
	return part
}
