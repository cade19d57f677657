package postfix

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"virtmap/internal/mta"
	"virtmap/inventory"
)

// A ruleText is the text of a regexp table (regexp_table(5)). The rules of a domain
// stand between if and endif, so that Postfix looks at them only for an address of the
// domain. Postfix ignores case in rules.
type ruleText struct {
	text   strings.Builder
	rules  int
	except []string // expressions for which no later rule holds, not written yet
	open   int      // number of conditions that are not closed
}

func newRules(m *inventory.Model, what string) *ruleText {
	r := &ruleText{}
	r.text.WriteString(mta.Header(m, what))
	return r
}

// rule appends a rule. pattern is an extended POSIX expression without delimiters.
func (r *ruleText) rule(pattern, result string) {
	r.writeExcept()
	r.rules++
	r.text.WriteString("/" + pattern + "/ " + result + "\n")
}

// writeExcept writes a condition for each pattern that unlessMatches got since the last
// rule.
func (r *ruleText) writeExcept() {
	for _, expression := range r.except {
		r.text.WriteString("if !/" + expression + "/\n")
		r.open++
	}
	r.except = nil
}

// unlessMatches leaves addresses that match a pattern out of the later rules of a block.
func (r *ruleText) unlessMatches(pattern string) { r.except = append(r.except, pattern) }

// add appends the rules of another text. Its conditions stay open until the end of the
// block.
func (r *ruleText) add(o *ruleText) {
	r.text.WriteString(o.text.String())
	r.rules, r.open, r.except = r.rules+o.rules, r.open+o.open, append(r.except, o.except...)
}

// block appends the rules that add appends, between if and endif. Without rules it
// appends nothing.
func (r *ruleText) block(condition string, add func(*ruleText)) {
	var inner ruleText
	if add(&inner); inner.rules > 0 {
		r.writeExcept()
		r.rules += inner.rules
		r.text.WriteString("if " + condition + "\n" + inner.closed() + "endif\n")
	}
}

// closed returns the text with an end for each condition.
func (r *ruleText) closed() string { return r.text.String() + strings.Repeat("endif\n", r.open) }

// unless appends the rules of add for addresses that do not begin with one of some
// names and the expression behind. Many names stand in several conditions, because a
// very long expression is slow to read.
func (r *ruleText) unless(names []string, behind string, add func(*ruleText)) {
	if len(names) == 0 {
		add(r)
		return
	}
	n := min(len(names), namesPerRule)
	r.block("!/^"+anyOf(names[:n])+behind+"/", func(r *ruleText) { r.unless(names[n:], behind, add) })
}

// namesPerRule is the number of names in one expression.
const namesPerRule = 50

// anyOf returns an expression for one of some names.
func anyOf(names []string) string {
	if len(names) == 1 {
		return quote(names[0])
	}
	return "(" + oneOf(names) + ")"
}

// oneOf returns the expression of anyOf without the parentheses.
func oneOf(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return strings.Join(quoted, "|")
}

// quote returns an expression that matches exactly a text.
func quote(text string) string {
	var out strings.Builder
	for i := range len(text) {
		if strings.IndexByte(`.[]{}()\*+?|^$/`, text[i]) >= 0 {
			out.WriteByte('\\')
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

// Expressions for the parts of an address. The detail begins at the first plus that is
// not the first character.
const (
	anyUser    = `[^@][^+@]*`
	anyDetail  = `[^@]*`
	someDetail = `[^@]+`
)

// quoteDomains returns an expression for one of some domains. Postfix ignores case in
// rules for ASCII letters only, so each other letter stands there in all its cases.
func quoteDomains(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		var out strings.Builder
		for _, r := range name {
			out.WriteString(anyCase(r))
		}
		quoted[i] = out.String()
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "(" + strings.Join(quoted, "|") + ")"
}

// anyCase returns an expression for a letter in any case.
func anyCase(r rune) string {
	all := string(r)
	if r < utf8.RuneSelf || unicode.SimpleFold(r) == r {
		return quote(all)
	}
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		all += "|" + string(other)
	}
	return "(" + all + ")"
}

// literal returns a text as a part of the result of a rule. A dollar sign would begin the
// reference to a group, and is doubled.
func literal(text string) string { return strings.ReplaceAll(text, "$", "$$") }

// group returns the reference to a group of a rule.
func group(n int) string { return "${" + strconv.Itoa(n) + "}" }

// ofPattern returns the result of a rule for a pattern. user, detail and plus are
// results for the parts of the address.
func ofPattern(p inventory.Pattern, user, detail, plus string) string {
	var out strings.Builder
	for _, part := range p {
		out.WriteString([...]string{
			inventory.PartLiteral: literal(part.Text), inventory.PartUser: user,
			inventory.PartDetail: detail, inventory.PartPlusDetail: plus,
		}[part.Kind])
	}
	return out.String()
}
