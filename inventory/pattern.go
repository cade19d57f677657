package inventory

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
)

// A Pattern is an address that is made of the one that was asked for. Its last
// part is a literal, and has the @ and the domain.
type Pattern []Part

// A Part of a pattern is a text, or what its kind takes of the address that was
// asked for.
type Part struct {
	Kind PartKind
	Text string // of a PartLiteral
}

// PartKind is what a Part stands for.
type PartKind uint8

// The parts of a pattern, as the inventory writes them.
const (
	PartLiteral    PartKind = iota // the text itself; %% is a percent sign
	PartUser                       // %1: what stands before the plus, and all of an address that is listed with its detail
	PartDetail                     // %2: what stands behind the plus
	PartPlusDetail                 // %3: the same with the plus; nothing where there is no plus
)

// partKinds are the parts by the digit behind their percent sign.
var partKinds = map[byte]PartKind{'1': PartUser, '2': PartDetail, '3': PartPlusDetail}

// Expand gives the address that a pattern makes of a user, a detail, and the
// detail with its plus.
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

// Pattern is that of a target, none where it is of another kind.
func (m *Model) Pattern(t *Target) Pattern {
	if t.Kind != ToPattern {
		return nil
	}
	return m.Patterns[t.Index]
}

// Written is a target's text as the inventory has it, with %% for the percent
// sign of an address.
func (t *Target) Written() string {
	if t.Kind != ToAddress {
		return t.Text
	}
	return strings.ReplaceAll(t.Text, "%", "%%")
}

// parsePattern reads an address whose local part may have %1, %2, %3 and %%, and
// folds its domain. Whether the local part is folded too is known with all domains.
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

// appendText appends a text to the last part, or as one of its own.
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
