package webmail

import (
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"virtmap/internal/message"
)

// find returns the message of a request: by its ID, or the latest of a query. Without one
// it answers 404.
func (s *Server) find(w http.ResponseWriter, r *http.Request, id string) (view, bool) {
	all, _, _ := s.box.all()
	if id == "latest" {
		if found := matching(all, query(r.FormValue("query"), zoneOf(r))); len(found) > 0 {
			return found[0], true
		}
		http.Error(w, "Message not found", http.StatusNotFound)
		return view{}, false
	}
	for _, v := range all {
		if v.ID == id {
			return v, true
		}
	}
	http.NotFound(w, r)
	return view{}, false
}

func (s *Server) message(w http.ResponseWriter, r *http.Request) {
	v, ok := s.find(w, r, r.PathValue("id"))
	if !ok {
		return
	}
	if !v.read && r.Method == http.MethodGet {
		s.box.update(ofIDs([]string{v.ID}), func(e *entry) { e.read = true })
	}
	writeJSON(w, messageOf(v, message.Read(v.Body)))
}

func (s *Server) headers(w http.ResponseWriter, r *http.Request) {
	if v, ok := s.find(w, r, r.PathValue("id")); ok {
		writeJSON(w, message.Read(v.Body).Header.Map())
	}
}

// raw answers with the bytes as the client sent them.
func (s *Server) raw(w http.ResponseWriter, r *http.Request) {
	v, ok := s.find(w, r, r.PathValue("id"))
	if !ok {
		return
	}
	if r.FormValue("dl") == "1" {
		w.Header().Set("Content-Disposition", `attachment; filename="`+v.ID+`.eml"`)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(v.Body)
}

// part answers with the content of a part, always as a download. A type that a browser
// would run is not repeated.
func (s *Server) part(w http.ResponseWriter, r *http.Request) {
	v, ok := s.find(w, r, r.PathValue("id"))
	if !ok {
		return
	}
	p := message.Read(v.Body).Part(r.PathValue("part"))
	if p == nil {
		http.NotFound(w, r)
		return
	}
	name := p.FileName
	if name == "" {
		name = "part-" + p.ID
	}
	h := w.Header()
	h.Set("Content-Type", harmless(p.Type))
	h.Set("Content-Disposition", `attachment; filename="`+url.PathEscape(name)+`"`)
	_, _ = w.Write(p.Content)
}

// harmless returns a type, or application/octet-stream for one that may have scripts.
func harmless(kind string) string {
	for _, word := range []string{"html", "xml", "svg", "xsl", "script", "pdf", "flash", "multipart"} {
		if strings.Contains(kind, word) {
			return "application/octet-stream"
		}
	}
	if _, _, err := mime.ParseMediaType(kind); err != nil || !strings.Contains(kind, "/") {
		return "application/octet-stream"
	}
	return kind
}

// view answers for /view/ID.html and /view/ID.txt, which clients open as pages, and leads
// from /view/ID to the page of the message.
func (s *Server) view(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	id, isHTML := strings.CutSuffix(name, ".html")
	id, isText := strings.CutSuffix(id, ".txt")
	if name == "latest" {
		all, _, _ := s.box.all()
		to := "/"
		if found := matching(all, query(r.FormValue("query"), zoneOf(r))); len(found) > 0 {
			to = "/view/" + found[0].ID
		}
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	v, ok := s.find(w, r, id)
	if !ok {
		return
	}
	m := message.Read(v.Body)
	switch {
	case isHTML && m.HTML == "":
		http.Error(w, "This message does not contain a HTML part", http.StatusNotFound)
	case isHTML:
		writeHTML(w, m, policyView, func(id string) string {
			if p := m.ByContentID(id); p != nil {
				return "/api/v1/message/" + v.ID + "/part/" + p.ID
			}
			return ""
		})
	case isText:
		writeText(w, messageOf(v, m).Text)
	default:
		http.Redirect(w, r, "/#"+v.ID, http.StatusFound)
	}
}

// writeHTML answers with the HTML of a message, without what a policy does not stop. HTML
// that cannot be cleaned is never sent.
func writeHTML(w http.ResponseWriter, m *message.Mail, policy string, image func(string) string) {
	clean, _, err := message.Clean(m.HTML, image)
	if err != nil {
		writeText(w, "The HTML of this message is nested too deeply to be shown. Its text:\n\n"+message.HTMLText(m.HTML))
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(clean))
}

// maxPreview is the number of bytes of the images in a preview.
const maxPreview = 8 << 20

// rasters are the types of images that have no scripts.
var rasters = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/bmp": true, "image/avif": true}

// preview answers with the HTML of a message for the frame of the page. Images of the
// message are in it, so that the frame needs to fetch nothing.
func (s *Server) preview(w http.ResponseWriter, r *http.Request) {
	v, ok := s.find(w, r, r.PathValue("id"))
	if !ok {
		return
	}
	m, left := message.Read(v.Body), maxPreview
	writeHTML(w, m, policyPreview, func(id string) string {
		p := m.ByContentID(id)
		if p == nil || !rasters[p.Type] || len(p.Content) > left {
			return ""
		}
		left -= len(p.Content)
		return "data:" + p.Type + ";base64," + base64.StdEncoding.EncodeToString(p.Content)
	})
}
