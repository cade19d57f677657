package route

import (
	"strings"
)

// unlisted refuses a recipient that none of the tables of its class knows
// (reject_unlisted_recipient).
func (s *session) unlisted() verdict {
	r := s.r
	if r.knowsAll || s.checkedUnlisted {
		return verdict{}
	}
	s.checkedUnlisted = s.warnOnly == 0
	if s.to.failed {
		return s.refuse(*lookupError)
	}
	for _, m := range []*maps{r.recipientCanonicalMaps, r.canonicalMaps, r.virtualMaps} {
		if _, _, ok, err := s.look(m, s.to.addr, asKnown); err != nil {
			return s.trouble(err)
		} else if ok {
			return verdict{}
		}
	}
	switch s.to.transport {
	case "error":
		code := 550
		if s.to.class == aliasClass {
			code = r.codes["unknown_virtual_alias_reject_code"]
		}
		status, text := cutStatus(s.to.nexthop, "5.1.1")
		return s.refuse(reply{code, ofAddress(status, recipient), recipient, text})
	case "retry":
		status, text := cutStatus(s.to.nexthop, "4.1.1")
		return s.refuse(reply{450, ofAddress(status, recipient), recipient, text})
	}
	return s.unknown()
}

// unknown asks the table of the recipient's class.
func (s *session) unknown() verdict {
	r := s.r
	var known *maps
	var which, code string
	switch s.to.class {
	case localClass:
		local, _, _ := strings.Cut(s.to.addr, "@")
		for _, always := range []string{r.doubleBounce, "postmaster", "mailer-daemon"} {
			if strings.EqualFold(local, always) {
				return verdict{}
			}
		}
		known, which, code = r.localRecipients, "local recipient", "unknown_local_recipient_reject_code"
	case mailboxClass:
		known, which, code = r.mailboxRecipients, "virtual mailbox", "unknown_virtual_mailbox_reject_code"
	case relayClass:
		known, which, code = r.relayRecipients, "relay recipient", "unknown_relay_recipient_reject_code"
	default:
		return verdict{}
	}
	if !known.set || known.unread {
		return verdict{} // every address is known, or it may be in a table that only Postfix can read
	}
	if _, _, ok, err := s.look(known, s.to.addr, asKnown); err != nil {
		return s.trouble(err)
	} else if ok {
		return verdict{}
	}
	return s.refuse(reply{r.codes[code], "5.1.1", recipient, "User unknown" + r.inTable(which)})
}
