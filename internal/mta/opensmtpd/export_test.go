package opensmtpd

import (
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
)

// RouteSource returns what OpenSMTPD does with an address by a table that was imported as a
// list. account reports whether the server has an account. several says that more than one
// recipient is refused, so that the reply is that of any of them.
func RouteSource(s mta.Imported, account func(name string) bool, addr string) (o outcome.Outcome, several bool) {
	v := s.(*listed).virtual
	v.account, v.known = account, account
	w := virtualWay{virtual: &v}
	return w.route(addr), w.refused > 1
}
