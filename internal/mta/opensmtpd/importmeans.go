package opensmtpd

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/imported"
)

// Means returns what a row says. A name alone that has a row is what this row says.
func (s *listed) Means(key, right string) (m mta.Meaning) {
	all, why := s.flat(right, "", nil)
	if why != "" {
		return mta.Meaning{To: []string{why}} // no inventory takes it
	}
	for _, item := range all {
		if item.reply != nil {
			return mta.Meaning{Refuses: true, Reply: imported.WithStatus(*item.reply)}
		}
		if to := s.target(&item); !slices.Contains(m.To, to) {
			m.To = append(m.To, to)
		}
	}
	m.List = len(m.To) > 1
	return m
}

// flat returns the items of a right side, with those of the rows of names alone, or why
// OpenSMTPD refuses or defers its mail. of is the name alone whose row it is, and above are
// those that led to it.
func (s *listed) flat(right, of string, above []string) (all []node, why string) {
	e := readRightSide(right, s.include)
	switch {
	case e.fault != "":
		return nil, fmt.Sprintf("it cannot read %q", e.fault)
	case e.missing != "":
		return nil, "the list in " + e.missing + " is not here"
	}
	for _, item := range e.nodes {
		right, key, ok := s.own(&item)
		switch {
		case item.user == "" || !ok || key == of:
			all = append(all, item)
			continue
		case slices.Contains(above, key):
			return nil, key + " leads in a circle"
		}
		inner, why := s.flat(right, key, append(slices.Clip(above), key))
		if why != "" {
			return nil, why
		}
		all = append(all, inner...)
	}
	return all, ""
}

// target returns an item as an inventory has it.
func (s *listed) target(item *node) string {
	switch {
	case item.path != "":
		return item.path
	case item.user != "":
		return item.user
	}
	user, domain, _ := mailaddr.Split(item.address)
	domain = mailaddr.Lower(domain)
	switch {
	case s.Serves(domain):
		return mailaddr.Lower(user) + "@" + domain
	case s.local[domain]:
		name, _, _ := cutDetail(mailaddr.Lower(user))
		return name
	}
	return user + "@" + domain
}

// Remark says why OpenSMTPD refuses or defers mail because of a value.
func (s *listed) Remark(right string) string {
	_, why := s.flat(right, "", nil)
	return why
}

// Unused says why no inventory can have the row of a key.
func (s *listed) Unused(key string) string {
	right, _ := s.Value(key)
	all, _ := s.flat(right, "", nil)
	for _, item := range all {
		if item.path != "" {
			return fmt.Sprintf("it leads to %s: put it into the server's aliases, and its name here", item.path)
		}
	}
	local, _, _ := mailaddr.Split(key)
	switch missing := readRightSide(right, s.include).missing; {
	case missing != "":
		return "the list in " + missing + " is not here: list the members, or put it into the server's aliases"
	case strings.HasSuffix(local, "++") || strings.HasSuffix(local, "+*"):
		return "in an inventory the name would stand for every detail"
	}
	return ""
}
