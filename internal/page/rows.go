package page

import (
	"net/url"
	"strconv"
	"strings"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// appendBlock appends the name of a domain and its own addresses and roles.
func (d *Document) appendBlock(text []byte, i int, of *domainRow, h *Header) []byte {
	domain := &d.Model.Domains[i]
	text = append(append(append(text, '@'), domain.Name...), '\n')
	has := func(a *inventory.Address) bool { return h.choice.has(i, a) }
	text = d.appendRows(text, domain.Addresses, has, of, domain.Name, h)
	return d.appendRows(text, without(domain.Roles, domain.Addresses), has, of, domain.Name, h)
}

// without returns the roles that are no addresses: an address wins over a role.
func without(roles, addresses []inventory.Address) (all []inventory.Address) {
	for i := range roles {
		if _, listed := inventory.Find(addresses, roles[i].Local, roles[i].Form); !listed {
			all = append(all, roles[i])
		}
	}
	return all
}

// appendRows appends lines for addresses of a domain. Their places are relative to that
// of the domain.
func (d *Document) appendRows(text []byte, all []inventory.Address, has func(*inventory.Address) bool, of *domainRow, domain string, h *Header) []byte {
	for i := range all {
		a := &all[i]
		if !has(a) {
			continue
		}
		text = append(append(text, a.Local...), '\t')
		text = append(append(text, d.rowTarget(h, a, domain)...), '\t')
		if a.Noted && !of.Helper {
			text = append(append(text, d.note(a.Pos)...), '\t')
		}
		if a.Disabled {
			text = append(text, 'x')
		}
		text = append(text, detailFlag(a.Detail)...)
		at := d.place(h, a.Pos)
		if at[0] != of.At[0] {
			text = append(strconv.AppendInt(text, int64(at[0]), 10), ':')
			text = strconv.AppendInt(text, int64(at[1]), 10)
		} else {
			text = strconv.AppendInt(text, int64(at[1]-of.At[1]), 10)
		}
		if of.sending {
			text = d.appendSenders(text, a)
		}
		text = append(text, '\n')
	}
	return text
}

// note returns the note of what stands at a place. It has no tab and no end of a line.
func (d *Document) note(at diag.Pos) string { return diag.Printable(d.Model.Notes[at]) }

// everyAddress has all addresses.
func everyAddress(*inventory.Address) bool { return true }

// rowTarget returns the target of an address. The words of a refusal are the server's if
// the inventory has none.
func (d *Document) rowTarget(h *Header, a *inventory.Address, domain string) string {
	if a.To.Kind == inventory.Refused || a.Disabled {
		return "!" + strconv.Itoa(d.refusalOf(h, a, domain))
	}
	return d.target(h, &a.To)
}

// target returns a target in the form of the data; empty: there is none.
func (d *Document) target(h *Header, t *inventory.Target) string {
	m := d.Model
	switch t.Kind {
	case inventory.ToUser:
		return name(m.Users[t.Index].Name.Text)
	case inventory.ToAlias:
		return name(m.LocalAliases[t.Index].Text)
	case inventory.ToAddress:
		return t.Text
	case inventory.ToPattern:
		return "%" + pattern(m.Pattern(t))
	case inventory.ToList:
		return d.list(h, &m.Lists[t.Index])
	case inventory.ToDomain:
		return "@" + t.Text
	case inventory.ToLocal:
		return "~"
	case inventory.Refused:
		r := m.Refusals[t.Index]
		return "!" + strconv.Itoa(h.refusal(reply{r.Code, r.Status, r.Text}))
	case inventory.Removed:
		return "-"
	}
	return ""
}

func (d *Document) list(h *Header, l *inventory.List) string {
	members := make([]string, len(l.Members))
	for i := range l.Members {
		members[i] = d.target(h, &l.Members[i])
	}
	text := "[" + strings.Join(members, " ") + "]"
	if l.BouncesTo.Kind != inventory.NoTarget {
		text += "^" + d.target(h, &l.BouncesTo)
	}
	return text
}

// name returns the name of a user or alias. A name that could be taken for another
// target is escaped.
func name(text string) string {
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_'
		if !letter && (i == 0 || c != '-' && c != '.') {
			return "'" + url.PathEscape(text)
		}
	}
	return text
}

// pattern returns a pattern as the inventory has it.
func pattern(p inventory.Pattern) string {
	var text strings.Builder
	for _, part := range p {
		switch part.Kind {
		case inventory.PartLiteral:
			text.WriteString(strings.ReplaceAll(part.Text, "%", "%%"))
		default:
			text.WriteString([...]string{inventory.PartUser: "%1", inventory.PartDetail: "%2", inventory.PartPlusDetail: "%3"}[part.Kind])
		}
	}
	return text.String()
}
