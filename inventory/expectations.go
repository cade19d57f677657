package inventory

import (
	"fmt"
	"strings"

	"virtmap/internal/mailaddr"
)

func (r *reader) tests(v value, m *Model) {
	r.pairs(v, "tests", func(p pair) {
		if freeKey(p.name) && !strings.Contains(p.name, "@") {
			return
		}
		test := Test{Pos: p.key.pos()}
		folded, problem := mailaddr.Fold(p.name)
		if problem != nil {
			if !strings.Contains(p.name, "@") && len(m.Domains) > 0 {
				problem.Help = "write the whole address, such as " + p.name + "@" + m.Domains[0].Name
			}
			r.problem(CheckAddress, p.key, problem)
		}
		test.Address = folded
		test.Want = r.expectation(p)
		if problem == nil {
			m.Tests = append(m.Tests, test)
		}
	})
}

func (r *reader) expectation(p pair) Expectation {
	var e Expectation
	if p.val.isMapping() {
		readMapping(r, p.val, "the outcome of "+p.name, outcomeKeys, &e)
		if !e.Refused {
			r.fault(checkTests.At(p.val.pos(), 1, "the test of %s expects nothing", p.name).
				WithHelp("write a user, an address, a list, reject, defer, not-ours or {reject: 5.1.1}"))
		}
		return e
	}
	if p.val.isScalar() {
		switch p.val.node.Value {
		case "not-ours":
			return Expectation{NotOurs: true}
		case "reject":
			return Expectation{Refused: true, Class: '5'}
		case "defer":
			return Expectation{Refused: true, Class: '4'}
		}
		if word, _, ok := refusalInWords(p.val.node.Value); ok {
			example := map[string]string{"reject": "5.1.1", "defer": "4.2.1"}[word]
			r.fault(checkTests.At(p.val.pos(), p.val.size(), "the test of %s expects %q, which is no outcome", p.name, p.val.node.Value).
				WithHelp("write %s, or {%s: %s}: a test does not compare the text", word, word, example))
			return e
		}
	}
	if p.val.isEmpty() {
		r.fault(checkTests.At(p.key.pos(), p.key.size(), "the test of %s expects nothing", p.name).
			WithHelp("write a user, an address, a list, reject, defer, not-ours or {reject: 5.1.1}"))
		return e
	}
	r.items(p.val, "the outcome of "+p.name, func(item value) {
		if name, ok := r.scalar(item, "the outcome of "+p.name); ok {
			if t := r.recipient(item, name, "the test of "+p.name); t.Kind != NoTarget {
				e.Recipients = append(e.Recipients, t)
			}
		}
	})
	return e
}

// expectRefusal reads the status or the reply code that a test expects.
func (r *reader) expectRefusal(v value, class byte, e *Expectation) {
	e.Refused, e.Class = true, class
	name, ok := r.scalar(v, "the expected refusal")
	if !ok {
		return
	}
	switch text := name.Text; {
	case validStatus(text) && text[0] == class:
		e.Status = text
	case len(text) == 3 && text[0] == class && strings.Trim(text, "0123456789") == "":
		_, _ = fmt.Sscan(text, &e.Code) // the text is three digits
	default:
		r.fault(checkTests.At(name.Pos, v.size(), "%q is neither a status nor a reply code of class %c", text, class).
			WithHelp("write %c.1.1 or %c50", class, class))
	}
}
