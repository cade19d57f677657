package postfix

import (
	"errors"

	"virtmap/internal/mta"
)

// takes returns the domains for which the main.cf of a folder takes mail: the names of
// mydestination, virtual_alias_domains and virtual_mailbox_domains are served, those of
// relay_domains are relayed. A map that is missing is read from its text.
func takes(dir, host string, names []string) (served, relayed map[string]bool, err error) {
	l, err := readLayout(mta.Place{Dir: dir})
	if err != nil || l.config.Path == "" {
		return nil, nil, err
	}
	s := newInstalled(l, mta.Host{Name: host}, nil)
	s.lenient, s.byText = true, true
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.start(); err != nil {
		return nil, nil, err
	}
	served, relayed = map[string]bool{}, map[string]bool{}
	locals, relays := s.Domains()
	for _, name := range locals {
		served[name] = true
	}
	for _, name := range relays {
		relayed[name] = true
	}
	for _, name := range names {
		switch taken, relay := s.router.Takes(name); {
		case relay:
			relayed[name] = true
		case taken:
			served[name] = true
		}
	}
	return served, relayed, nil
}
