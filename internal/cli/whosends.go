package cli

import (
	"fmt"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// sends returns the addresses from which a user may send.
func (a whoArgs) sends(user string, stdio Stdio) ([]match, error) {
	if strings.Contains(user, "@") {
		return nil, usage(fmt.Errorf("--sends takes a user, not an address; virtmap lookup --from %s says who may send from it", user))
	}
	user = mailaddr.Lower(user)
	if a.installed.maps == "" {
		source, err := faultless(a.inventory, stdio)
		if err != nil {
			return nil, err
		}
		if _, declared := source.Inventory().User(user); !declared {
			return nil, exit(exitProblems, fmt.Errorf("%q is no user of this inventory", user))
		}
		return sendsOf(source.Inventory(), user), nil
	}
	set, of, err := a.installed.open(stdio)
	if err != nil {
		return nil, err
	}
	defer set.Close() // only read
	rows, ok := set.(mta.SendingRows)
	if !ok || !rows.Authorises() {
		return nil, exit(exitProblems, fmt.Errorf("%s in %q has no table of senders: a user who logs in may send from every address", of.kind.Name, of.dir))
	}
	rights, err := rows.Rights()
	if err != nil {
		return nil, exit(exitIO, err)
	}
	var found []match
	for _, l := range rights {
		if l.User == user {
			found = append(found, match{l.From, "a row"})
		}
	}
	return found, nil
}

// sendsOf returns the addresses of an inventory from which one of its users may send.
func sendsOf(m *inventory.Model, user string) (found []match) {
	add := func(addr string, pos diag.Pos) {
		place, _ := m.Sources.Place(pos)
		found = append(found, match{addr, place.String()})
	}
	i, _ := m.User(user)
	command := m.Users[i].SendsAs
	if command.Text != "" && m.Submission.Rewrite {
		found = append(found, match{command.Text, "mail of the sendmail command comes from it"})
	}
	rights := senders.Of(m)
	for d := range m.Domains {
		for right := range rights.In(d) {
			switch {
			case right.Has(user):
				add(right.Local+"@"+m.Domains[d].Name, right.Pos)
			case right.Own && !rights.Lists(d, user):
				add(user+"@"+m.Domains[d].Name, right.Pos)
			}
		}
	}
	if account := user + "@" + m.Host.Name.Text; rights.May(user, account) {
		found = append(found, match{account, "the account"})
	}
	return found
}
