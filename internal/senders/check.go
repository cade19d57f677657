package senders

import (
	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/inventory"
)

// Checks are all checks of this package. They belong to the checks of every server.
var Checks = []*diag.Check{checkSendsAs, checkSends, checkNoEffect, CheckServer}

var (
	checkSendsAs = &diag.Check{ID: "VM150", Name: "sends-as", Severity: diag.Error,
		Rule: "sends_as is an address of the inventory from which the user may send."}
	checkSends = &diag.Check{ID: "VM151", Name: "domain-sends", Severity: diag.Error,
		Rule: "A domain from which mail is sent says so."}
	checkNoEffect = &diag.Check{ID: "VM152", Name: "sending-without-effect", Severity: diag.Warning,
		Rule: "What is said about senders has an effect."}
	// CheckServer is for a compiler.
	CheckServer = &diag.Check{ID: "VM153", Name: "submission-not-here", Severity: diag.Error,
		Rule: "submission asks only for what the mail server can do."}
)

// Check reports the faults of what an inventory says about senders.
func Check(m *inventory.Model, faults *diag.List) {
	c := checker{m: m, faults: faults}
	for i := range m.Domains {
		c.domain(&m.Domains[i])
		c.keys(&m.Domains[i])
	}
	if s := &m.Submission; s.Authorise && !m.Sending() {
		faults.Add(checkSends.At(s.AuthorisePos, 1, "no domain sends, so that every login would be refused at every virtual address").
			WithHelp("write sends: yes below the domains from which users send, or leave authorise out"))
	}
	for i := range m.Users {
		if m.Users[i].SendsAs.Text != "" {
			c.user(&m.Users[i])
		}
	}
}

type checker struct {
	m      *inventory.Model
	faults *diag.List
	rights *Rights // made for the first user with sends_as
}

// domain reports senders of a domain that does not send.
func (c *checker) domain(d *inventory.Domain) {
	if d.Sends.On || len(c.m.Senders) == 0 || !d.Enabled {
		return
	}
	said := func(s inventory.Senders, what string) {
		c.faults.Add(checkSends.At(s.Pos, 1, "%s has senders, and %s does not say that it sends", what, d.Name).
			Second(d.Pos, "the domain is given here").WithHelp("write sends: yes below %s, or leave senders out", d.Name))
	}
	if s, given := c.m.SendersAt(d.Pos); given && len(s.Users) > 0 {
		said(s, d.Name)
	}
	for _, layer := range [][]inventory.Address{d.Addresses, d.Roles} {
		for i := range layer {
			if s, given := c.m.SendersAt(layer[i].Pos); given && len(s.Users) > 0 {
				said(s, layer[i].Local+"@"+d.Name)
			}
		}
	}
}

// keys reports senders of keys for several addresses, which count as the catch-all.
func (c *checker) keys(d *inventory.Domain) {
	if !d.Sends.On || len(c.m.Senders) == 0 || !d.Enabled {
		return
	}
	for i := range d.Addresses {
		a := &d.Addresses[i]
		s, given := c.m.SendersAt(a.Pos)
		if !given || isOne(a) {
			continue
		}
		c.faults.Add(checkNoEffect.At(s.Pos, 1, "senders of %s@%s have no effect: it stands for several addresses, and the users of the catch-all may send from them", a.Local, d.Name).
			WithHelp("list each address from which mail is sent, with its senders"))
	}
}

// user reports a sends_as from which the user may not send.
func (c *checker) user(u *inventory.User) {
	if c.rights == nil {
		c.rights = Of(c.m)
	}
	addr := u.SendsAs.Text
	if !c.m.Submission.Rewrite {
		c.faults.Add(checkNoEffect.At(u.SendsAs.Pos, len(addr), "sends_as of %s has no effect without submission: {rewrite: msp}", u.Name.Text).
			WithHelp("write submission: {rewrite: msp} at the top of the inventory, or leave sends_as out"))
	}
	local, domain, d, whose := c.rights.tables.Locate(addr)
	fault := func(check *diag.Check, help, format string, args ...any) {
		c.faults.Add(check.At(u.SendsAs.Pos, len(addr), format, args...).WithHelp("%s", help))
	}
	switch {
	case whose != effective.Listed:
		fault(checkSendsAs, "name an address of a domain of the inventory, so that answers arrive",
			"user %q sends as %s, which is no address of this inventory", u.Name.Text, addr)
	case !c.rights.Sends(d):
		fault(checkSends, "write sends: yes below "+domain+"; virtmap mx --sending then checks its DNS",
			"user %q sends as %s, and %s does not say that it sends", u.Name.Text, addr, domain)
	case c.rights.May(u.Name.Text, addr):
	case len(c.rights.Right(d, local).Users) == 0 && c.rights.refuses(d, local):
		fault(checkSendsAs, "list the address with "+u.Name.Text+" as its target, or name another one",
			"user %q sends as %s, which refuses mail", u.Name.Text, addr)
	default:
		fault(checkSendsAs, "let its mail go to "+u.Name.Text+" too, or list "+u.Name.Text+" under its senders",
			"user %q sends as %s, whose mail goes to others", u.Name.Text, addr)
	}
}

// refuses reports whether an address of a domain refuses mail.
func (r *Rights) refuses(d int, local string) bool {
	match := r.tables.Lookup(d, local)
	if match.Refused || match.To.Kind == inventory.Refused {
		return true
	}
	_, refused := r.recipients(&match.To, local)
	return refused
}

// Refuse reports what submission asks for and a server cannot do.
func Refuse(m *inventory.Model, rewrite, authorise string, faults *diag.List) {
	s := &m.Submission
	if s.Rewrite && rewrite != "" {
		faults.Add(CheckServer.At(s.RewritePos, 1, "rewrite: msp is not possible: %s", rewrite).WithHelp("leave rewrite out"))
	}
	if s.Authorise && authorise != "" {
		faults.Add(CheckServer.At(s.AuthorisePos, 1, "authorise: yes is not possible: %s", authorise).WithHelp("leave authorise out"))
	}
}
