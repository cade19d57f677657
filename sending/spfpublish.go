package sending

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"virtmap/mxcheck"
	"virtmap/sending/spf"
)

// spfLine returns the line of an SPF record. Without a record it is empty.
func spfLine(domain, record string) string {
	if record == "" {
		return ""
	}
	return txtLine(domain, record)
}

// firstSPF returns a record for a domain without one. Without addresses, the hosts of its
// MX records send.
func firstSPF(addrs []netip.Addr) string {
	terms := []string{"v=spf1"}
	for _, addr := range addrs {
		terms = append(terms, addressTerm(addr))
	}
	if len(addrs) == 0 {
		terms = append(terms, "mx")
	}
	return strings.Join(append(terms, "-all"), " ")
}

// addressTerm returns the mechanism that matches one address.
func addressTerm(addr netip.Addr) string {
	if addr = addr.Unmap(); addr.Is4() {
		return "ip4:" + addr.String()
	}
	return "ip6:" + addr.String()
}

// mergeSPF returns one record with the terms of several, or an empty text when one of them
// has a mistake or a redirect.
func mergeSPF(texts []string) string {
	terms := []string{"v=spf1"}
	all := ""
	for _, text := range texts {
		r, faults := spf.Parse(text)
		if len(faults) > 0 || r.Term("redirect") != nil {
			return ""
		}
		for _, t := range r.Terms {
			switch {
			case t.Name == "all" && !t.Modifier:
				if all == "" || t.Result == spf.SoftFail {
					all = t.Text
				}
			case !slices.Contains(terms, t.Text):
				terms = append(terms, t.Text)
			}
		}
	}
	if all == "" {
		all = "-all"
	}
	return strings.Join(append(terms, all), " ")
}

// fixSPF returns a record with all its mistakes mended, or an empty text when one of them
// can be meant in several ways.
func fixSPF(text string, faults []spf.Fault) string {
	faults = slices.Clone(faults)
	slices.SortFunc(faults, func(a, b spf.Fault) int { return b.Offset - a.Offset })
	for _, f := range faults {
		if !f.Fatal {
			continue
		}
		if f.Fix == "" {
			return ""
		}
		text = text[:f.Offset] + f.Fix + text[f.Offset+len(f.Term):]
	}
	return text
}

// complete returns a record in which the addresses that send are, if they do not pass.
// Without a record, the result is empty.
func (d *domainCheck) complete(domain, text string) string {
	record, faults := spf.Parse(text)
	if text == "" || len(faults) > 0 {
		return text
	}
	m := mendedSPF{record: record, idle: map[int]bool{}, before: map[int][]string{}}
	for _, addr := range d.Host.Addresses {
		q := d.query(domain, addr)
		q.Resolver = overlay{q.Resolver, domain, text}
		if a := q.Evaluate(d.ctx); a.Result != spf.Pass {
			m.insert(domain, a, addr)
		}
	}
	return m.build()
}

// An overlay is a Resolver with another SPF record of a domain.
type overlay struct {
	mxcheck.Resolver
	domain, text string
}

func (o overlay) Ask(ctx context.Context, q mxcheck.Question) mxcheck.Answer {
	if q.Name == o.domain && q.Type == mxcheck.TypeTXT {
		return mxcheck.Answer{Records: []mxcheck.Record{{Name: q.Name, Type: q.Type, Text: o.text}}}
	}
	return o.Resolver.Ask(ctx, q)
}

// A mendedSPF is a record that is changed so that its findings go away.
type mendedSPF struct {
	record spf.Record
	text   string // the result; empty: no line can mend the record

	idle   map[int]bool     // by offset: terms that are never looked at
	before map[int][]string // by offset: terms to put in front of a term
	last   []string         // terms to put behind all mechanisms
}

// insert puts an address in front of the term that matched. When none did, or one of another
// record, the address is put in front of all, or behind all mechanisms.
func (m *mendedSPF) insert(domain string, a spf.Answer, addr netip.Addr) {
	if a.Term == nil || a.Term.Modifier || a.Domain != domain || a.Term.Name == "all" {
		m.last = append(m.last, addressTerm(addr))
		return
	}
	m.before[a.Term.Offset] = append(m.before[a.Term.Offset], addressTerm(addr))
}

// build returns the record with the addresses, without ptr and what is never looked at, and
// with -all or ~all at its end. A redirect stays.
func (m *mendedSPF) build() string {
	all := "-all"
	var terms, modifiers []string
	for _, t := range m.record.Terms {
		terms = append(terms, m.before[t.Offset]...)
		switch {
		case t.Modifier && t.Name == "redirect" && m.record.Term("all") == nil:
			all = t.Text
		case m.idle[t.Offset] || t.Name == "ptr":
		case t.Modifier:
			modifiers = append(modifiers, t.Text)
		case t.Name == "all":
			if t.Result == spf.SoftFail {
				all = t.Text
			}
		default:
			terms = append(terms, t.Text)
		}
	}
	words := []string{"v=spf1"}
	for _, term := range append(append(append(terms, m.last...), all), modifiers...) {
		if !slices.Contains(words, term) {
			words = append(words, term)
		}
	}
	return strings.Join(words, " ")
}
