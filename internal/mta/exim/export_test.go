package exim

import (
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
)

// RouteSource returns what Exim does with an address by the files that were imported as
// lists. account reports whether the server has an account.
func RouteSource(s mta.Imported, account func(name string) bool, addr string) outcome.Outcome {
	v := s.(*listed).virtual
	v.account = account
	o, _ := v.Route(addr)
	return o
}
