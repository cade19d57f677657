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
// what a row means, and what becomes of an address. The readers of lists are here; the
// server of the inventory judges their rows.
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
	"maps"
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

	kind  *mta.Server
	facts *mta.Facts
	rows  mapfile.Rows // sorted; nil after release
	sum   mapfile.Sum  // of the rows
}

// New imports a server of a kind.
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

// split divides the names into those of the host, which have no rows, and domains.
// The full name of the host is in neither, because an inventory has it anyway.
func (s *Server) split(sections map[string]section) (own, domains []string) {
	have := map[string]bool{}
	for name, d := range sections {
		if d.listed {
			have[name] = true
		}
	}
	for _, name := range s.facts.Names {
		switch {
		case have[name] || name == s.facts.Host:
		case s.isOwn(name):
			own = append(own, name)
		default:
			have[name] = true
		}
	}
	slices.Sort(own)
	return slices.Compact(own), slices.Sorted(maps.Keys(have))
}

// isOwn reports whether a name is a name of the host, such as localhost: no mail from
// outside comes to it.
func (s *Server) isOwn(name string) bool {
	switch {
	case s.Relays(name):
		return false
	case !strings.Contains(name, "."):
		return true
	}
	return name == "localhost.localdomain" || strings.HasPrefix(name, "localhost.")
}

// outcome returns the outcome of an address for which the row of a key decides, and the
// steps to it. ok is false when there is no such address.
func (s *Server) outcome(key string) (out outcome.Outcome, steps []outcome.Step, ok bool) {
	for _, addr := range examples(key) {
		if out, steps = s.Route(addr); s.kind.RowOf(steps) == key {
			return out, steps, true
		}
	}
	return out, steps, false
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
