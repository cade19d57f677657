package webmail

import (
	"embed"
	"net/http"
)

//go:embed page
var pageFiles embed.FS

// pages adds the page. Its files are in the program; it fetches nothing from elsewhere.
func (s *Server) pages(mux *http.ServeMux) {
	for path, file := range map[string]struct{ name, kind string }{
		"GET /{$}": {"index.html", "text/html"}, "GET /page.js": {"page.js", "text/javascript"}, "GET /page.css": {"page.css", "text/css"},
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policyPage)
			w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
			w.Header().Set("Content-Type", file.kind+"; charset=utf-8")
			text, err := pageFiles.ReadFile("page/" + file.name)
			if err != nil {
				http.NotFound(w, r) // the program was built without the file
				return
			}
			_, _ = w.Write(text)
		})
	}
}
