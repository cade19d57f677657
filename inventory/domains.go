package inventory

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
)

// userChars are the characters of a login name. Such a name needs no quotes in an alias
// file, and the local mailer cannot mistake it for an option.
const userChars = "abcdefghijklmnopqrstuvwxyz0123456789._-"

// localName reads the name of a user or a local alias.
func (r *reader) localName(v value, text, what string) (Name, bool) {
	name := Name{Text: mailaddr.Lower(text), Pos: v.pos()}
	if _, ok := reservedWords[name.Text]; ok {
		r.fault(checkReserved.At(name.Pos, v.size(), "%s %q: the word is reserved", what, text).
			WithHelp("an account of that name needs an alias of another name on the server"))
		return name, false
	}
	if !isLogin(name.Text) {
		r.fault(CheckValue.At(name.Pos, v.size(), "%s %q is not a local name", what, text).
			WithHelp("a local name is at most 64 letters, digits, dots, _ and -, and begins with a letter, a digit or _"))
		return name, false
	}
	return name, true
}

// IsLocalName reports whether a user or a local alias may have this name.
func IsLocalName(text string) bool {
	_, reserved := reservedWords[text]
	return !reserved && isLogin(text)
}

func isLogin(name string) bool {
	wrong := strings.IndexFunc(name, func(c rune) bool { return !strings.ContainsRune(userChars, c) })
	return name != "" && wrong < 0 && name[0] != '-' && name[0] != '.' && len(name) <= 64
}

func (r *reader) users(v value, m *Model) {
	m.Users = slices.Grow(m.Users, v.pairCount())
	r.noUsers = r.noUsers || v.isList() || v.isScalar() && !v.isEmpty()
	r.pairs(v, "users", func(p pair) {
		if freeKey(p.name) {
			return
		}
		name, ok := r.localName(p.key, p.name, "user")
		user := User{Name: name}
		if p.val.isScalar() && !p.val.isEmpty() && !p.val.isNull() {
			r.userAsText(p)
		} else {
			r.note(name.Pos, readMapping(r, p.val, "user "+p.name, userKeys, &user))
		}
		r.numbers(&user, p)
		if user.KeepCopy && user.Forward.Kind == NoTarget {
			r.fault(checkConflict.At(p.key.pos(), p.key.size(), "user %q has keep_copy without forward", p.name).
				WithHelp("leave keep_copy out: without forward the mailbox gets all mail"))
		}
		if user.Mailbox.Text != "" && user.Forward.Kind != NoTarget && !user.KeepCopy {
			r.fault(checkConflict.At(p.key.pos(), p.key.size(), "user %q has a mailbox that gets no mail: all of it is forwarded", p.name).
				WithHelp("write keep_copy: true, or leave the mailbox out"))
		}
		if ok {
			m.Users = append(m.Users, user)
		}
	})
}

// numbers completes the numbers of a user. The group of a user has the user's number,
// if it is not given.
func (r *reader) numbers(user *User, p pair) {
	switch {
	case user.GID.N == 0:
		user.GID = user.UID
	case user.UID == ID{}:
		r.fault(checkConflict.At(user.GID.Pos, 1, "user %q has gid without uid", p.name).
			WithHelp("write the uid too, or leave gid out"))
	}
}

// userAsText reports a user with a text instead of keys, or a key of a user that is
// indented like a user.
func (r *reader) userAsText(p pair) {
	text := p.val.node.Value
	f := checkShape.At(p.val.pos(), p.val.size(), "user %s takes a mapping, not a text", p.name)
	switch {
	case slices.ContainsFunc(userKeys, func(k key[User]) bool { return k.Name == p.name }):
		f = f.WithHelp("%s is a key of a user: indent it below its user, and not beside it", p.name)
	case strings.HasPrefix(text, "/"):
		f = f.WithHelp("write %s: {mailbox: %s}", p.name, text)
	case strings.Contains(text, "@"):
		f = f.WithHelp("write %s: {forward: %s}", p.name, text)
	default:
		f = f.WithHelp("write nothing behind the colon: a user is the local account of that name")
	}
	r.fault(f)
}

func (r *reader) localAliases(v value, m *Model) {
	r.items(v, "local_aliases", func(item value) {
		text, ok := r.scalar(item, "local_aliases")
		if !ok {
			return
		}
		if name, ok := r.localName(item, text.Text, "local alias"); ok {
			m.LocalAliases = append(m.LocalAliases, name)
		}
	})
}

