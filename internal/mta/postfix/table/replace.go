package table

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A replacement is the value of a rule.
type replacement struct {
	parts  []part
	groups int // the highest number of a group; 0: the value is the same for every key
}

// A part is a literal text, or what a group has matched.
type part struct {
	text  string
	group int // 0: text
}

// readReplacement reads $1, ${1}, $(1) and $$. A $ before any other name is an errWrong.
func readReplacement(s string) (r replacement, err error) {
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			r.parts = append(r.parts, part{text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(s); {
		if s[i] != '$' {
			text.WriteByte(s[i])
			i++
			continue
		}
		if strings.HasPrefix(s[i:], "$$") {
			text.WriteByte('$')
			i += 2
			continue
		}
		flush()
		name, size := macro(s[i+1:])
		n, bad := strconv.Atoi(name)
		if bad != nil || n < 1 || strings.Trim(name, "0123456789") != "" {
			return r, errWrong(fmt.Sprintf("$%s is no number of a group", name))
		}
		r.parts = append(r.parts, part{group: n})
		r.groups = max(r.groups, n)
		i += 1 + size
	}
	flush()
	return r, nil
}

// macro returns the name behind a $, without its brackets, and how many bytes it has
// with them. The name is empty if a bracket has no end.
func macro(s string) (name string, size int) {
	if s != "" && (s[0] == '{' || s[0] == '(') {
		open, closing := s[0], map[byte]byte{'{': '}', '(': ')'}[s[0]]
		for i, depth := 0, 0; i < len(s); i++ {
			switch s[i] {
			case open:
				depth++
			case closing:
				depth--
			}
			if depth == 0 {
				return s[1:i], i + 1
			}
		}
		return "", len(s)
	}
	i := 0
	for i < len(s) && (alnum(s[i]) || s[i] == '_') {
		i++
	}
	return s[:i], i
}

// in returns the value for a key that the expression matches.
func (r *replacement) in(re *regexp.Regexp, key string) string {
	var found []int
	if r.groups > 0 {
		found = re.FindStringSubmatchIndex(key)
	}
	var value strings.Builder
	for _, p := range r.parts {
		if p.group == 0 {
			value.WriteString(p.text)
		} else if from := found[2*p.group]; from >= 0 {
			value.WriteString(key[from:found[2*p.group+1]])
		}
	}
	return value.String()
}
