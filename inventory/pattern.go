package inventory

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
)

// A Pattern is an address that is made from the address that mail was sent to. Its last
// part is a literal with the @ and the domain.
type Pattern []Part

// A Part of a pattern is a text, or a part of the address that mail was sent to.
type Part struct {
	Kind PartKind
	Text string // of a PartLiteral
}

// A PartKind is the kind of a Part.
type PartKind uint8

// The kinds of parts, with their form in the inventory.
const (
	PartLiteral    PartKind = iota // the text itself; %% is a percent sign
	PartUser                       // %1: the text before the plus; for an address that is listed with its detail the whole local part
	PartDetail                     // %2: the text after the plus
	PartPlusDetail                 // %3: the same with the plus; empty without a plus
)

// partKinds has the kind for each digit after a percent sign.
var partKinds = map[byte]PartKind{'1': PartUser, '2': PartDetail, '3': PartPlusDetail}

// Expand returns the address that a pattern makes from a user, a detail, and the detail
// with its plus.
func (p Pattern) Expand(user, detail, plus string) string {
	var out strings.Builder
	for _, part := range p {
		out.WriteString([...]string{PartLiteral: part.Text, PartUser: user, PartDetail: detail, PartPlusDetail: plus}[part.Kind])
	}
	return out.String()
}

// Has reports whether a pattern has a part of a kind.
func (p Pattern) Has(kind PartKind) bool {
	return slices.ContainsFunc(p, func(part Part) bool { return part.Kind == kind })
}

// Pattern returns the pattern of a target; nil for other kinds of targets.
func (m *Model) Pattern(t *Target) Pattern {
	if t.Kind != ToPattern {
		return nil
	}
	return m.Patterns[t.Index]
}

// Written returns a target as the inventory has it: a percent sign of an address is
// written as %%.
func (t *Target) Written() string {
	if t.Kind != ToAddress {
		return t.Text
	}
	return strings.ReplaceAll(t.Text, "%", "%%")
}

// parsePattern reads an address whose local part may have %1, %2, %3 and %%, and folds
// its domain. The local part is folded later, when all domains are known.
func parsePattern(text string) (Pattern, *mailaddr.Problem) {
	local, domain, _ := mailaddr.Split(text)
	p, problem := parseParts(local, text)
	if problem != nil {
		return nil, problem
	}
	plain := p.Expand("x", "x", "x")
	if _, problem := mailaddr.FoldLocal(strings.ReplaceAll(plain, "%", "x")); problem != nil {
		return nil, problem
	}
	folded, problem := mailaddr.FoldDomain(domain)
	if problem != nil {
		return nil, problem
	}
	return p.appendText("@" + folded), nil
}

// parseParts reads the local part of an address.
func parseParts(local, address string) (p Pattern, problem *mailaddr.Problem) {
	for rest := local; rest != ""; {
		before, after, parted := strings.Cut(rest, "%")
		p = p.appendText(before)
		if !parted {
			break
		}
		var which byte
		if after != "" {
			which = after[0]
		}
		switch kind, known := partKinds[which]; {
		case known:
			p = append(p, Part{Kind: kind})
		case which == '%':
			p = p.appendText("%")
		case which == '0':
			return nil, &mailaddr.Problem{
				Text: fmt.Sprintf("%q holds %%0, the whole key with its @; no address can be made of that", address),
				Help: "%1 is the user, %2 the detail, %3 the detail with its plus",
			}
		default:
			return nil, &mailaddr.Problem{
				Text: fmt.Sprintf("%q holds a %% that is no parameter", address),
				Help: "%1 is the user, %2 the detail, %3 the detail with its plus, %% a percent sign",
			}
		}
		rest = after[1:]
	}
	return p, nil
}

// appendText appends a text to the last part if it is a literal, otherwise as a new
// part.
func (p Pattern) appendText(text string) Pattern {
	switch last := len(p) - 1; {
	case text == "":
	case last >= 0 && p[last].Kind == PartLiteral:
		p[last].Text += text
	default:
		p = append(p, Part{Text: text})
	}
	return p
}

// lower folds the texts of a pattern.
func (p Pattern) lower() {
	for i := range p {
		p[i].Text = mailaddr.Lower(p[i].Text)
	}
}
