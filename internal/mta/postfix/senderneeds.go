package postfix

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
)

// Services of master.cf have lists of restrictions of their own more often about senders than
// about anything else: that of submission in Debian's master.cf has -o
// smtpd_sender_restrictions=$mua_sender_restrictions. So what counts is every service at which
// users log in.

// sameChecks are the restrictions that do for users who have logged in what senderCheck does.
var sameChecks = []string{senderCheck, "reject_sender_login_mismatch"}

// loginServices returns the services at which users log in.
func (l *layout) loginServices() (all []maincf.Service) {
	for _, s := range l.config.Services() {
		if (s.Type == "inet" || s.Type == "pass") && runs(s, "smtpd") && is("yes")(l.config.ParamOf(s, saslEnable)) {
			all = append(all, s)
		}
	}
	return all
}

// lacksSenderCheck says why main.cf does not have senders compared with virtmap-senders; empty
// if it does, or if each service at which users log in has a list of its own that does.
func (c *configuration) lacksSenderCheck() string {
	services := c.loginServices()
	lacking := func(s maincf.Service) bool { return c.lacksIn(c.config.ParamOf(s, senderChecks)) != "" }
	if len(services) > 0 && !slices.ContainsFunc(services, lacking) {
		return ""
	}
	return c.lacksIn(c.config.Param(senderChecks))
}

// lacksIn says why a list of restrictions does not have senders compared with virtmap-senders.
func (c *configuration) lacksIn(list string) string {
	for _, restriction := range c.flat(list, 0) {
		word, _, _ := strings.Cut(strings.ToLower(restriction), " ")
		switch {
		case slices.Contains(sameChecks, strings.ToLower(restriction)):
			return ""
		case slices.Contains(passStrangers, word), slices.Contains(passClients, word):
			return fmt.Sprintf("%s has %q before %q, which is then not asked for everyone who has logged in", senderChecks, restriction, senderCheck)
		}
	}
	return fmt.Sprintf("%s does not have %q", senderChecks, senderCheck)
}

// senders adds a gap for each service at which users log in and whose own values take those
// of the build away, and for a virtmap-senders that main.cf names although the inventory does
// not ask for it.
func (s *serving) senders() {
	if !s.build.needs.senders {
		s.unasked()
		return
	}
	for _, service := range s.loginServices() {
		for _, o := range service.Overrides {
			if what := s.lostSenders(service, o); what != "" {
				s.add(gap{Gap: mta.Gap{Path: s.master(), Line: service.Line, What: fmt.Sprintf("the service %s has -o %s=%s: %s", service.Name, o.Name, o.Value, what),
					Write: fmt.Sprintf("%s %s … %s, without -o %s=…", service.Name, service.Type, service.Command, o.Name)}})
			}
		}
	}
}

// lostSenders says what an override of a service takes away; empty if it takes nothing.
func (s *serving) lostSenders(service maincf.Service, o maincf.Override) string {
	value := s.config.ParamOf(service, o.Name)
	switch o.Name {
	case senderChecks:
		return s.lacksIn(value)
	case loginMaps:
		for _, n := range s.build.needed() {
			if n.line.Name == loginMaps && !slices.ContainsFunc(maincf.SplitList(value), func(e string) bool { return sameTable(e, n.element) }) {
				return fmt.Sprintf("%s does not name %s", loginMaps, n.element)
			}
		}
	}
	return ""
}

// namesSenders returns the place of a line that names virtmap-senders.
func (c *configuration) namesSenders() (path string, line int, named bool) {
	ours := func(element string) bool { return filepath.Base(element) == fileSenders }
	if _, line, _ := c.config.Set(loginMaps); slices.ContainsFunc(c.config.List(loginMaps), ours) {
		return c.config.Path, line, true
	}
	for _, s := range c.config.Services() {
		for _, o := range s.Overrides {
			if o.Name == loginMaps && slices.ContainsFunc(maincf.SplitList(c.config.ParamOf(s, loginMaps)), ours) {
				return c.master(), s.Line, true
			}
		}
	}
	return "", 0, false
}

// unasked adds a gap for a virtmap-senders that is named and not asked for. Without rows it
// would refuse every user who has logged in, so that it waits.
func (s *serving) unasked() {
	path, line, named := s.namesSenders()
	if !named {
		return
	}
	write := "take " + fileSenders + " out of -o " + loginMaps + "=…"
	if path == s.config.Path {
		others := slices.DeleteFunc(s.config.List(loginMaps), func(e string) bool { return filepath.Base(e) == fileSenders })
		write = strings.TrimSpace(loginMaps + " = " + strings.Join(others, ", "))
	}
	s.add(gap{Gap: mta.Gap{Path: path, Line: line, Write: write,
		What: fmt.Sprintf("%s names %s, and the inventory no longer has submission: {authorise: yes}: the file stays as it is, because without rows every user who logs in would be refused", loginMaps, fileSenders)}})
	restrictions := maincf.Restrictions(s.config.Param(senderChecks))
	others := slices.DeleteFunc(slices.Clone(restrictions), func(r string) bool { return strings.EqualFold(r, senderCheck) })
	if _, line, _ := s.config.Set(senderChecks); len(others) < len(restrictions) {
		s.add(gap{Gap: mta.Gap{Path: s.config.Path, Line: line, Write: strings.TrimSpace(senderChecks + " = " + strings.Join(others, ", ")),
			What: fmt.Sprintf("%s has %s, which without %s refuses every user who logs in", senderChecks, senderCheck, fileSenders)}})
	}
}
