package postfix

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/outcome"
)

// Names of the tables that lists become.
const (
	listVirtual   = "list-virtual"
	listMailboxes = "list-mailboxes"
	listAliased   = "list-alias-domains"
	listBoxed     = "list-mailbox-domains"
	listRelayed   = "list-relay-domains"
	listAccess    = "list-access"
)

// importLists has lists judged as tables of a Postfix that drops details. A target at a
// domain of the lists that no list explains is a mailbox.
func importLists(l mta.Lists) (mta.Imported, error) {
	s := newImported(bare(DefaultDir), mta.Host{Name: l.Host, Account: l.Account})
	in := &foreign{lists: true, base: l.Base, mailboxes: func(string) bool { return true }}
	for _, list := range l.Lists {
		if rows := s.listed(list.Rows); in.rows == nil {
			in.rows = rows
		} else {
			in.rows = append(in.rows, rows...)
		}
		list.Rows = nil // a large list has a hundred bytes a row
		in.head, in.tail = append(in.head, list.Head...), append(in.tail, list.Tail...)
		for _, left := range list.Left {
			key, value := mta.CutLine(left.Text)
			s.leave(lists.Row{Where: left.Where, Key: key, Value: value, Above: left.Above}, left.Why)
		}
		s.warnings = append(s.warnings, list.Notes...)
	}
	s.class[l.Host], s.asked["postmaster"] = localClass, true // every server has this name
	if err := s.fill(in); err != nil {
		return nil, err
	}
	s.facts.Names = slices.DeleteFunc(s.facts.Names, func(name string) bool { return name == l.Host })
	return s, nil
}

// listed returns the rows of a list that are judged, in the memory of the list.
func (s *imported) listed(rows []lists.Row) []lists.Row {
	kept := rows[:0]
	for _, row := range rows {
		if row.Is == lists.Alias {
			s.addAlias(strings.Clone(row.Key), "")
			continue
		}
		if row, ok := s.listedRow(row); ok {
			kept = append(kept, row)
		}
	}
	return kept
}

// listedRow returns a row of a list as it is judged, and adds its domain.
func (s *imported) listedRow(row lists.Row) (judged lists.Row, ok bool) {
	key := row.Key
	if _, domain, ok := mailaddr.Split(key); ok {
		key = domain
	} else if row.Is == lists.Address {
		key = s.facts.Host
	}
	domain, bad := s.folds.fold(key)
	if bad != nil {
		s.leave(row, bad.Text)
		return row, false
	}
	kind := aliasClass
	if row.Is == lists.Backup {
		kind = relayClass
	}
	if s.class[domain] == elsewhere {
		domain = strings.Clone(domain) // a part of the whole list otherwise
		s.class[domain] = kind
		s.facts.Names = append(s.facts.Names, domain)
	}
	if row.Is == lists.SameAs {
		row.Key = "@" + domain
	}
	if row.Is == lists.Address {
		s.askFor(row.Value)
		if reply, refuses := errorRow(row.Value); refuses {
			row.Value = reply
		}
	}
	return row, true
}

// askFor remembers the local names of a right side: that a list leads to them says that
// they are there.
func (s *imported) askFor(value string) {
	for word := range eachTarget(value) {
		name := mailaddr.Lower(word)
		if local, domain, ok := mailaddr.Split(name); ok && domain == s.facts.Host {
			name = local
		}
		if strings.IndexByte(name, '@') >= 0 {
			continue
		}
		if name, _, _ = strings.Cut(name, "+"); !s.asked[name] {
			s.asked[strings.Clone(name)] = true // a part of the whole list otherwise
		}
	}
}

// errorRow returns the value of a row that refuses mail as a row of sendmail does, such as
// error:5.1.1:"550 gone".
func errorRow(value string) (refused string, ok bool) {
	rest, ok := strings.CutPrefix(mailaddr.Lower(value), "error:")
	if !ok {
		return "", false
	}
	out := outcome.Outcome{Code: 550, Status: "5.1.1", Text: "User unknown"}
	rest = value[len(value)-len(rest):]
	if status, text, split := strings.Cut(rest, ":"); split && strings.Count(status, ".") == 2 {
		out.Status, rest = status, text
	}
	rest = strings.Trim(rest, `"`)
	var text string
	if _, err := fmt.Sscanf(rest, "%3d", &out.Code); err == nil {
		_, text, _ = strings.Cut(rest, " ")
		out.Text = strings.TrimSpace(text)
	}
	return refusedValue(out.Code, out.Status, out.Text), true
}

// openLists opens the tables of lists.
func (s *imported) openLists(in *foreign) error {
	var mailboxes, access mapfile.Pairs
	for _, addr := range slices.Sorted(maps.Keys(s.named)) {
		mailboxes = append(mailboxes, [2]string{addr, addr})
		_, domain, _ := mailaddr.Split(addr)
		if s.class[domain] == aliasClass {
			s.class[domain] = mailboxClass
		}
	}
	domains := map[class]mapfile.Pairs{}
	for _, name := range slices.Sorted(maps.Keys(s.class)) {
		domains[s.class[name]] = append(domains[s.class[name]], [2]string{name, "x"})
	}
	for _, row := range in.rows {
		if reply, refuses := strings.CutPrefix(row.Value, refusedSign); refuses {
			access = append(access, [2]string{row.Key, reply})
		}
	}
	s.found = &listTable{s: s, in: in, other: map[string]string{}}
	s.set.tables = map[string]*table.Table{listVirtual: s.found.table()}
	s.set.texts = map[string]mta.Text{
		listMailboxes: {Rows: mailboxes}, listAccess: {Rows: access},
		listAliased: {Rows: domains[aliasClass]}, listBoxed: {Rows: domains[mailboxClass]}, listRelayed: {Rows: domains[relayClass]},
	}
	in.accepted = len(access) == 0
	s.site.config = s.site.config.Apply([]byte(listLines))
	return s.set.start()
}

// listLines are the lines for main.cf with which a Postfix reads lists. Mailboxes are
// files whose names are the keys of their rows.
var listLines = "\nmydestination = $myhostname\n" +
	"virtual_alias_domains = hash:/" + listAliased + "\nvirtual_alias_maps = hash:/" + listVirtual +
	"\nvirtual_mailbox_domains = hash:/" + listBoxed + "\nvirtual_mailbox_maps = hash:/" + listMailboxes + "\n" +
	"virtual_mailbox_base = /\nvirtual_uid_maps = static:1000\nvirtual_gid_maps = static:1000\n" +
	"relay_domains = hash:/" + listRelayed + "\nrecipient_delimiter = +\npropagate_unmatched_extensions = canonical\n" +
	"smtpd_recipient_restrictions = check_recipient_access hash:/" + listAccess + "\n"
