package page

import (
	"virtmap/inventory"
)

// Names that no inventory lists, and a domain that does not exist (RFC 2606).
const (
	unlistedName = "nobody-has-this-name"
	foreign      = "foreign.invalid"
)

// serverNames are names that a server may know without an inventory.
var serverNames = []string{"postmaster", "root", "mailer-daemon", "abuse"}

// userUnknown is the reply of the default refusal.
var userUnknown = reply{550, "5.1.1", "User unknown"}

// words adds the domains, and the replies that a server gives in its own words. With
// whole false it leaves out what only answers for addresses need.
func (d *Document) words(h *Header, whole bool) {
	m := d.Model
	h.NotOurs = d.reply(h, unlistedName+"@"+foreign, reply{550, "5.7.1", "not ours"})
	h.NoAccount, h.NoDetail = h.refusal(userUnknown), h.refusal(userUnknown)
	for _, i := range h.choice.domains {
		domain := &m.Domains[i]
		row := domainRow{
			Name: domain.Name, Letters: letters(domain.Name), At: d.place(h, domain.Pos), Source: h.choice.source(i), Helper: !h.choice.chosen[i],
			Refused: -1, RefusedDetail: -1, Rows: len(domain.Addresses) + len(domain.Roles),
		}
		if !row.Helper {
			row.Note = d.note(domain.Pos)
		}
		d.sending(h, i, &row)
		switch {
		case !domain.Enabled:
			row.Role = "closed"
		case domain.Backup:
			row.Role = "backup"
		case whole:
			row.Refused = d.reply(h, unlistedName+"@"+domain.Name, reply{})
			row.RefusedDetail = d.reply(h, unlistedName+"+@"+domain.Name, reply{}) // no key ++ matches an empty detail
		}
		if whole {
			row.Detail = detailFlag(domain.Detail)
			if h.choice.parts[i].catchAll {
				row.CatchAll, row.CatchAllAt, row.CatchAllNote = d.target(h, &domain.CatchAll), d.place(h, domain.CatchAll.Pos), d.catchAllNote(domain, row.Helper)
			}
		}
		h.Domains = append(h.Domains, row)
	}
	if whole {
		d.accountWords(h)
	}
}

// catchAllNote returns the note of a catch-all of a domain that the document is about.
func (d *Document) catchAllNote(domain *inventory.Domain, helper bool) string {
	if helper {
		return ""
	}
	return d.note(domain.CatchAll.Pos)
}

// accountWords adds the names that only the server has, and its reply to others.
func (d *Document) accountWords(h *Header) {
	m := d.Model
	for _, host := range append([]string{m.Host.Name.Text}, h.LocalNames...) {
		if _, served := m.Serves(host); served {
			continue
		}
		h.NoAccount = d.reply(h, unlistedName+"@"+host, userUnknown)
		for _, name := range serverNames {
			if o := d.Route(name + "@" + host); o.Taken {
				h.Accounts[name] = append([]string{}, o.Recipients...)
			}
		}
		return
	}
}

// reply returns the index of the reply to an address. If the address is accepted, it is
// that of another reply; -1 if this is zero.
func (d *Document) reply(h *Header, addr string, other reply) int {
	o := d.Route(addr)
	switch {
	case !o.Taken && o.Code != 0:
		return h.refusal(reply{o.Code, o.Status, o.Text})
	case other == reply{}:
		return -1
	}
	return h.refusal(other)
}

// refusalOf returns the index of the reply for a refused address.
func (d *Document) refusalOf(h *Header, a *inventory.Address, domain string) int {
	r, given := userUnknown, false
	if !a.Disabled {
		refusal := &d.Model.Refusals[a.To.Index]
		r, given = reply{refusal.Code, refusal.Status, refusal.Text}, refusal.Given
	}
	if given || domain == "" {
		return h.refusal(r)
	}
	o := d.Route(inventory.Samples{User: unlistedName, Detail: "any"}.Of(a.Local) + "@" + domain)
	if !o.Taken && o.Code == r.Code {
		r = reply{o.Code, o.Status, o.Text}
	}
	return h.refusal(r)
}
