package sending

import (
	"fmt"
	"slices"
	"strings"
)

// A tag is a tag of a list such as "v=DKIM1; k=rsa; p=…" (RFC 6376 3.2).
type tag struct {
	name  string
	value string // without white space at its ends
}

// tags are a tag-list.
type tags []tag

// readTags reads a tag-list. It returns the mistakes too: a part without "=", a name that
// is none, and a tag that is there twice.
func readTags(text string) (list tags, mistakes []string) {
	parts := strings.Split(text, ";")
	if strings.Trim(parts[len(parts)-1], white) == "" {
		parts = parts[:len(parts)-1]
	}
	for _, part := range parts {
		name, value, found := strings.Cut(part, "=")
		name, value = strings.Trim(name, white), strings.Trim(value, white)
		switch {
		case strings.Trim(part, white) == "":
			mistakes = append(mistakes, "there is nothing between two semicolons")
		case !found:
			mistakes = append(mistakes, fmt.Sprintf("%q has no =", name))
		case !isTagName(name):
			mistakes = append(mistakes, fmt.Sprintf("%q is no name of a tag; is a semicolon missing?", name))
		case list.find(name) != nil:
			mistakes = append(mistakes, fmt.Sprintf("%s= is there twice", name))
		default:
			list = append(list, tag{name, value})
		}
	}
	return list, mistakes
}

// white is the white space around tags. DNS has no line ends, but a text that was pasted
// may have them.
const white = " \t\r\n"

func (l tags) find(name string) *tag {
	if i := slices.IndexFunc(l, func(t tag) bool { return t.name == name }); i >= 0 {
		return &l[i]
	}
	return nil
}

// value returns the value of a tag, or an empty text.
func (l tags) value(name string) string {
	if t := l.find(name); t != nil {
		return t.value
	}
	return ""
}

// isTagName reports whether a name is ALPHA *(ALPHA / DIGIT / "_").
func isTagName(name string) bool {
	for i, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}

// without returns a text without white space.
func withoutWhite(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(white, r) {
			return -1
		}
		return r
	}, text)
}

// list splits a value at colons, as in h=sha1:sha256.
func splitColons(value string) []string {
	var all []string
	for _, word := range strings.Split(value, ":") {
		all = append(all, strings.Trim(word, white))
	}
	return all
}
