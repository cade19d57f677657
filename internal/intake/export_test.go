package intake

import "virtmap/internal/fileset"

// ProveAll is Prove that asks about every address.
func (s *Server) ProveAll(inv *Inventory, built *fileset.Installed) (Proof, error) {
	both, err := s.beside(built)
	if err != nil {
		return Proof{}, err
	}
	known := both.settle()
	known.forget()
	return both.prove(inv, known), nil
}