func (r *reader) domains(v value, _ *Model) {
	all := make([]pair, 0, v.pairCount())
	r.pairs(v, "domains", func(p pair) { all = append(all, p) })
	least := r.leastDomains
	if v.src == nil || hasAnchors(v.src) {
		least = len(all) + 1
	}
	r.share(len(all), least, func(r *reader, from, to int) {
		r.model.Domains = slices.Grow(r.model.Domains, to-from)
		for _, p := range all[from:to] {
			r.domain(p)
		}
	})
}

func (r *reader) domain(p pair) {
	if freeKey(p.name) && !strings.Contains(p.name, ".") {
		return
	}
	if at := strings.LastIndex(p.name, "@"); at >= 0 && p.val.isScalar() {
		r.fault(checkDomain.At(p.key.pos(), p.key.size(), "%q is an address, where a domain stands", p.name).
			WithHelp("list it in its domain: %s: {addresses: {%s: %s}}", p.name[at+1:], p.name[:at], p.val.node.Value))
		return
	}
	name := r.domainName(p.key, "domain")
	if r.outdented(p, name.Text) {
		return
	}
	raw := rawDomain{Domain: Domain{Name: name.Text, Pos: p.key.pos(), Enabled: true, Source: -1}}
	raw.Noted = r.note(raw.Pos, readMapping(r, p.val, "domain "+p.name, domainKeys, &raw))
	r.domainParts(&raw, p.name)
	if name.Text != "" {
		r.model.Domains = append(r.model.Domains, raw.Domain)
	}
}

// outdented reports a key of a domain that is indented like a domain.
func (r *reader) outdented(p pair, name string) bool {
	if name == "" || strings.Contains(name, ".") {
		return false
	}
	if slices.ContainsFunc(domainKeys, func(k key[rawDomain]) bool { return k.Name == p.name }) {
		r.fault(checkDomain.At(p.key.pos(), p.key.size(), "%q stands where a domain stands", p.name).
			WithHelp("indent it, so that it is below its domain and not beside it"))
		return true
	}
	return false
}

// domainParts reads the keys that were put aside until the whole domain was read.
func (r *reader) domainParts(raw *rawDomain, name string) {
	d := &raw.Domain
	if raw.addresses.node != nil {
		d.Addresses = r.addresses(raw.addresses, d)
	}
	if raw.roles.node != nil {
		d.Roles = r.roles(raw.roles)
	}
	if raw.catchAll.node != nil {
		d.CatchAll = r.catchAll(raw.catchAll, Target{})
	}
	if raw.senders.node != nil {
		r.senders(raw.senders, d.Pos)
	}
	if !d.Backup {
		return
	}
	for _, extra := range []struct {
		key string
		v   value
	}{{"addresses", raw.addresses}, {"roles", raw.roles}, {"catch_all", raw.catchAll}, {"detail", raw.detail}, {"sends", raw.sends}, {"senders", raw.senders}} {
		if extra.v.node != nil {
			r.fault(checkConflict.At(extra.v.pos(), extra.v.size(), "backup domain %s has %s, but its mail is relayed", name, extra.key).
				Second(raw.role.pos(), "its role is given here").
				WithHelp("leave %s out, or write role: primary", extra.key))
		}
	}
	if d.SameAs.Text != "" {
		r.fault(checkConflict.At(d.SameAs.Pos, 1, "backup domain %s has same_as, but its mail is relayed", name).
			Second(raw.role.pos(), "its role is given here").WithHelp("leave same_as out, or write role: primary"))
		d.SameAs = Name{}
	}
}

// addresses reads the addresses of a domain and sorts them.
func (r *reader) addresses(v value, d *Domain) []Address {
	var all []Address
	read := func(p pair) {
		address, ok := r.addressKey(p)
		r.addressValue(p, &address)
		if ok {
			all = append(all, address)
		}
	}
	if n := r.plainCount(v); n > 0 {
		all = make([]Address, 0, n)
		r.plainPairs(v, read)
		return r.sortAddresses(all, d.Name)
	}
	all = make([]Address, 0, v.pairCount())
	r.pairs(v, "addresses", read)
	return r.sortAddresses(all, d.Name)
}

func (r *reader) sortAddresses(all []Address, domain string) []Address {
	less := func(a, b Address) int { return a.Compare(&b) }
	if !slices.IsSortedFunc(all, less) {
		slices.SortStableFunc(all, less)
	}
	return slices.CompactFunc(all, func(later, earlier Address) bool {
		if later.Compare(&earlier) != 0 {
			return false
		}
		r.fault(checkDuplicate.At(later.Pos, len(later.Local), "%s is listed twice", later.Local+"@"+domain).
			Second(earlier.Pos, "first given here").WithHelp("keep one of the two; several recipients are a list: [andrei, bea]"))
		return true
	})
}

