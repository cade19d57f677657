package importer

import "virtmap/internal/mta"

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
