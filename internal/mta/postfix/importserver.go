package postfix

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// readClasses finds the class of each domain, in the order in which Postfix does. Names of
// the host and of virtmap are no domains.
func (s *imported) readClasses() {
	local, virtual, mailbox, relay := s.set.router.Domains()
	for i, names := range [][]string{local, virtual, mailbox, relay} {
		kind := localClass + class(i)
		for _, name := range names {
			folded, bad := mailaddr.FoldDomain(name)
			switch {
			case reserved(name) || strings.HasPrefix(name, "[") || isLocalhost(name):
			case strings.HasPrefix(name, "."):
				s.left(", %s: the names below it, of which an inventory wants each one listed", name)
			case bad != nil && strings.Contains(name, "."):
				s.left(", a domain: %s", bad.Text)
			case bad != nil:
			case s.class[folded] != elsewhere && name == folded:
				delete(s.spelled, folded)
			case s.class[folded] == elsewhere:
				if !isASCII([]byte(name)) {
					s.spelled[folded] = name
				}
				s.class[folded] = kind
				s.facts.Names = append(s.facts.Names, folded)
			}
		}
	}
	s.class[s.facts.Host] = localClass
	s.facts.Names = slices.DeleteFunc(s.facts.Names, func(name string) bool { return name == s.facts.Host })
	slices.Sort(s.facts.Names)
}

// left adds something that no inventory can have.
func (s *imported) left(format string, args ...any) {
	s.facts.Left = append(s.facts.Left, fmt.Sprintf(format, args...))
}

// readServer reads the rows of the tables, the comments of their texts, and the settings.
func (s *imported) readServer() (*foreign, error) {
	in := &foreign{}
	s.settings()
	s.notesOf("sender_canonical_maps", "canonical_maps", "smtp_generic_maps")
	s.notesOfLogins()
	if _, err := s.readTables(in, "virtual_alias_maps", lists.Address); err != nil {
		return nil, err
	}
	unread, err := s.readTables(in, "virtual_mailbox_maps", lists.Mailbox)
	if err != nil {
		return nil, err
	}
	if unread {
		in.mailboxes = func(addr string) bool {
			_, domain, _ := mailaddr.Split(addr)
			return s.class[domain] == mailboxClass
		}
	}
	s.readReplaced()
	return in, s.readRefusals(in)
}

// settings reads what main.cf says of details, maps and folders.
func (s *imported) settings() {
	delimiter := s.param("recipient_delimiter")
	passed := slices.Contains(s.site.config.List("propagate_unmatched_extensions"), "virtual")
	switch {
	case !strings.Contains(delimiter, "+"):
		s.facts.Detail = inventory.DetailReject
	case passed:
		s.facts.Detail = inventory.DetailKeep
	}
	if delimiter != "" && delimiter != "+" {
		s.left(", recipient_delimiter = %s: an inventory knows details behind a + alone", delimiter)
	}
	if s.site.home != DefaultDir {
		s.facts.MailDir = s.site.home
	}
	first, _, _ := strings.Cut(s.param("virtual_alias_maps")+" ", " ")
	typ, _, _ := strings.Cut(strings.TrimPrefix(first, "proxy:"), ":")
	if typ != mapTypes[0] && slices.Contains(mapTypes, typ) {
		s.facts.MapType = typ
	}
	for _, name := range []string{"canonical_maps", "recipient_canonical_maps", "transport_maps", "luser_relay", "always_bcc", "recipient_bcc_maps"} {
		if value := s.param(name); value != "" {
			s.left(", %s = %s: it stays in main.cf, and the inventory says nothing of it", name, cut(value))
		}
	}
	if s.param("relay_recipient_maps") != "" {
		s.left(", relay_recipient_maps: a backup domain of an inventory passes on the mail of every name")
	}
}

// notesOf notes for each account the addresses that it sends from.
func (s *imported) notesOf(params ...string) {
	for _, param := range params {
		for _, spec := range s.site.config.List(param) {
			t, err := s.set.openTable(spec)
			if err != nil || t.Each == nil {
				continue
			}
			_ = t.Each(func(key, value string) bool {
				name, domain, at := mailaddr.Split(mailaddr.Lower(key))
				if !at {
					name, domain = mailaddr.Lower(key), s.facts.Host
				}
				if s.class[domain] == localClass {
					s.note(name, "sends as "+cut(value)+" ("+param+")")
				}
				return true
			})
		}
	}
}

