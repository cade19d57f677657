package importer

import (
	"virtmap/internal/lists"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
)

// ProveAll is Prove, but asks both sets about every address.
func (s *Server) ProveAll(inv *Inventory, built mta.Set) (Proof, error) {
	both, err := s.beside(built)
	if err != nil {
		return Proof{}, err
	}
	known := both.settle()
	known.forget()
	return both.prove(inv, known), nil
}

// MostCopied sets mostCopied until the returned function is called.
func MostCopied(n int) (restore func()) {
	was := mostCopied
	mostCopied = n
	return func() { mostCopied = was }
}

// OfList imports a list, for an inventory of a kind.
func OfList(kind *mta.Server, base, of, text string, account func(name string) bool) (*Server, error) {
	list, err := lists.Read(of, "list", func(string) ([]byte, error) { return []byte(text), nil }, nil)
	if err != nil {
		return nil, err
	}
	judged, err := postfix.Server.ImportLists(mta.Lists{Host: "mx1.example.net", Account: account, Base: base, Lists: []*lists.List{list}})
	if err != nil {
		return nil, err
	}
	return New(kind, judged)
}

// Settled returns the number of rows of which Prove asks nothing.
func (s *Server) Settled(built mta.Set) (n int, err error) {
	both, err := s.beside(built)
	if err != nil {
		return 0, err
	}
	known := both.settle()
	for i := range both.was.Len() {
		if key, _ := both.was.Row(i); known.row(i, key) {
			n++
		}
	}
	return n, nil
}
