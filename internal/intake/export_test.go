package intake

// ProveAll is Prove that asks about every address.
func (s *Server) ProveAll(inv *Inventory) Proof {
	next := s.beside(inv.Source)
	domains := s.domains(inv)
	known := s.settle(next, inv.Source.Compiled.Table, domains)
	known.forget()
	return s.prove(inv, next, domains, known)
}
