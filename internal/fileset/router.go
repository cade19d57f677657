package fileset

import (
	"strings"

	"virtmap/hostnames"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// Router routes over what an inventory would become. Local accounts are its
// users and local aliases.
func (s Source) Router() *virtuser.Router {
	aliases := map[string]string{}
	rows := s.Compiled.Aliases.MapRows()
	for i := range rows.Len() {
		key, value := rows.Row(i)
		aliases[strings.TrimSuffix(string(key), "\x00")] = strings.TrimSuffix(string(value), "\x00")
	}
	r := &virtuser.Router{
		Host:    s.Model.Host.Name.Text,
		ClassW:  named(hostnames.ClassW(s.Model).All),
		Relayed: named(hostnames.Relayed(s.Model).All),
		Rows:    s.Compiled.Table.Lookup,
		Aliases: func(key []byte) ([]byte, bool, error) {
			value, ok := aliases[string(key)]
			return []byte(value), ok, nil
		},
		Account: func(name string) bool {
			_, user := s.Model.User(name)
			_, alias := s.Model.LocalAlias(name)
			return user || alias
		},
	}
	return r.Ready()
}

// Names are the domains that are taken: class w and the relayed ones.
func (s Source) Names() []string {
	var all []string
	for _, list := range [][]inventory.Name{hostnames.ClassW(s.Model).All, hostnames.Relayed(s.Model).All} {
		for _, n := range list {
			all = append(all, n.Text)
		}
	}
	return all
}

// Takes reports whether mail for a domain is taken.
func (s Source) Takes(domain string) bool {
	i, ok := s.Model.Domain(domain)
	return ok && s.Model.Domains[i].Enabled && !s.Model.Domains[i].Held || s.Model.IsHostName(domain)
}

func named(names []inventory.Name) func(string) bool {
	have := make(map[string]bool, len(names))
	for _, n := range names {
		have[n.Text] = true
	}
	return func(name string) bool { return have[name] }
}
