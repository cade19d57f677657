package exim

import (
	"errors"
	"fmt"
	"strings"
)

// errValue is the error of a value that no build writes.
var errValue = errors.New("the value is not one that virtmap writes")

// A binding has the values of variables in the value of a row.
type binding map[string]string

// expand expands a value as Exim does (Exim's specification, chapter 11), as far as
// builds write values: variables, characters with a backslash, and quote_local_part.
func (b binding) expand(text string) (string, error) {
	out, rest, err := b.upTo(text, false)
	if err == nil && rest != "" {
		err = fmt.Errorf("%q: %w", text, errValue)
	}
	return out, err
}

// upTo expands a text, within braces up to the closing one.
func (b binding) upTo(text string, braces bool) (out, rest string, err error) {
	var all strings.Builder
	for text != "" {
		switch c := text[0]; {
		case c == '\\' && len(text) > 1:
			all.WriteByte(text[1])
			text = text[2:]
		case c == '}' && braces:
			return all.String(), text[1:], nil
		case c == '$':
			value, behind, err := b.item(text[1:])
			if err != nil {
				return "", "", err
			}
			all.WriteString(value)
			text = behind
		default:
			all.WriteByte(c)
			text = text[1:]
		}
	}
	if braces {
		return "", "", errValue
	}
	return all.String(), "", nil
}

// item expands what is behind a dollar sign.
func (b binding) item(text string) (value, rest string, err error) {
	if inner, ok := strings.CutPrefix(text, "{quote_local_part:"); ok {
		value, rest, err = b.upTo(inner, true)
		return quotedLocal(value), rest, err
	}
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		name, behind, _ := strings.Cut(inner, "}")
		if value, ok := b[name]; ok {
			return value, behind, nil
		}
	}
	end := strings.IndexFunc(text, func(c rune) bool { return c != '_' && (c < 'a' || c > 'z') })
	if end < 0 {
		end = len(text)
	}
	value, ok := b[text[:end]]
	if !ok {
		return "", "", fmt.Errorf("variable %q: %w", text[:end], errValue)
	}
	return value, text[end:], nil
}

// quotedLocal returns a local part as the operator quote_local_part does: with quotes if
// it has other characters than RFC 5322 allows without them.
func quotedLocal(local string) string {
	odd := func(c rune) bool { return !isPlain(c) }
	if local != "" && !strings.ContainsFunc(local, odd) && local[0] != '.' && !strings.HasSuffix(local, ".") {
		return local
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"`
}

// addressList splits the recipients of an expanded value. Addresses lose the quotes of
// their local part.
func addressList(text string) (all []string) {
	var one strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\' && i+1 < len(text):
			i++
			one.WriteByte(text[i])
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			all = append(all, strings.TrimSpace(one.String()))
			one.Reset()
		default:
			one.WriteByte(c)
		}
	}
	return append(all, strings.TrimSpace(one.String()))
}
