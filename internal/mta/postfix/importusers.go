package postfix

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// A mailboxUser is the user of an inventory that a mailbox of virtual_mailbox_maps became.
type mailboxUser struct {
	file     string // empty: another program than virtual(8) delivers, or the path is not known
	uid, gid string
	comment  string
}

// makeUsers makes a user of each mailbox that gets mail, in the order of the source.
func (f *filling) makeUsers() {
	var taken map[string]bool
	makeUser := func(row lists.Row) {
		if taken == nil {
			taken = f.targetNames()
		}
		f.makeUser(row, taken)
	}
	for _, row := range f.in.rows {
		if row.Is == lists.Mailbox && f.delivered(row.Key) {
			makeUser(row)
		}
	}
	if f.in.mailboxes == nil {
		return
	}
	for _, row := range f.in.rows[:len(f.in.rows):len(f.in.rows)] {
		if row.Is != lists.Address || strings.HasPrefix(row.Value, refusedSign) {
			continue
		}
		local, _, _ := mailaddr.Split(row.Key)
		for word := range eachTarget(row.Value) {
			if addr, ok := f.assumed(local, word); ok {
				makeUser(f.assume(addr, row))
			}
		}
	}
}

// targetNames returns the local names to which rows lead. No user of a mailbox gets one.
func (f *filling) targetNames() map[string]bool {
	names := map[string]bool{}
	for _, row := range f.in.rows {
		if row.Is != lists.Address {
			continue
		}
		for word := range eachTarget(row.Value) {
			local, domain, ok := mailaddr.Split(mailaddr.Lower(word))
			name, _, _ := strings.Cut(cmp.Or(local, mailaddr.Lower(word)), "+")
			if !ok {
				names[name] = true
			} else if f.class[domain] == localClass {
				names[name] = true
			}
		}
	}
	return names
}

// delivered reports whether mail for a mailbox gets there: virtual_alias_maps, which
// Postfix asks first, does not lead it elsewhere.
func (f *filling) delivered(addr string) bool {
	local, domain, _ := mailaddr.Split(addr)
	value, caught := f.caught[domain]
	if at := f.in.first[addr]; f.in.rows[at].Is == lists.Address {
		value, caught = f.in.rows[at].Value, true
	}
	if !caught || local == "" {
		return !caught
	}
	for _, word := range cutTargets(value) {
		if mailaddr.Lower(word) == addr || word == "@"+domain {
			return true
		}
	}
	return false
}

// assumed returns the address of a target that only a list which is not known can
// explain.
func (f *filling) assumed(local, word string) (addr string, ok bool) {
	if whole, same := strings.CutPrefix(word, "@"); same && local != "" {
		word = local + "@" + whole
	}
	name, domain, isAddress := mailaddr.Split(mailaddr.Lower(word))
	if !isAddress || name == "" {
		return "", false
	}
	folded, bad := f.folds.fold(domain)
	if class := f.class[folded]; bad != nil || class != mailboxClass && class != aliasClass {
		return "", false
	}
	addr = name + "@" + folded
	at, listed := f.in.first[addr]
	if listed && f.in.rows[at].Is != lists.Address {
		return "", false // a mailbox that is listed
	}
	if f.named[addr] != "" || !f.in.mailboxes(addr) {
		return "", false
	}
	value, caught := f.caught[folded]
	if listed {
		value = f.in.rows[at].Value
	}
	return addr, !listed && !caught || leadsBack(value, addr)
}

// leadsBack reports whether an address is one of the targets of a value.
func leadsBack(value, addr string) bool {
	for word := range eachTarget(value) {
		if mailaddr.Lower(word) == addr {
			return true
		}
	}
	return false
}

// assume adds the mailbox of an address that only a list which is not known explains, and
// returns its row.
func (f *filling) assume(addr string, by lists.Row) lists.Row {
	row := lists.Row{Is: lists.Mailbox, Key: addr, Where: by.Where}
	if _, listed := f.in.first[addr]; !listed {
		f.in.first[addr] = len(f.in.rows)
		f.in.rows = append(f.in.rows, row)
	}
	return row
}

// makeUser makes the user of a mailbox. Addresses with the same file have the same user.
func (f *filling) makeUser(row lists.Row, taken map[string]bool) {
	local, domain, _ := mailaddr.Split(row.Key)
	if local == "" {
		local = path.Base(row.Value)
	}
	if f.named[row.Key] != "" {
		return
	}
	u := &mailboxUser{}
	f.place(u, row)
	name := f.ends[u.file] // of an address with this file; no address has the file ""
	if name == "" {
		if name = f.userFor(mailaddr.Lower(local), domain, taken); name == "" {
			return
		}
		f.users[name] = u
	}
	f.named[row.Key], f.ends[row.Key] = name, name
	if f.in.lists {
		f.ends["/"+row.Key] = name
	}
	if u.file != "" {
		f.ends[u.file] = name
	}
}

