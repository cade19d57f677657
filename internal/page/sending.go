package page

import (
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// sends reports whether mail is sent from addresses of a domain.
func sends(d *inventory.Domain) bool { return d.Enabled && !d.Backup && d.Sends.On }

// sendsFrom adds the senders of a domain and of those that it copies.
func (c *choice) sendsFrom(i int) {
	if len(c.sending) == 0 {
		c.sendersOf(c.model.Defaults.Roles)
	}
	for ; i >= 0 && !c.sending[i]; i = c.model.Domains[i].Source {
		d := &c.model.Domains[i]
		c.sending[i] = true
		if given, ok := c.model.SendersAt(d.Pos); ok {
			c.addSenders(given)
		}
		c.sendersOf(d.Addresses)
		c.sendersOf(d.Roles)
	}
}

func (c *choice) sendersOf(all []inventory.Address) {
	if len(c.model.Senders) == 0 {
		return
	}
	for i := range all {
		if given, ok := c.model.SendersAt(all[i].Pos); ok {
			c.addSenders(given)
		}
	}
}

func (c *choice) addSenders(s inventory.Senders) {
	for _, user := range s.Users {
		c.senders[user.Text] = true
	}
}

// sending completes the row of a domain: whether it sends, if the document is about it, and
// its senders.
func (d *Document) sending(h *Header, i int, row *domainRow) {
	domain := &d.Model.Domains[i]
	row.sending = h.choice.sending[i]
	if !row.Helper && sends(domain) {
		row.Sends, h.Authorise = true, d.Model.Submission.Authorise
		for _, key := range domain.Sends.DKIM {
			row.Selectors = append(row.Selectors, key.Selector.Text)
		}
	}
	given, ok := d.Model.SendersAt(domain.Pos)
	if !ok || !row.sending {
		return
	}
	row.Senders = []string{}
	for _, user := range given.Users {
		row.Senders = append(row.Senders, user.Text)
	}
}

// appendSenders appends the senders of an address to its line, if it has its own.
func (d *Document) appendSenders(text []byte, a *inventory.Address) []byte {
	given, ok := d.Model.SendersAt(a.Pos)
	if !ok {
		return text
	}
	for i, user := range given.Users {
		text = append(append(text, "= "[min(i, 1)]), user.Text...)
	}
	if len(given.Users) == 0 {
		text = append(text, '=')
	}
	return text
}

// sendsAs returns the address that the sendmail command writes for a user, if the document
// is about its domain.
func (d *Document) sendsAs(h *Header, u *inventory.User) string {
	if u.SendsAs.Text == "" || !d.Model.Submission.Rewrite {
		return ""
	}
	_, domain, _ := mailaddr.Split(u.SendsAs.Text)
	if i, served := d.Model.Serves(d.Model.Meant(domain)); !served || !h.choice.chosen[i] {
		return ""
	}
	return u.SendsAs.Text
}
