package route

import (
	"slices"
	"strings"

	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/outcome"
)

// loginChecks are the restrictions that compare a sender with the user who has logged in
// (postconf(5), smtpd_sender_restrictions). The value says what becomes of an address that
// smtpd_sender_login_maps does not have: true, it is free.
var loginChecks = map[string]bool{
	authenticated:                        false,
	"reject_sender_login_mismatch":       false,
	"reject_known_sender_login_mismatch": true,
}

// authenticated is the restriction that looks at nobody but users who have logged in.
const authenticated = "reject_authenticated_sender_login_mismatch"

// openSenders opens the tables about mail that is sent.
func (r *Router) openSenders() {
	r.senderCanonicalMaps = r.maps("sender_canonical_maps", false)
	r.owners = r.maps("smtpd_sender_login_maps", false)
	classes := r.set("sender_canonical_classes")
	r.rewritesSenders = classes["envelope_sender"] && classes["header_sender"]
}

// Authorises reports whether a list of restrictions compares senders with
// smtpd_sender_login_maps. Where users log in is not asked. Without a table no address is
// anybody's.
func (r *Router) Authorises() bool {
	return slices.ContainsFunc(r.stages, func(l checkList) bool {
		for _, is := range r.senderRules(l.checks, 0) {
			if _, compares := loginChecks[is]; compares {
				return true
			}
		}
		return false
	})
}

// senderRules returns the restrictions of a list, in lower case, that are asked about the
// sender of a user who has logged in. What warn_if_reject makes a warning is left out, and
// so is what stands behind a restriction that decides about every such user.
func (r *Router) senderRules(list []string, depth int) (rules []string) {
	for i := 0; i < len(list); i++ {
		name := strings.ToLower(list[i])
		switch sub, class := r.classes[list[i]]; {
		case name == "warn_if_reject":
			i++
		case class && depth < 10:
			rules = append(rules, r.senderRules(sub, depth+1)...)
		case slices.Contains([]string{"permit", "permit_sasl_authenticated", "reject", "defer"}, name):
			return rules
		default:
			rules = append(rules, name)
		}
	}
	return rules
}

// Sends returns the outcome of MAIL FROM:<from> of a user who has logged in, and the keys that
// were tried in smtpd_sender_login_maps. Only the restrictions of Authorises count: what others say of the sender or the
// recipient is not asked.
func (r *Router) Sends(user, from string) (outcome.Outcome, []outcome.Step) {
	w := &walk{r: r}
	s := &session{walk: w}
	taken := outcome.Outcome{Taken: true, Code: 250, Status: "2.1.0", Text: "Ok"}
	if from == "" {
		return taken, nil
	}
	text, refusal := s.argument(from)
	if refusal == nil {
		refusal = s.extract(text)
	}
	if refusal != nil {
		return outcome.Outcome{Code: refusal.code, Status: "5.1.7", Text: "Bad sender address syntax"}, nil
	}
	for _, list := range r.stages {
		for _, name := range r.senderRules(list.checks, 0) {
			free, compares := loginChecks[name]
			if !compares {
				continue
			}
			if refusal := s.owned(user, free); refusal != nil {
				return s.soften(refusal).outcome(), r.ofOwners(w.steps)
			}
		}
	}
	return taken, r.ofOwners(w.steps)
}

// ofOwners returns the steps of smtpd_sender_login_maps. The others found the domain.
func (r *Router) ofOwners(steps []outcome.Step) []outcome.Step {
	return slices.DeleteFunc(steps, func(step outcome.Step) bool {
		return !slices.ContainsFunc(r.owners.list, func(s *source) bool { return s.short == step.Table })
	})
}

// owned refuses a sender that is not the user's. free says that an address in no table is
// everybody's. It may be in a table that only Postfix can read.
func (s *session) owned(user string, free bool) *reply {
	owners, _, found, err := s.look(s.r.owners, s.to.addr, asKnown)
	switch {
	case s.to.failed, err != nil:
		return lookupError
	case !found && (free || s.r.owners.unread), found && slices.ContainsFunc(table.Split(owners), func(name string) bool { return table.Fold(name) == table.Fold(user) }):
		return nil
	}
	return &reply{553, "5.7.1", bare, "not owned by user " + user}
}

// SendsAs returns the address that a message of the sendmail command of an account comes from,
// and the keys that were tried. ok is false if sender_canonical_maps does not change both the
// envelope sender and the From of the account.
func (r *Router) SendsAs(account string) (addr string, steps []outcome.Step, ok bool) {
	if !r.senderCanonicalMaps.set || !r.rewritesSenders {
		return "", nil, false
	}
	w := &walk{r: r}
	from := r.canonical(account)
	addr, ok = w.canonicalMap(r.senderCanonicalMaps, from)
	return addr, w.steps, ok && table.Fold(addr) != table.Fold(from)
}
