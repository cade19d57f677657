package postfix

import (
	"maps"
	"slices"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
)

// readRefusals adds the addresses that access tables and relocated_maps refuse.
func (s *imported) readRefusals(in *foreign) error {
	listed := map[string]bool{}
	for _, row := range in.rows {
		listed[mailaddr.Lower(row.Key)] = true
	}
	for _, spec := range s.refusing() {
		t, err := s.set.openTable(spec)
		if err != nil || t.Each == nil {
			s.left(", %s: which addresses it refuses is not listed", spec)
			continue
		}
		err = t.Each(func(key, _ string) bool {
			for _, addr := range s.refusable(key) {
				if out, _ := s.set.Route(addr); ownRefusal(out) && !strings.HasPrefix(out.Text, unknownUser+" in ") && !listed[addr] {
					listed[addr] = true
					in.rows = append(in.rows, lists.Row{Is: lists.Address, Key: addr, Value: refusedValue(out.Code, out.Status, out.Text)})
				}
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	in.accepted = len(s.refusing()) == 0
	return nil
}

// refusable returns the addresses that an inventory may have of those that the key of an
// access table stands for: of name@ the name at each domain.
func (s *imported) refusable(key string) (addrs []string) {
	local, domain, at := mailaddr.Split(mailaddr.Lower(key))
	switch folded, _ := mailaddr.FoldDomain(domain); {
	case !at || local == "":
	case s.Serves(folded):
		addrs = append(addrs, local+"@"+domain)
	case domain == "":
		for _, name := range slices.Sorted(maps.Keys(s.class)) {
			if s.Serves(name) {
				addrs = append(addrs, local+"@"+name)
			}
		}
	}
	return addrs
}

// refusing returns the tables that refuse mail by the address of the recipient.
func (s *imported) refusing() (specs []string) {
	specs = append(specs, s.site.config.List("relocated_maps")...)
	for _, name := range []string{"smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions", "smtpd_relay_restrictions", "smtpd_recipient_restrictions"} {
		words := s.site.config.List(name)
		for i, word := range words {
			if word == "check_recipient_access" && i+1 < len(words) {
				specs = append(specs, words[i+1])
			}
		}
	}
	return specs
}
