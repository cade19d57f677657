package webmail

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mailpit adds the interface of Mailpit. Its wrong methods and unknown paths are 405 and
// 404, and errors are plain text.
func (s *Server) mailpit(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/messages", s.listMessages)
	mux.HandleFunc("PUT /api/v1/messages", s.setRead)
	mux.HandleFunc("DELETE /api/v1/messages", s.deleteMessages)
	mux.HandleFunc("GET /api/v1/search", s.search)
	mux.HandleFunc("DELETE /api/v1/search", s.deleteFound)
	mux.HandleFunc("GET /api/v1/message/{id}", s.message)
	mux.HandleFunc("GET /api/v1/message/{id}/headers", s.headers)
	mux.HandleFunc("GET /api/v1/message/{id}/raw", s.raw)
	mux.HandleFunc("GET /api/v1/message/{id}/part/{part}", s.part)
	mux.HandleFunc("GET /api/v1/tags", s.tags)
	mux.HandleFunc("PUT /api/v1/tags", s.setTags)
	mux.HandleFunc("POST /api/v1/send", s.send)
	mux.HandleFunc("GET /api/v1/info", s.info)
	mux.HandleFunc("GET /api/v1/webui", s.webui)
	mux.HandleFunc("GET /view/{name}", s.view)
	mux.HandleFunc("PUT /api/v1/tags/{tag}", s.renameTag)
	mux.HandleFunc("DELETE /api/v1/tags/{tag}", s.deleteTag)
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
}

// writeJSON answers with a value.
func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // the client may have gone
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text)
}

// readJSON reads the body of a request. An empty body is io.EOF.
func readJSON(r *http.Request, value any) error {
	return json.NewDecoder(r.Body).Decode(value)
}

