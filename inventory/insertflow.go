package inventory

import (
	"errors"
	"strings"

	"gopkg.in/yaml.v3"
)

// inline returns entries in the form that they have between braces, without comments.
func inline(entries []Entry) (string, error) {
	all := make([]string, len(entries))
	for i, e := range entries {
		all[i] = e.Text
		switch {
		case strings.Contains(e.Text, "\n"):
			var err error
			if all[i], err = onOneLine(e.Text); err != nil {
				return "", err
			}
		case strings.HasSuffix(e.Text, ":"):
			all[i] += " " // a key without a value
		}
	}
	return strings.Join(all, ", "), nil
}

// onOneLine returns a block of keys in the form that it has between braces.
func onOneLine(block string) (string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(block), &doc); err != nil {
		return "", err
	}
	inBraces(&doc)
	text, err := yaml.Marshal(doc.Content[0])
	line := strings.TrimSpace(string(text))
	return strings.TrimSuffix(strings.TrimPrefix(line, "{"), "}"), err
}

// inBraces writes a node and all nodes below it in braces, without comments.
func inBraces(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	if n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode {
		n.Style = yaml.FlowStyle
	}
	for _, child := range n.Content {
		inBraces(child)
	}
}

// flow puts text before the closing bracket of a mapping or a list.
func (in *inserter) flow(n *yaml.Node, text string) error {
	quoted := map[spot]rune{}
	quotes(n, quoted)
	depth, quote := 0, rune(0)                     // quote: the kind of quotes of the current or the last quoted text
	begins, within, escaped := false, false, false // begins: its opening quote comes next; within: the position is within it
	last, before := rune(0), rune(0)               // last: the last character that is no blank and not in a comment
	start, column := in.column(n), n.Column
	for line := n.Line; line <= len(in.lines); line, start, column = line+1, 0, 1 {
		before, escaped = ' ', false // a \ at the end of a line escapes the line end
		for col, c := range in.lines[line-1][start:] {
			if q, ok := quoted[spot{line, column}]; ok && !within {
				quote, begins = q, true
			}
			column++
			switch {
			case within:
				if c == quote && !escaped {
					within = false
				}
				escaped = c == '\\' && quote == '"' && !escaped
			case c == quote && (begins || before == '\'' && quote == '\''): // a doubled quote does not end the text
				begins, within = false, true
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				depth--
			}
			if depth == 0 {
				in.beforeBracket(line, start+col, last, text)
				return nil
			}
			if c == '#' && !within && (before == ' ' || before == '\t') {
				break // the rest is a comment
			}
			if before = c; c != ' ' && c != '\t' {
				last = c
			}
		}
	}
	return errors.New("its closing bracket was not found")
}

// A spot is a line and a column in characters, both from 1.
type spot struct{ line, column int }

// quotes finds the places at which quoted texts begin, and the kind of their quotes. A
// tag or an anchor may come before the quote.
func quotes(n *yaml.Node, into map[spot]rune) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Style&yaml.SingleQuotedStyle != 0:
		into[spot{n.Line, n.Column}] = '\''
	case n.Kind == yaml.ScalarNode && n.Style&yaml.DoubleQuotedStyle != 0:
		into[spot{n.Line, n.Column}] = '"'
	}
	for _, child := range n.Content {
		quotes(child, into)
	}
}

// beforeBracket puts text before the bracket at a column of a line. last is the last
// character before the bracket, without blanks and comments.
func (in *inserter) beforeBracket(line, col int, last rune, text string) {
	written := in.lines[line-1]
	at := len(strings.TrimRight(written[:col], " "))
	if at == 0 || written[at-1] == ':' { // without the blank, the text before it would not be a key
		at = col
	}
	switch {
	case last == '{' || last == '[':
	case last != ',':
		text = ", " + text
	case at > 0 && written[at-1] == ',':
		text = " " + text
	}
	if at < col {
		text = strings.TrimRight(text, " ")
	}
	in.edits = append(in.edits, insertion{line: line, col: at + 1, text: text})
}
