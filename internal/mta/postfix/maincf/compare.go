package maincf

import (
	"cmp"
	"strconv"
	"strings"
)

// compare evaluates a comparison. The order is empty, or level for levels of compatibility.
func (e *expander) compare(left, operator, order, right string) bool {
	var sign int
	switch order {
	case "":
		sign = compareTexts(left, right)
	case "level":
		l, leftOK := parseLevel(left)
		r, rightOK := parseLevel(right)
		if !leftOK || !rightOK {
			e.fail("%q or %q is no level of compatibility", left, right)
			return false
		}
		sign = cmp.Compare(l, r)
	default:
		e.fail("there is no comparison %s%s", operator, order)
		return false
	}
	switch operator {
	case "==":
		return sign == 0
	case "!=":
		return sign != 0
	case "<":
		return sign < 0
	case "<=":
		return sign <= 0
	case ">":
		return sign > 0
	case ">=":
		return sign >= 0
	}
	e.fail("there is no comparison %q", operator)
	return false
}

// compareTexts compares two texts as numbers when both have digits only, and otherwise as
// bytes.
func compareTexts(a, b string) int {
	if !allDigits(a) || !allDigits(b) {
		return strings.Compare(a, b)
	}
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func allDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// A level is a level of compatibility, as a number that grows with it.
type level int64

// levelOne is level 1, of Postfix 3.0.
const levelOne level = 1 << 20

// parseLevel parses a level of compatibility: major, major.minor or major.minor.patch.
func parseLevel(text string) (level, bool) {
	parts := strings.Split(text, ".")
	if len(parts) > 3 {
		return 0, false
	}
	var l level
	for i := range 3 {
		n := uint64(0)
		if i < len(parts) {
			var err error
			if n, err = strconv.ParseUint(parts[i], 10, 31); err != nil || i > 0 && n > 1023 {
				return 0, false
			}
		}
		l = l<<10 | level(n)
	}
	return l, true
}
