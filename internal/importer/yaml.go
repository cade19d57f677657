package importer

import (
	"strings"
	"unicode/utf8"
)

// A yaml is a value of an inventory. It has one of its parts.
type yaml struct {
	text  string   // as it is written, also if it is in braces
	items []string // the members of a list
	keys  []field  // of a mapping
}

// A field is a key of a mapping with its value.
type field struct {
	name string
	yaml
}

// longest is the length of the longest line with a list.
const longest = 100

// line returns a value on one line.
func (v *yaml) line() string {
	switch {
	case v.items != nil:
		return "[" + strings.Join(v.items, ", ") + "]"
	case v.keys == nil:
		return v.text
	}
	parts := make([]string, len(v.keys))
	for i := range v.keys {
		parts[i] = v.keys[i].name + ": " + v.keys[i].line()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// hasList reports whether there is a list in a value.
func (v *yaml) hasList() bool {
	for i := range v.keys {
		if v.keys[i].hasList() {
			return true
		}
	}
	return v.items != nil
}

// isEmpty reports whether there is no value.
func (v *yaml) isEmpty() bool { return v.text == "" && v.items == nil && v.keys == nil }

// pair writes a key and its value. A list that would make the line longer than longest
// has one member on each line.
func (p *page) pair(name string, v yaml) {
	if v.isEmpty() {
		p.print(name + ":")
		return
	}
	line := name + ": " + v.line()
	if !v.hasList() || utf8.RuneCountInString(line) <= longest {
		p.print(line)
		return
	}
	p.print(name + ":")
	indent := strings.Repeat(" ", len(name)-len(strings.TrimLeft(name, " "))+2)
	for _, item := range v.items {
		p.print(indent + "- " + item)
	}
	for _, k := range v.keys {
		p.pair(indent+k.name, k.yaml)
	}
}
