// Package importer makes an inventory from the files of a mail server, or from
// lists of addresses.
//
// It imports the rows of the virtual addresses, the domains that the server serves or
// relays, and the lists and mailboxes that rows lead to. Comments are kept. A server
//
//	# the shop
//	info@bakery.example     andrei
//	old@bakery.example      error:5.1.1:"550 gone"
//
// becomes
//
//	domains:
//	  bakery.example:
//	    addresses:
//	      # the shop
//	      info: andrei
//	      old: {reject: "gone"}
//	    catch_all: local
//
// The importer knows no mail server. An mta.Imported reads the files of a server, says
// what a row means, and what becomes of an address. Lists are judged by the rules of the
// server that they are for. The inventory may be for a server of another kind.
//
// # What a row becomes
//
// A row has the first of these forms with which the inventory has no fault:
//
//	as written       targets, a list, a pattern or a refusal
//	without refused  a list without the members that the server refuses
//	as answered      a refusal with the answer of the server
//	as recipient     the one recipient to which the server sends the mail
//	refused          a refusal without a text
//	a comment        that begins with "Not imported", with the reason
//
// The new inventory is parsed and compiled. A row with a fault gets its next form, and
// the inventory is written again. A line of the files that the server does not read is
// a comment from the beginning.
//
// A domain without rows is catch_all: local. A domain whose only row leads each name to
// the same name at another domain is same_as.
//
// # The proof
//
// At the end Prove compares the outcome of every address by the old files and by the
// files of the inventory, of addresses that nearly match, and of names that no domain
// lists. Every difference has a reason, or is unknown.
//
// Into finds what an existing inventory does not have of an import, and adds it.
package importer

import (
	"errors"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/inventory"
)

// A Server is a mail server that is imported, and its rows.
type Server struct {
	mta.Imported

	kind  *mta.Server // of the inventory
	facts *mta.Facts
	rows  mapfile.Rows // sorted; nil after release
	sum   mapfile.Sum  // of the rows

	decided map[string]decided // by key of a row with a fault
}

// New imports a server, for an inventory of a kind.
func New(kind *mta.Server, from mta.Imported) (*Server, error) {
	rows, err := from.Rows()
	if err != nil {
		return nil, err
	}
	return &Server{Imported: from, kind: kind, facts: from.Facts(), rows: rows, sum: mapfile.SumOf(rows)}, nil
}

// ErrChanged is the error when files change during the import.
var ErrChanged = errors.New("the virtusertable changed while it was read; import it again")

// release releases the rows while an inventory is parsed and compiled. Those of a
// large server need as much memory as the inventory.
func (s *Server) release() {
	s.rows = nil
	s.Release()
}

// readRows reads the rows again after release.
func (s *Server) readRows() (err error) {
	if s.rows != nil {
		return nil
	}
	if s.rows, err = s.Rows(); err == nil && mapfile.SumOf(s.rows) != s.sum {
		err = ErrChanged
	}
	return err
}

// read reports whether the server reads a row with a key.
func (s *Server) read(key string) bool {
	return mta.HasRow(s.rows, key) && s.Serves(key[strings.LastIndexByte(key, '@')+1:])
}

// isOwn reports whether a name is a name of the host, such as localhost: no mail from
// outside comes to it.
func (s *Server) isOwn(name string) bool {
	switch {
	case s.Relays(name), s.facts.Closed[name]:
		return false
	case !strings.Contains(name, "."):
		return true
	}
	return name == "localhost.localdomain" || strings.HasPrefix(name, "localhost.")
}

// A decided is the outcome of an address for which the row of a key decides.
type decided struct {
	outcome.Outcome
	ok      bool // there is such an address
	aliased bool // the mail passes an alias of the server
}

// outcome returns the outcome of an address for which the row of a key decides. Of a row
// with a fault it is asked again and again, and computed once.
func (s *Server) outcome(key string) decided {
	d, known := s.decided[key]
	if known {
		return d
	}
	for _, addr := range examples(key) {
		out, steps := s.Route(addr)
		if d.Outcome = out; s.RowOf(addr, steps) == key {
			d.ok = true
			d.aliased = slices.ContainsFunc(steps, func(step outcome.Step) bool { return step.Table == "aliases" && step.Hit })
			break
		}
	}
	if s.decided == nil {
		s.decided = map[string]decided{}
	}
	s.decided[key] = d
	return d
}

// examples returns addresses that a key may match. For user+* one has an empty detail,
// because the row of user++ decides for any other.
func examples(key string) (all []string) {
	forms := []string{key}
	if local, domain, _ := strings.Cut(key, "@"); strings.HasSuffix(local, "+*") {
		forms = append(forms, inventory.Samples{User: "anybody"}.Of(local)+"@"+domain)
	}
	for _, form := range forms {
		if v, ok := promise.OfRow(form); ok && !slices.Contains(all, v.Address) {
			all = append(all, v.Address)
		}
	}
	return all
}
