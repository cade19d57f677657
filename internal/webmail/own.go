package webmail

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"virtmap/internal/message"
	"virtmap/internal/outcome"
)

// own adds what only virtmap has.
func (s *Server) own(mux *http.ServeMux) {
	const at = "/api/virtmap/v1/"
	mux.HandleFunc("GET "+at+"message/{id}", s.envelope)
	mux.HandleFunc("GET "+at+"message/{id}/transcript", s.transcript)
	mux.HandleFunc("GET "+at+"message/{id}/preview.html", s.preview)
	mux.HandleFunc("GET "+at+"refused", s.refusedList)
	mux.HandleFunc("GET "+at+"mailboxes", s.mailboxes)
	mux.HandleFunc("GET "+at+"wait", s.wait)
	mux.HandleFunc("GET "+at+"changes", s.changes)
}

type envelopeJSON struct {
	ID         string          `json:"id"`
	Arrived    time.Time       `json:"arrived"`
	Client     string          `json:"client"`
	Helo       string          `json:"helo"`
	TLS        bool            `json:"tls"`
	UTF8       bool            `json:"smtputf8"`
	From       string          `json:"from"`
	Size       int             `json:"size"`
	Recipients []recipientJSON `json:"recipients"`
	Refused    []refusedJSON   `json:"refused"`
	Faults     []string        `json:"faults"` // what is malformed in the message
	Links      []message.Link  `json:"links"`  // of the HTML
}

type recipientJSON struct {
	Address   string     `json:"address"`
	Named     bool       `json:"named"` // a field of the message names it
	Mailboxes []string   `json:"mailboxes"`
	Trace     []stepJSON `json:"trace"`
	Problem   string     `json:"problem,omitempty"` // why there is no trace
}

type refusedJSON struct {
	Time    time.Time  `json:"time"`
	Client  string     `json:"client"`
	Helo    string     `json:"helo"`
	From    string     `json:"from"`
	Address string     `json:"address"`
	Reply   string     `json:"reply"`
	Trace   []stepJSON `json:"trace"`
	Problem string     `json:"problem,omitempty"`
}

// A stepJSON is a key that was tried, as `lookup --format json` prints it.
type stepJSON struct {
	Map   string `json:"map"`
	Key   string `json:"key"`
	Hit   bool   `json:"hit"`
	Value string `json:"value,omitempty"`
}

func traceJSON(steps []outcome.Step) []stepJSON {
	all := []stepJSON{}
	for _, s := range steps {
		all = append(all, stepJSON{s.Table, s.Key, s.Hit, s.Value})
	}
	return all
}

func refusalsJSON(list []refused) []refusedJSON {
	all := []refusedJSON{}
	for _, r := range list {
		all = append(all, refusedJSON{r.at, r.client, r.helo, r.from, r.Address, r.Reply, traceJSON(r.steps), r.problem})
	}
	return all
}

// envelope answers who sent a message to whom, where each recipient ends, and why.
func (s *Server) envelope(w http.ResponseWriter, r *http.Request) {
	v, ok := s.find(w, r, r.PathValue("id"))
	if !ok {
		return
	}
	m := message.Read(v.Body)
	out := envelopeJSON{ID: v.ID, Arrived: v.arrived, Client: v.Client, Helo: v.Helo, TLS: v.TLS, UTF8: v.UTF8, From: v.From, Size: len(v.Body),
		Refused: refusalsJSON(v.refused), Faults: append([]string{}, m.Faults...), Links: []message.Link{}}
	for _, e := range v.ends {
		out.Recipients = append(out.Recipients, recipientJSON{e.Address, named(m.Header, e.Address), append([]string{}, e.Mailboxes...), traceJSON(e.steps), e.problem})
	}
	if _, links, err := message.Clean(m.HTML, nil); err == nil && m.HTML != "" {
		out.Links = append(out.Links, links...)
	}
	writeJSON(w, out)
}

// named reports whether a field of the message has an address.
func named(h message.Header, address string) bool {
	for _, field := range []string{"To", "Cc", "Bcc"} {
		if slices.ContainsFunc(h.Addresses(field), func(a message.Address) bool { return strings.EqualFold(a.Address, address) }) {
			return true
		}
	}
	return false
}

func (s *Server) transcript(w http.ResponseWriter, r *http.Request) {
	if v, ok := s.find(w, r, r.PathValue("id")); ok {
		writeText(w, strings.Join(append(v.said.all(), ""), "\n"))
	}
}

func (s *Server) refusedList(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, refusalsJSON(s.box.refusals()))
}

// mailboxes answers which mailboxes the messages end in, with how many of them.
func (s *Server) mailboxes(w http.ResponseWriter, _ *http.Request) {
	all, _, _ := s.box.all()
	counts := map[string]int{}
	for _, v := range all {
		var boxes []string
		for _, e := range v.ends {
			boxes = append(boxes, e.Mailboxes...)
		}
		slices.Sort(boxes)
		for _, box := range slices.Compact(boxes) {
			counts[box]++
		}
	}
	writeJSON(w, counts)
}

// until waits for the next change. It returns false when the time is over.
func until(r *http.Request, changed <-chan struct{}, end <-chan time.Time) bool {
	select {
	case <-changed:
		return true
	case <-end:
	case <-r.Context().Done():
	}
	return false
}

// timeoutOf returns the timeout of a request, such as 5s: at most a minute, usually 5
// seconds.
func timeoutOf(r *http.Request) <-chan time.Time {
	d, err := time.ParseDuration(r.FormValue("timeout"))
	if err != nil || d < 0 {
		d = 5 * time.Second
	}
	return time.After(min(d, maxWait))
}

// wait answers with the oldest message that matches a query and is newer than the message
// after, in the shape of Mailpit. It waits for one until the timeout, and then answers 404.
func (s *Server) wait(w http.ResponseWriter, r *http.Request) {
	terms, end, number := query(r.FormValue("query"), zoneOf(r)), timeoutOf(r), 0
	if after := r.FormValue("after"); after != "" {
		v, ok := s.find(w, r, after)
		if !ok {
			return
		}
		number = v.number
	}
	for {
		all, _, changed := s.box.all()
		for _, v := range slices.Backward(matching(all, terms)) {
			if v.number > number {
				writeJSON(w, messageOf(v, message.Read(v.Body)))
				return
			}
		}
		if !until(r, changed, end) {
			http.Error(w, "no such message has come", http.StatusNotFound)
			return
		}
	}
}

// changes answers with a number that grows with every change. If it is still the number
// since, it waits for a change until the timeout.
func (s *Server) changes(w http.ResponseWriter, r *http.Request) {
	end := timeoutOf(r)
	for since := number(r, "since", -1); ; {
		s.box.mu.Lock()
		version, changed, dropped := s.box.version, s.box.changed, s.box.counts.dropped
		s.box.mu.Unlock()
		if version != since || !until(r, changed, end) {
			writeJSON(w, struct {
				Version int `json:"version"`
				Dropped int `json:"dropped"` // messages that made room for newer ones
			}{version, dropped})
			return
		}
	}
}