// notesOfLogins notes for each account the addresses that its login may send from.
func (s *imported) notesOfLogins() {
	const param = "smtpd_sender_login_maps"
	for _, spec := range s.site.config.List(param) {
		t, err := s.set.openTable(spec)
		if err != nil || t.Each == nil {
			continue
		}
		_ = t.Each(func(key, logins string) bool {
			for _, login := range cutTargets(logins) {
				s.note(mailaddr.Lower(login), "may send as "+key+" ("+param+")")
			}
			return true
		})
	}
}

// maxNote is the length from which a note about a user gets nothing more.
const maxNote = 200

// note adds something to the note about an account.
func (s *imported) note(name, text string) {
	switch was := s.notes[name]; {
	case !s.account(name) || len(was) > maxNote:
	case was == "":
		s.notes[name] = text
	default:
		s.notes[name] = was + "; " + text
	}
}

// readTables reads the rows of the tables of a parameter. unread says that there are tables
// whose rows cannot be listed.
func (s *imported) readTables(in *foreign, param string, is lists.Is) (unread bool, err error) {
	for _, spec := range s.site.config.List(param) {
		t, err := s.set.openTable(spec)
		switch {
		case err != nil:
			s.unread[param] = append(s.unread[param], spec)
			s.left(", %s: %s is not read; give its rows as a list of its own (--from csv:FILE)", param, spec)
			unread = true
		case t.Each == nil && t.Type != "static":
			s.ruled = append(s.ruled, t)
			s.unread[param] = append(s.unread[param], spec)
			s.left(", %s: %s has rules, which stand for any number of addresses: list the addresses", param, spec)
		case t.Each == nil:
			s.ruled = append(s.ruled, t)
			s.left(", %s: %s has one value for every address", param, spec)
		default:
			if err := s.readTable(in, t, is); err != nil {
				return false, err
			}
		}
	}
	return unread, nil
}

// readTable reads the rows of a table, in the order of its text if there is one.
func (s *imported) readTable(in *foreign, t *table.Table, is lists.Is) error {
	have := map[string]bool{}
	text, err := s.textOf(t, is)
	if err != nil {
		return err
	}
	for _, row := range text.Rows {
		if row.Is == lists.Domain || s.isDomain(row.Key) {
			row.Is = lists.Domain
			in.rows = append(in.rows, row)
			continue
		}
		row.Is = is
		folded := table.Fold(row.Key)
		value, there, err := t.Find(folded)
		switch {
		case err != nil:
			return err
		case have[folded]:
			s.leave(row, "the text has this address before")
			continue
		case !there:
			s.leave(row, "the text has this row, and the map that Postfix reads has not")
			continue
		case is == lists.Address && !slices.Equal(cutTargets(value), cutTargets(row.Value)):
			row.Above = append(row.Above, "# The text says "+cut(row.Value)+", and the map that Postfix reads has this.")
			row.Value = value
		case is == lists.Mailbox:
			row.Value = value
		}
		have[folded] = true
		in.rows = append(in.rows, row)
	}
	in.head, in.tail = append(in.head, text.Head...), append(in.tail, text.Tail...)
	for _, left := range text.Left {
		in.left = append(in.left, ": "+left.Where+": "+left.Text+" ("+left.Why+")")
	}
	return t.Each(func(key, value string) bool {
		if !have[table.Fold(key)] && !s.isDomain(key) {
			in.rows = append(in.rows, lists.Row{Is: is, Key: key, Value: value})
		}
		return true
	})
}

// isDomain reports whether the key of a table declares a domain.
func (s *imported) isDomain(key string) bool {
	folded, bad := mailaddr.FoldDomain(key)
	return bad == nil && !strings.Contains(key, "@") && s.class[folded] != elsewhere
}

// textOf reads the text of a table; without one the list is empty.
func (s *imported) textOf(t *table.Table, is lists.Is) (*lists.List, error) {
	if !strings.HasPrefix(t.Path, "/") {
		return &lists.List{}, nil
	}
	text, err := regular.ReadIfThere(s.site.place(t.Path))
	if err != nil || text == nil || ours(t.Name()) {
		return &lists.List{}, err
	}
	kind := "postfix"
	if is == lists.Mailbox {
		kind = "mailbox"
	}
	return lists.Read(kind, t.Path, func(string) ([]byte, error) { return text, nil }, nil)
}
