package table

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A rule is one logical line of a regexp or pcre table.
type rule struct {
	kind          ruleKind
	first, second *pattern // second is nil without one
	text          replacement
	end           int // of an if: the place of its endif; 0: there is none
}

type ruleKind int

const (
	match ruleKind = iota
	begin          // if
	end            // endif
)

// A pattern is an expression, or the absence of a match.
type pattern struct {
	re      *regexp.Regexp
	negated bool
}

func (p *pattern) matches(key string) bool { return p.re.MatchString(key) != p.negated }

// errWrong is the error for a rule that Postfix skips with a warning.
type errWrong string

func (e errWrong) Error() string { return string(e) }

// errBeyond is the error for an expression that is right, but not for package regexp.
var errBeyond = errors.New("virtmap cannot read the expression")

// rules returns a function that opens a table of rules. compile reads an expression
// with its flags. octets says that it reads bytes, as widen gives them.
func (o *Opener) rules(compile func(expr, flags string) (*regexp.Regexp, error), octets bool) func(name string) (*Table, error) {
	return func(path string) (*Table, error) {
		text, err := o.read(path)
		if err != nil {
			return nil, err
		}
		t := &Table{}
		warn := func(line int, what string) {
			t.Warnings = append(t.Warnings, fmt.Sprintf("%s:%d: %s", path, line, what))
		}
		p := &ruleReader{compile: compile}
		for line, text := range logical(text, func(line int) { warn(line, "a rule must not begin with white space") }) {
			text = strings.TrimRight(text, white)
			if octets {
				text = widen(text)
			}
			err := p.add(text)
			if errors.Is(err, errBeyond) {
				return nil, &Unread{Why: fmt.Sprintf("%s:%d: %v", path, line, err)}
			}
			if err != nil {
				warn(line, err.Error())
			}
		}
		t.Find = finding(p.list, false)
		t.plain = &Table{Find: finding(p.list, true), Warnings: t.Warnings}
		if octets {
			t.Find, t.plain.Find = widening(t.Find), widening(t.plain.Find)
		}
		t.Find, t.plain.Find = inUTF8(t.Find), inUTF8(t.plain.Find)
		return t, nil
	}
}

// finding returns the lookup of rules. plain skips rules that put text of the key into
// the value.
func finding(rules []rule, plain bool) Lookup {
	return func(key string) (string, bool, error) {
		for i := 0; i < len(rules); i++ {
			r := &rules[i]
			switch {
			case r.kind == end || r.kind == match && plain && r.text.groups > 0:
			case r.kind == begin:
				if !r.first.matches(key) {
					if r.end == 0 {
						return "", false, nil
					}
					i = r.end
				}
			case r.first.matches(key) && (r.second == nil || r.second.matches(key)):
				return r.text.in(r.first.re, key), true, nil
			}
		}
		return "", false, nil
	}
}

// A ruleReader reads the lines of a table of rules.
type ruleReader struct {
	compile func(expr, flags string) (*regexp.Regexp, error)
	list    []rule
	open    []int // the places of the ifs that have no endif yet
}

// add reads a line. The error is an errWrong if Postfix skips the line.
func (p *ruleReader) add(line string) error {
	switch {
	case !alnum(line[0]):
		return p.match(line)
	case keyword(line, "if"):
		first, rest, err := p.pattern(strings.TrimLeft(line[2:], white))
		if err != nil {
			return err
		}
		p.open = append(p.open, len(p.list))
		p.list = append(p.list, rule{kind: begin, first: first})
		if strings.TrimLeft(rest, white) != "" {
			return errWrong("text behind an if")
		}
		return nil
	case keyword(line, "endif"):
		if len(p.open) == 0 {
			return errWrong("there is no if for this endif")
		}
		p.list[p.open[len(p.open)-1]].end = len(p.list)
		p.open = p.open[:len(p.open)-1]
		p.list = append(p.list, rule{kind: end})
		return nil
	}
	return errWrong("the line is no rule")
}

// match reads a line with an expression, perhaps a second one, and the value.
func (p *ruleReader) match(line string) error {
	r := rule{kind: match}
	exprs, rest, err := p.expressions(line)
	if err != nil {
		return err
	}
	if r.text, err = readReplacement(strings.TrimLeft(rest, white)); err != nil {
		return err
	}
	if r.text.groups > 0 && exprs[0].negated {
		return errWrong("$ and a number behind a negated expression")
	}
	for i, e := range exprs {
		re, err := p.compile(e.expr, e.flags)
		if err != nil {
			return err
		}
		made := &pattern{re: re, negated: e.negated}
		if i == 0 {
			r.first = made
		} else {
			r.second = made
		}
	}
	if r.text.groups > r.first.re.NumSubexp() {
		return errWrong(fmt.Sprintf("there is no group %d", r.text.groups))
	}
	p.list = append(p.list, r)
	return nil
}

// An expression is one as it stands in the table, between its delimiters.
type expression struct {
	expr, flags string
	negated     bool
}

func (p *ruleReader) expressions(line string) (exprs []expression, rest string, err error) {
	e, rest, err := cutExpression(line)
	if err != nil {
		return nil, "", err
	}
	exprs = append(exprs, e)
	if strings.HasPrefix(rest, "!") {
		if e, rest, err = cutExpression(rest); err != nil {
			return nil, "", err
		}
		exprs = append(exprs, e)
	}
	return exprs, rest, nil
}

// pattern reads the expression of an if.
func (p *ruleReader) pattern(text string) (*pattern, string, error) {
	e, rest, err := cutExpression(text)
	if err != nil {
		return nil, "", err
	}
	re, err := p.compile(e.expr, e.flags)
	if err != nil {
		return nil, "", err
	}
	return &pattern{re: re, negated: e.negated}, rest, nil
}

// cutExpression cuts a text behind the flags of its first expression. Any character
// can be the delimiter.
func cutExpression(text string) (e expression, rest string, err error) {
	for text != "" && (text[0] == '!' || strings.IndexByte(white, text[0]) >= 0) {
		e.negated = e.negated != (text[0] == '!')
		text = text[1:]
	}
	if text == "" {
		return e, "", errWrong("there is no expression")
	}
	i := 1
	for ; i < len(text) && text[i] != text[0]; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	if i >= len(text) {
		return e, "", errWrong("the expression has no closing delimiter")
	}
	e.expr, text = text[1:i], text[i+1:]
	i = 0
	for i < len(text) && text[i] != '!' && strings.IndexByte(white, text[i]) < 0 {
		i++
	}
	e.flags = text[:i]
	return e, text[i:], nil
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func keyword(line, word string) bool {
	return len(line) >= len(word) && strings.EqualFold(line[:len(word)], word) && (len(line) == len(word) || !alnum(line[len(word)]))
}
