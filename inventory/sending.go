package inventory

import (
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
)

// Sends says that mail is sent from the addresses of a domain.
type Sends struct {
	On   bool
	Pos  diag.Pos
	DKIM []DKIMKey // in the order of the inventory; the first one signs
}

// A DKIMKey is a key with which the mail of a domain is signed (RFC 6376).
type DKIMKey struct {
	Selector Name // as A-labels, below _domainkey
	File     Name // the absolute path of the private key
}

// Senders are the users who may send from an address, or from every address of a domain.
type Senders struct {
	Users []Name // sorted; empty: no user may send
	Pos   diag.Pos
}

// Submission says what is done with mail that is sent from this server.
type Submission struct {
	Rewrite   bool // the sendmail command writes the SendsAs of the user
	Authorise bool // who logs in sends only from addresses that are allowed

	RewritePos, AuthorisePos diag.Pos
}

// SendersAt returns the senders that the inventory gives for an address or a domain, by its
// place. ok is false if it gives none.
func (m *Model) SendersAt(place diag.Pos) (s Senders, ok bool) {
	s, ok = m.Senders[place]
	return s, ok
}

// Sending reports whether a domain of the inventory sends mail.
func (m *Model) Sending() bool {
	return slices.ContainsFunc(m.Domains, func(d Domain) bool { return d.Enabled && d.Sends.On })
}

// sends reads yes, no, or a mapping with keys.
func (r *reader) sends(v value, d *rawDomain) {
	d.sends = v
	d.Sends = Sends{On: true, Pos: v.pos()}
	if v.isMapping() {
		readMapping(r, v, "sends", sendsKeys, &d.Sends)
		return
	}
	d.Sends.On = oneOf(r, v, "sends", "yes", "no") == "yes"
}

// dkimKeys reads selectors with the paths of their keys.
func (r *reader) dkimKeys(v value) (all []DKIMKey) {
	r.pairs(v, "dkim", func(p pair) {
		selector, bad := mailaddr.FoldDomain(p.name)
		if bad != nil {
			r.fault(CheckValue.At(p.key.pos(), p.key.size(), "%q is no selector of a key", p.name).
				WithHelp("write the part before ._domainkey, such as vm2026"))
			return
		}
		if i := slices.IndexFunc(all, func(k DKIMKey) bool { return k.Selector.Text == selector }); i >= 0 {
			r.fault(checkDuplicate.At(p.key.pos(), p.key.size(), "selector %q is given twice", selector).
				Second(all[i].Selector.Pos, "first given here").WithHelp("keep one of the two"))
			return
		}
		file := r.path(p.val, "the key of "+p.name, Name{})
		switch {
		case strings.ContainsAny(file.Text, " \t:"):
			r.fault(CheckValue.At(p.val.pos(), p.val.size(), "the key of %s %q has a blank or a colon in it, at which opendkim divides a line", p.name, file.Text).
				WithHelp("give the file another name, such as /etc/dkimkeys/%s.private", selector))
		case file.Text != "":
			all = append(all, DKIMKey{Name{selector, p.key.pos()}, file})
		}
	})
	return all
}

// senders reads the users who may send from what stands at a place.
func (r *reader) senders(v value, place diag.Pos) {
	s := Senders{Pos: v.pos()}
	none := v.isScalar() && v.node.Value == "none"
	if !none {
		r.items(v, "senders", func(item value) {
			text, ok := r.scalar(item, "senders")
			if !ok {
				return
			}
			name, ok := r.localName(item, text.Text, "sender")
			switch i := slices.IndexFunc(s.Users, func(n Name) bool { return n.Text == name.Text }); {
			case !ok:
			case i >= 0:
				r.fault(checkDuplicate.At(name.Pos, item.size(), "%q is a sender twice", name.Text).
					Second(s.Users[i].Pos, "first given here").WithHelp("keep one of the two"))
			default:
				s.Users = append(s.Users, name)
			}
		})
		slices.SortFunc(s.Users, func(a, b Name) int { return strings.Compare(a.Text, b.Text) })
	}
	if r.model.Senders == nil {
		r.model.Senders = map[diag.Pos]Senders{}
	}
	r.model.Senders[place] = s
}

// sendersOf reads the senders of an address.
func (r *reader) sendersOf(a *Address, v value, what string) {
	r.senders(v, a.Pos)
	f := checkConflict.At(v.pos(), v.size(), "%s has senders, but", what)
	switch nobody := len(r.model.Senders[a.Pos].Users) == 0; {
	case nobody:
	case a.Form != Plain && a.Form != ExactDetail:
		f.Text += " stands for several addresses"
		r.fault(f.WithHelp("write the senders at the address without a detail: they may use every detail of it"))
	case a.Disabled || a.To.Kind == Refused:
		f.Text += " refuses mail: answers to what they send would be lost"
		r.fault(f.WithHelp("leave senders out, or say where its mail goes"))
	}
}

// resolveSenders reports senders that are no users.
func (r *reader) resolveSenders() {
	m := r.model
	var all []Name
	for _, s := range m.Senders {
		all = append(all, s.Users...)
	}
	slices.SortFunc(all, func(a, b Name) int { return int(a.Pos) - int(b.Pos) })
	for _, name := range all {
		if _, ok := m.User(name.Text); ok || r.noUsers {
			continue
		}
		help := "declare it: users: {" + name.Text + ": }; a sender is a user who logs in with this name"
		near := r.nearest("senders", name.Text, func(yield func(string) bool) {
			for i := range m.Users {
				if !yield(m.Users[i].Name.Text) {
					return
				}
			}
		})
		if near != "" {
			help = "the nearest declared user is \"" + near + "\""
		}
		r.fault(checkDangling.At(name.Pos, len(name.Text), "sender %q is not a declared user", name.Text).WithHelp("%s", help))
	}
}

// sendsFrom reads single IP addresses.
func (r *reader) sendsFrom(v value) (all []Network) {
	for _, n := range r.networks(v, "sends_from") {
		if n.Prefix.IsSingleIP() {
			all = append(all, n)
			continue
		}
		r.fault(CheckValue.At(n.Pos, 1, "%s is a network, where an address stands", n.Prefix).
			WithHelp("list the addresses from which this server sends"))
	}
	return all
}

// address reads one mail address.
func (r *reader) address(v value, what string) Name {
	name, ok := r.scalar(v, what)
	if !ok {
		return Name{}
	}
	folded, problem := mailaddr.Fold(name.Text)
	if problem != nil {
		r.problem(CheckAddress, v, problem)
		return Name{}
	}
	return Name{folded, name.Pos}
}
