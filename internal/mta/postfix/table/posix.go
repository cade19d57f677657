package table

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// readPOSIX compiles an expression of regexp_table(5). The flags i and x turn the
// default off: case is ignored, and the syntax is the extended one of regex(7). m has
// no meaning for keys, which have one line.
func readPOSIX(expr, flags string) (*regexp.Regexp, error) {
	fold, extended := "(?i)", true
	for _, c := range flags {
		switch c {
		case 'i':
			fold = map[string]string{"(?i)": "", "": "(?i)"}[fold]
		case 'm':
		case 'x':
			extended = !extended
		default:
			return nil, errWrong(fmt.Sprintf("the flag %q is not known", c))
		}
	}
	if !extended {
		return nil, fmt.Errorf("%w: %q has the basic syntax", errBeyond, expr)
	}
	p := posix{rest: expr, fold: fold != ""}
	if err := p.read(); err != nil {
		return nil, err
	}
	re, err := regexp.Compile(fold + p.out.String())
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errBeyond, err)
	}
	re.Longest()
	return re, nil
}

// The expressions of regexp_table(5) are matched byte by byte, and letters outside ASCII
// have no case. Package regexp matches characters. wide is the character that stands
// for the byte 0: one without case, in a private area of Unicode.
const wide = 0xF700

// widen puts a character for each byte that is not ASCII; narrow undoes it.
func widen(s string) string {
	if ascii(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] < utf8.RuneSelf {
			b.WriteByte(s[i])
		} else {
			b.WriteRune(wide + rune(s[i]))
		}
	}
	return b.String()
}

func narrow(s string) string {
	if ascii(s) {
		return s
	}
	var b []byte
	for _, c := range s {
		b = append(b, byte(c&0xFF))
	}
	return string(b)
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// widening returns a Lookup of rules that expect a widened key and have widened values.
func widening(find Lookup) Lookup {
	return func(key string) (string, bool, error) {
		value, ok, err := find(widen(key))
		return narrow(value), ok, err
	}
}

// readPCRE compiles an expression of pcre_table(5). The flags i and s turn the default
// off: case is ignored, and a dot matches every character.
func readPCRE(expr, flags string) (*regexp.Regexp, error) {
	on := map[rune]bool{'i': true, 's': true}
	for _, c := range flags {
		if !strings.ContainsRune("imsxAEUX", c) {
			return nil, errWrong(fmt.Sprintf("the flag %q is not known", c))
		}
		on[c] = !on[c]
	}
	if on['x'] || on['X'] {
		return nil, fmt.Errorf("%w: a flag of %q is only for PCRE", errBeyond, flags)
	}
	set := ""
	for _, c := range "imsU" {
		if on[c] {
			set += string(c)
		}
	}
	expr = "(?:" + expr + ")"
	if on['A'] {
		expr = `\A` + expr
	}
	if set != "" {
		expr = "(?" + set + ")" + expr
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errBeyond, err)
	}
	return re, nil
}

// A posix translates an extended expression of POSIX, as the C library of GNU reads it,
// into one of package regexp.
type posix struct {
	rest string
	fold bool // case is ignored
	out  strings.Builder
}

// never is an expression that matches no character.
const never = `[^\x{0}-\x{10FFFF}]`

const (
	badRepeat  = errWrong("a repetition sign has nothing before it")
	badBraces  = errWrong("the content of { } is wrong")
	badBracket = errWrong("a [ has no end or a wrong content")
	badParen   = errWrong("a ( has no end")
	badEscape  = errWrong("a backslash ends the expression")
)

func (p *posix) read() error {
	var groups []int // where the open groups begin in out
	atom := -1       // where the text begins that a repetition repeats; -1: nowhere
	take := func(n int) { p.rest = p.rest[n:] }
	for p.rest != "" {
		c := p.rest[0]
		switch {
		case c == '(':
			groups = append(groups, p.out.Len())
			p.out.WriteByte('(')
			take(1)
			atom = -1
		case c == ')' && len(groups) > 0:
			atom, groups = groups[len(groups)-1], groups[:len(groups)-1]
			p.out.WriteByte(')')
			take(1)
		case c == '|' || c == '^' || c == '$':
			p.out.WriteByte(c)
			take(1)
			atom = -1
		case c == '*' || c == '+' || c == '?' || c == '{':
			if atom < 0 {
				return badRepeat
			}
			sign, size, err := repetition(p.rest)
			if err != nil {
				return err
			}
			p.repeat(atom, sign)
			take(size)
		default:
			atom = p.out.Len()
			if err := p.atom(c); err != nil {
				return err
			}
		}
	}
	if len(groups) > 0 {
		return badParen
	}
	return nil
}

