package postfix

import (
	"cmp"
	"math"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// A foreign is what the files or the lists say, before it is judged. The first row of a
// key counts.
type foreign struct {
	first     map[string]int // by key: the first row that has it
	rows      []lists.Row    // of virtual_alias_maps, of the mailboxes, and refusals
	head      []string       // comments at the top
	tail      []string
	left      []string
	lists     bool                   // the rows are those of lists
	base      string                 // of the paths of mailboxes in lists
	accepted  bool                   // no table refuses mail by addresses
	mailboxes func(addr string) bool // reports whether an address without a row may be a mailbox, because a list is not known; nil: all are known
}

// A filling makes the rows of an import.
type filling struct {
	*imported
	in     *foreign
	caught map[string]string // by domain: the targets of its catch-all
	bare   map[string]bool   // names without a domain that have a row
}

// fill makes the rows, the users of the mailboxes, and the facts.
func (s *imported) fill(in *foreign) error {
	in.first = make(map[string]int, len(in.rows))
	f := &filling{imported: s, in: in, caught: map[string]string{}, bare: map[string]bool{}}
	s.facts.Head, s.facts.Tail = in.head, in.tail
	s.facts.Left = append(s.facts.Left, in.left...)
	f.index()
	f.makeUsers()
	if in.lists {
		if err := s.openLists(in); err != nil {
			return err
		}
	}
	s.rows.grow(in.rows, len(s.facts.Host)+1)
	for i := range in.rows {
		f.row(i)
	}
	f.dropUsers()
	f.closeDomains()
	if s.found != nil {
		s.found.in, s.found.refuses = nil, !in.accepted
	}
	in.rows, in.first, s.folds = nil, nil, nil // as large as the rows of the import
	s.rows.sort()
	s.facts.Order = s.rows.places()
	return nil
}

// leave keeps a row as a comment.
func (s *imported) leave(row lists.Row, why string) {
	if row.Where != "" {
		why = row.Where + ": " + why
	}
	key := strings.Clone(row.Key)
	s.facts.Above[key] = append(s.facts.Above[key], row.Above...)
	s.facts.Dead = append(s.facts.Dead, mta.DeadRow{Key: key, Value: strings.Clone(row.Value), Why: why})
}

// lose keeps a row that the server reads, and that no inventory can have, as a comment.
func (s *imported) lose(row lists.Row, why string) {
	s.leave(row, why)
	s.facts.Dead[len(s.facts.Dead)-1].Read = true
}

// row adds the row of a key.
func (f *filling) row(i int) {
	row := f.in.rows[i]
	var value, problem string
	local, domain, _ := mailaddr.Split(row.Key)
	switch row.Is {
	case lists.Mailbox:
		if by := f.in.rows[f.in.first[row.Key]]; by.Is == lists.Address {
			if f.named[row.Key] == "" {
				f.leave(row, cmp.Or(by.Where, "virtual_alias_maps")+" has it first, with "+cut(by.Value))
			}
			return // the row of its targets counts
		}
		value, problem = f.mailboxValue(row, local, domain)
	case lists.SameAs:
		value = "@" + mailaddr.Lower(row.Value)
	default:
		value, problem = f.value(local, domain, row.Value)
	}
	if !f.in.accepted {
		if refusal, refused := f.refusal(row.Key); refused {
			value, problem = refusal, ""
			if f.followed[row.Key] = !strings.HasPrefix(row.Value, refusedSign); f.followed[row.Key] {
				f.leaveRefused(row, refusal)
			}
		}
	}
	if f.found != nil {
		f.found.made(row, value)
	}
	if row.Is == lists.Address && problem == "" && !f.spells(row.Key, row.Value, value) {
		f.odd[strings.Clone(row.Key)] = true
	}
	if problem != "" {
		f.lose(row, problem)
		return
	}
	f.put(row.Key, value, uint32(i)+1, row.Above)
}

// leaveRefused keeps as a comment where a row leads whose mail the server refuses.
func (f *filling) leaveRefused(row lists.Row, refusal string) {
	row.Above = nil // they stay above the refusal
	f.leave(row, "the server refuses its mail: "+strings.TrimPrefix(refusal, refusedSign))
}

// put adds a row with its comments.
func (f *filling) put(key, value string, place uint32, above []string) {
	f.rows.add(key, value, place)
	f.hostRows = f.hostRows || strings.HasSuffix(key, "@"+f.facts.Host)
	if len(above) > 0 {
		key = strings.Clone(key) // a part of a whole list otherwise
		f.facts.Above[key] = append(f.facts.Above[key], above...)
	}
}

// refusal returns the value of a row whose address the server refuses at RCPT, although
// it has a row.
func (f *filling) refusal(key string) (value string, refused bool) {
	addr := key
	if key[0] == '@' {
		addr = unlistedName + key
	}
	out, _ := f.ask(addr)
	if !ownRefusal(out) {
		return "", false
	}
	return refusedValue(out.Code, out.Status, out.Text), true
}

// unlistedName is a local part that no server has.
const unlistedName = "virtmap-nobody"

// dropUsers takes out the users to which no row leads, because the mail of their mailboxes is
// refused.
func (f *filling) dropUsers() {
	used := map[string]bool{}
	for i := range f.rows.list {
		if len(f.users) == 0 {
			return
		}
		_, value := f.rows.Row(i)
		for to := range strings.SplitSeq(string(value), ", ") {
			if name, ours := strings.CutSuffix(to, "@"+f.facts.Host); ours && f.users[name] != nil {
				used[name] = true
			}
		}
	}
	for addr, name := range f.named {
		if !used[name] {
			delete(f.users, name)
			delete(f.named, addr)
		}
	}
	for end, name := range f.ends {
		if f.users[name] == nil {
			delete(f.ends, end)
		}
	}
}

// closeDomains says which domains refuse what they do not list, also when their catch-all
// cannot be imported.
func (f *filling) closeDomains() {
	f.facts.Closed = map[string]bool{}
	for domain, class := range f.class {
		if class != aliasClass && class != mailboxClass {
			continue
		}
		f.facts.Closed[domain] = true
		at, open := f.in.first["@"+domain]
		if out, refused := f.refusedAlways(domain); !open && refused {
			f.put("@"+domain, refusedValue(out.Code, out.Status, out.Text), uint32(len(f.in.rows)), nil)
			if f.found != nil {
				f.found.other["@"+domain] = ""
			}
		}
		if open && f.facts.Detail == inventory.DetailKeep && f.in.rows[at].Is == lists.Address {
			f.unkept(domain, f.in.rows[at].Value)
		}
	}
}

// refusedAlways reports whether a domain refuses unlisted names with another reply than that
// of unknown users.
func (f *filling) refusedAlways(domain string) (out outcome.Outcome, refused bool) {
	out, _ = f.ask(unlistedName + "@" + domain)
	return out, ownRefusal(out) && !strings.HasPrefix(out.Text, unknownUser)
}

// ownRefusal reports whether an outcome is a refusal of an address, and not one of a server
// that has a file it cannot open.
func ownRefusal(out outcome.Outcome) bool {
	return !out.Taken && !out.NotOurs && !(out.Code == 451 && strings.HasPrefix(out.Status, "4.3."))
}

// unkept adds a row for the names with a detail that a domain does not list: Postfix drops
// the detail there, and in an inventory the default is for the catch-all too.
func (f *filling) unkept(domain, text string) {
	value, problem := f.value("", domain, text)
	if problem != "" || strings.HasPrefix(value, "@") || strings.HasSuffix(value, "@"+f.facts.Host) {
		return
	}
	f.put("+*@"+domain, value, math.MaxUint32, nil)
}
