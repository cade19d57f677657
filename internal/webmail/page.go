package webmail

import "net/http"

func (s *Server) pages(mux *http.ServeMux) { _ = mux }