// repeat puts a repetition sign behind the text from an offset on. The text becomes a
// group, because it may end in a sign already.
func (p *posix) repeat(from int, sign string) {
	all := p.out.String()
	p.out.Reset()
	p.out.WriteString(all[:from] + "(?:" + all[from:] + ")" + sign)
}

// atom translates a character, an escaped one, a dot or a bracket.
func (p *posix) atom(c byte) error {
	switch c {
	case '.':
		p.out.WriteString("(?s:.)")
		p.rest = p.rest[1:]
	case '[':
		return p.bracket()
	case '\\':
		if len(p.rest) == 1 {
			return badEscape
		}
		if c := p.rest[1]; strings.IndexByte("123456789<>bBwWsS`'", c) >= 0 {
			if class := map[byte]string{'w': `\w`, 'W': `\W`, 's': `\s`, 'S': `\S`}[c]; class != "" {
				p.out.WriteString(class)
				p.rest = p.rest[2:]
				return nil
			}
			return fmt.Errorf("%w: \\%c", errBeyond, c)
		}
		if c := p.rest[1]; p.fold && c >= 'a' && c <= 'z' {
			p.out.WriteString(never) // the C library compares the small letter with capital ones
			p.rest = p.rest[2:]
			return nil
		}
		p.rest = p.rest[1:]
		fallthrough
	default:
		_, size := utf8.DecodeRuneInString(p.rest)
		p.out.WriteString(regexp.QuoteMeta(p.rest[:size]))
		p.rest = p.rest[size:]
	}
	return nil
}

// repetition returns the repetition sign at the beginning of a text.
func repetition(s string) (sign string, size int, err error) {
	if s[0] != '{' {
		return s[:1], 1, nil
	}
	inner, _, ok := strings.Cut(s[1:], "}")
	low, high, comma := strings.Cut(inner, ",")
	if !ok || strings.Trim(low+high, "0123456789") != "" || low == "" && !comma || len(low) > 4 || len(high) > 4 {
		return "", 0, badBraces
	}
	var from, to int
	fmt.Sscan(low, &from)
	fmt.Sscan(high, &to)
	if high != "" && from > to {
		return "", 0, badBraces
	}
	if comma {
		return fmt.Sprintf("{%d,%s}", from, strings.TrimLeft(high, "0")+map[bool]string{true: "0"}[high != "" && to == 0]), len(inner) + 2, nil
	}
	return fmt.Sprintf("{%d}", from), len(inner) + 2, nil
}

// bracket translates a bracket. A backslash in it is an ordinary character.
func (p *posix) bracket() error {
	p.out.WriteByte('[')
	s := p.rest[1:]
	if strings.HasPrefix(s, "^") {
		p.out.WriteByte('^')
		s = s[1:]
	}
	for first := true; ; first = false {
		if s == "" {
			return badBracket
		}
		if s[0] == ']' && !first {
			break
		}
		if class, ok := strings.CutPrefix(s, "[:"); ok {
			name, rest, ok := strings.Cut(class, ":]")
			if !ok || !strings.Contains(" alpha digit alnum upper lower space blank punct print graph cntrl xdigit ", " "+name+" ") {
				return badBracket
			}
			p.out.WriteString("[:" + name + ":]")
			s = rest
			continue
		}
		from, rest, err := member(s)
		if err != nil {
			return err
		}
		to := from
		if len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			if to, rest, err = member(rest[1:]); err != nil {
				return err
			}
		}
		if from > to {
			return badBracket
		}
		fmt.Fprintf(&p.out, `\x{%X}-\x{%X}`, from, to)
		s = rest
	}
	p.out.WriteByte(']')
	p.rest = s[1:]
	return nil
}

// member returns the character at the beginning of a text in a bracket: itself, [.x.]
// or [=x=].
func member(s string) (c rune, rest string, err error) {
	for _, mark := range []string{".", "="} {
		if inner, ok := strings.CutPrefix(s, "["+mark); ok {
			name, rest, ok := strings.Cut(inner, mark+"]")
			if c, size := utf8.DecodeRuneInString(name); ok && size == len(name) && size > 0 {
				return c, rest, nil
			}
			return 0, "", badBracket
		}
	}
	c, size := utf8.DecodeRuneInString(s)
	return c, s[size:], nil
}