// addressKey reads the part before the @.
func (r *reader) addressKey(p pair) (Address, bool) {
	a := Address{Pos: p.key.pos()}
	bad := func(help, format string, args ...any) (Address, bool) {
		r.fault(CheckAddress.At(a.Pos, p.key.size(), format, args...).WithHelp("%s", help))
		return a, false
	}
	switch user, detail, plus := strings.Cut(p.name, "+"); {
	case p.name == "":
		return bad("write the part before the @", "an address is empty")
	case p.name == "*" || p.name == "@":
		return bad("write catch_all: with a target, beside addresses", "%q is no address", p.name)
	case strings.Contains(p.name, "@"):
		return bad("write only what stands before the @, under the domain behind it", "%q is a whole address", p.name)
	case p.name == "++" || p.name == "+*":
		a.Local, a.Form = p.name, ParseForm(p.name)
		return a, true
	case plus && user == "":
		return bad("write user+detail, user+*, user++, +* or ++", "%q has no user before its plus", p.name)
	case strings.Contains(user, "*"), plus && detail != "*" && strings.Contains(detail, "*"), len(detail) > 1 && detail[0] == '+':
		return bad("write user+detail, user+*, user++, +* or ++; other patterns are taken literally and match nothing", "%q is no key of an address", p.name)
	}
	folded, problem := mailaddr.FoldLocal(p.name)
	if problem != nil {
		r.problem(CheckAddress, p.key, problem)
		return a, false
	}
	a.Local, a.Form = folded, ParseForm(folded)
	return a, true
}

// bareNames returns the keys of a mapping that has only names and no values, such as
// {andrei, bea}.
func bareNames(v value) string {
	var names []string
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		name, val := v.child(v.node.Content[i]), v.child(v.node.Content[i+1])
		known := slices.ContainsFunc(addressKeys, func(k key[rawAddress]) bool { return k.Name == name.node.Value })
		if !val.isEmpty() || !name.isScalar() || known || strings.ContainsAny(name.node.Value, ": ") {
			return ""
		}
		names = append(names, name.node.Value)
	}
	return strings.Join(names, ", ")
}

// addressValue reads a target in the short or the long form.
func (r *reader) addressValue(p pair, a *Address) {
	if !p.val.isMapping() {
		a.To = r.target(p.val, p.name)
		return
	}
	if names := bareNames(p.val); names != "" {
		r.fault(checkShape.At(p.val.pos(), 1, "%s goes to a mapping of names without values", p.name).
			WithHelp("a list has square brackets: [%s]", names))
		return
	}
	var raw rawAddress
	a.Noted = r.note(a.Pos, readMapping(r, p.val, p.name, addressKeys, &raw))
	a.To = r.longForm(p.val, &raw, p.name)
	a.Disabled = raw.disabled
	a.Detail = raw.detail
	if raw.senders.node != nil {
		r.sendersOf(a, raw.senders, p.name)
	}
	switch pos := raw.detailPos; {
	case raw.detail == DetailReject && a.Form != Plain:
		r.fault(checkConflict.At(pos.pos(), pos.size(), "%s stands for a detail and refuses details", p.name).
			WithHelp("leave detail out, or write reject as the target"))
	case raw.detail == DetailKeep && a.Form == ExactDetail:
		r.fault(checkConflict.At(pos.pos(), pos.size(), "%s is one address; sendmail gives such a row no detail to keep", p.name).
			WithHelp("write the detail behind the target, or the key %s+*", a.User()))
	}
}

// roles reads role addresses. The word none removes a role.
func (r *reader) roles(v value) []Address {
	var all []Address
	r.pairs(v, "roles", func(p pair) {
		a, ok := r.addressKey(p)
		if ok && a.Form != Plain {
			r.fault(CheckAddress.At(a.Pos, p.key.size(), "role %q has a plus", p.name).WithHelp("list it under addresses"))
			ok = false
		}
		switch {
		case p.val.isScalar() && p.val.node.Value == "none":
			a.To = Target{Kind: Removed, Pos: p.val.pos()}
		default:
			r.addressValue(p, &a)
		}
		if ok {
			all = append(all, a)
		}
	})
	return r.sortAddresses(all, "every domain")
}