// refuseBody answers for a body that cannot be read.
func refuseBody(w http.ResponseWriter, err error) {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		http.Error(w, "the body is larger than "+strconv.Itoa(maxBody)+" bytes", http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(w, "the body is no JSON of this call: "+err.Error(), http.StatusBadRequest)
}

// number returns a number of the query; a bad or negative one is the default.
func number(r *http.Request, name string, standard int) int {
	if n, err := strconv.Atoi(r.FormValue(name)); err == nil && n >= 0 {
		return n
	}
	return standard
}

// zoneOf returns the zone that the query names, or that of this machine.
func zoneOf(r *http.Request) *time.Location {
	if name := r.FormValue("tz"); name != "" {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return time.Local
}

// page answers with a page of the messages for which all terms are true.
func (s *Server) page(w http.ResponseWriter, r *http.Request, terms []term) {
	if at, ok := readDate(r.FormValue("before"), zoneOf(r)); ok {
		terms = append(terms, func(v *view) bool { return v.arrived.Before(at) })
	}
	all, _, _ := s.box.all()
	writeJSON(w, list(all, matching(all, terms), number(r, "start", 0), number(r, "limit", 50)))
}

func (s *Server) listMessages(w http.ResponseWriter, r *http.Request) { s.page(w, r, nil) }

// queryOf returns the query of a request. Without one it answers 400.
func queryOf(w http.ResponseWriter, r *http.Request) ([]term, bool) {
	text := r.FormValue("query")
	if text == "" {
		http.Error(w, "Error: no search query", http.StatusBadRequest)
		return nil, false
	}
	return query(text, zoneOf(r)), true
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	if terms, ok := queryOf(w, r); ok {
		s.page(w, r, terms)
	}
}

func (s *Server) deleteFound(w http.ResponseWriter, r *http.Request) {
	if terms, ok := queryOf(w, r); ok {
		all, _, _ := s.box.all()
		s.box.remove(ofViews(matching(all, terms)))
		writeText(w, "ok")
	}
}

func (s *Server) deleteMessages(w http.ResponseWriter, r *http.Request) {
	var body struct{ IDs []string }
	if err := readJSON(r, &body); err != nil && !errors.Is(err, io.EOF) {
		refuseBody(w, err)
		return
	}
	if len(body.IDs) > 0 {
		s.box.remove(ofIDs(body.IDs))
	} else {
		s.box.empty()
	}
	writeText(w, "ok")
}

func (s *Server) setRead(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Read   bool
		IDs    []string
		Search string
	}
	if err := readJSON(r, &body); err != nil {
		refuseBody(w, err)
		return
	}
	chosen := func(*entry) bool { return true }
	switch {
	case len(body.IDs) > 0 && body.Search != "":
		http.Error(w, "IDs and Search exclude each other", http.StatusBadRequest)
		return
	case len(body.IDs) > 0:
		chosen = ofIDs(body.IDs)
	case body.Search != "":
		all, _, _ := s.box.all()
		chosen = ofViews(matching(all, query(body.Search, zoneOf(r))))
	}
	s.box.update(chosen, func(e *entry) { e.read = body.Read })
	writeText(w, "ok")
}

func (s *Server) tags(w http.ResponseWriter, _ *http.Request) {
	all, _, _ := s.box.all()
	writeJSON(w, list(all, nil, 0, 0).Tags)
}

func (s *Server) setTags(w http.ResponseWriter, r *http.Request) {
	var body struct{ IDs, Tags []string }
	if err := readJSON(r, &body); err != nil {
		refuseBody(w, err)
		return
	}
	tags := cleanTags(body.Tags)
	s.box.update(ofIDs(body.IDs), func(e *entry) { e.tags, e.tagged = tags, true })
	writeText(w, "ok")
}

func (s *Server) renameTag(w http.ResponseWriter, r *http.Request) {
	var body struct{ Name string }
	if err := readJSON(r, &body); err != nil {
		refuseBody(w, err)
		return
	}
	name := cleanTags([]string{body.Name})
	if len(name) == 0 {
		http.Error(w, "the new name is empty", http.StatusBadRequest)
		return
	}
	s.replaceTag(w, r.PathValue("tag"), name)
}

func (s *Server) deleteTag(w http.ResponseWriter, r *http.Request) {
	s.replaceTag(w, r.PathValue("tag"), nil)
}

// replaceTag puts other tags in the place of one.
func (s *Server) replaceTag(w http.ResponseWriter, tag string, by []string) {
	all, _, _ := s.box.all()
	after := map[string][]string{}
	for _, v := range all {
		if containsFold(v.tags, tag) {
			kept := slices.DeleteFunc(slices.Clone(v.tags), func(t string) bool { return strings.EqualFold(t, tag) })
			after[v.ID] = cleanTags(append(kept, by...))
		}
	}
	if len(after) == 0 {
		http.Error(w, "no message has the tag", http.StatusBadRequest)
		return
	}
	s.box.update(func(e *entry) bool { return after[e.ID] != nil }, func(e *entry) { e.tags, e.tagged = after[e.ID], true })
	writeText(w, "ok")
}

type infoJSON struct {
	Version, LatestVersion, Database string
	DatabaseSize, Messages, Unread   int
	Tags                             map[string]int
	RuntimeStats                     statsJSON
}

type statsJSON struct {
	Uptime, Memory, MessagesDeleted, SMTPAccepted, SMTPAcceptedSize, SMTPRejected, SMTPIgnored int
}

func (s *Server) info(w http.ResponseWriter, _ *http.Request) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	all, _, _ := s.box.all()
	now := list(all, nil, 0, 0)
	out := infoJSON{Version: s.version, LatestVersion: "disabled", Database: "memory", Messages: now.Total, Unread: now.Unread, Tags: map[string]int{}}
	for _, v := range all {
		for _, tag := range v.tags {
			out.Tags[tag]++
		}
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	out.DatabaseSize = s.box.bytes
	c := s.box.counts
	out.RuntimeStats = statsJSON{Uptime: int(time.Since(s.started).Seconds()), Memory: int(memory.Sys), MessagesDeleted: c.deleted + c.dropped,
		SMTPAccepted: c.accepted, SMTPAcceptedSize: c.acceptedBytes, SMTPRejected: c.refused}
	writeJSON(w, out)
}

// webui says which features there are: none of those that send or fetch.
func (s *Server) webui(w http.ResponseWriter, _ *http.Request) {
	type relay struct {
		Enabled                                                                    bool
		SMTPServer, ReturnPath, AllowedRecipients, BlockedRecipients, OverrideFrom string
		PreserveMessageIDs                                                         bool
	}
	writeJSON(w, struct {
		Label                                                                      string
		MessageRelay                                                               relay
		SpamAssassin, Rspamd, ChaosEnabled, DuplicatesIgnored, HideDeleteAllButton bool
	}{})
}