// place finds where the mail of a mailbox is.
func (f *filling) place(u *mailboxUser, row lists.Row) {
	by, base := f.param("virtual_transport"), f.param("virtual_mailbox_base")
	if f.in.lists {
		by, base = "virtual", f.in.base
	}
	switch {
	case by != "virtual" && by != "virtual:":
		u.comment = fmt.Sprintf("The mailbox of %s was behind %s: name the account that gets its mail.", row.Key, by)
	case row.Value == "" && f.in.mailboxes != nil:
		u.comment = fmt.Sprintf("The lists say of %s only that it has a mailbox: name the account that gets its mail.", row.Key)
	case base == "" && !path.IsAbs(row.Value):
		u.comment = fmt.Sprintf("The mailbox of %s was %s: name the account that gets its mail.", row.Key, cut(row.Value))
	default:
		u.file = path.Join("/", base, row.Value)
		if strings.HasSuffix(row.Value, "/") {
			u.file += "/"
		}
		u.uid, u.gid = f.owner("virtual_uid_maps", row.Key), f.owner("virtual_gid_maps", row.Key)
		if u.gid == u.uid {
			u.gid = ""
		}
	}
}

// owner returns what virtual_uid_maps or virtual_gid_maps has for an address; empty:
// nothing that can be read.
func (f *filling) owner(param, addr string) string {
	local, domain, _ := mailaddr.Split(addr)
	for _, spec := range f.site.config.List(param) {
		t, err := f.set.openTable(spec)
		if err != nil {
			continue
		}
		for _, key := range []string{local + "@" + domain, "@" + domain} {
			if value, ok, err := t.Find(key); ok && err == nil {
				return value
			}
		}
	}
	return ""
}

// accountName matches the names that an account may have.
var accountName = regexp.MustCompile(`^[a-z_][a-z0-9_.-]{0,31}$`)

// userFor returns a free name for the user of an address, or an empty text.
func (f *filling) userFor(local, domain string, taken map[string]bool) string {
	for _, name := range []string{local, local + "." + domain} {
		_, listed := f.in.first[name+"@"+f.facts.Host]
		if f.users[name] == nil && !listed && !taken[name] && !f.account(name) && !f.aliases[name] && accountName.MatchString(name) {
			return name
		}
	}
	return ""
}

// mailboxValue returns the value of a mailbox that has no targets.
func (f *filling) mailboxValue(row lists.Row, local, domain string) (value, problem string) {
	user := f.named[row.Key]
	switch {
	case user != "":
		return user + "@" + f.facts.Host, ""
	case !f.delivered(row.Key):
		return "", "postfix asks virtual_alias_maps first, and @" + domain + " there takes the mail of this mailbox"
	case local == "":
		return "", "one mailbox for every name of a domain: name a user under catch_all"
	}
	return "", "its name can be that of no account: name a user"
}

// unknownUser is the text of a refusal, before the name of a table.
const unknownUser = "User unknown"

// User returns what the files say of a user.
func (s *imported) User(name string) mta.Mailbox {
	m := mta.Mailbox{Note: s.notes[name]}
	if u := s.users[name]; u != nil {
		m.File, m.UID, m.GID, m.Comment = u.file, u.uid, u.gid, u.comment
	}
	return m
}

// end returns a recipient in the form that is compared: the user of a mailbox, or an
// address with its domain in lower case.
func (s *imported) end(to string) string {
	local, domain, isAddress := mailaddr.Split(to)
	if !isAddress {
		return cmp.Or(s.ends[to], to)
	}
	domain = mailaddr.Lower(domain)
	if s.class[domain] == elsewhere {
		return local + "@" + domain
	}
	addr := mailaddr.Lower(local) + "@" + domain
	if name, made := s.ends[addr]; made {
		return name
	}
	user, detail, split := strings.Cut(mailaddr.Lower(local), "+")
	if name, made := s.ends[user+"@"+domain]; made && split && user != "" && s.facts.Detail != inventory.DetailReject {
		if s.facts.Detail == 0 {
			return name
		}
		return name + "+" + detail
	}
	return addr
}

// byUsers returns an outcome with the users of mailboxes in the place of their paths and
// addresses. The text of a refusal does not name the table in which a user is unknown.
func (s *imported) byUsers(out outcome.Outcome) outcome.Outcome {
	if strings.HasPrefix(out.Text, unknownUser+" in ") {
		out.Text = unknownUser
	}
	var all []string
	for i, to := range out.Recipients {
		end := s.end(to)
		if end == to {
			continue
		}
		if all == nil {
			all = slices.Clone(out.Recipients)
		}
		all[i] = end
	}
	if all != nil {
		out.Recipients = sortedOnce(all)
	}
	return out
}
