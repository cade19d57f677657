package route

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/outcome"
)

// A Site is what a Router knows of a server.
type Site struct {
	Param   func(name string) string                       // the expanded value of a parameter, as postconf -hx prints it; an unset one has its default
	Open    func(spec string) (*table.Table, error)        // as Opener.Open
	Account func(name string) bool                         // local accounts; nil: there are none
	Forward func(account string) (lines []string, ok bool) // the lines of ~/.forward; nil: no such file is read
}

// A Router computes what Postfix does with an address. It is safe for concurrent use if
// the functions of its Site are.
type Router struct {
	site Site
	settings

	mydestination, aliasDomains, mailboxDomains, relayDomains *names

	transports, relocatedMaps                                        *maps
	canonicalMaps, recipientCanonicalMaps, virtualMaps               *maps
	owners, senderCanonicalMaps                                      *maps
	localRecipients, relayRecipients, mailboxMaps, mailboxRecipients *maps
	aliases, uids, gids                                              *maps
	mailboxTransports, fallbackTransports                            *maps
	clientChecks, heloChecks, senderChecks                           []string
	relayChecks, recipientChecks                                     []string
	classes                                                          map[string][]string
	access                                                           map[string]*maps // by specification
	stages                                                           []checkList
	noGuard                                                          bool // smtpd(8) ends, because no list refuses mail for other domains

	opening  sync.Mutex // of sources and access
	mu       sync.Mutex // of warned and warnings
	warned   map[string]bool
	warnings []string
	sources  map[string]*source
	plains   map[string]*source
}

// New opens every table of a site once. A table that only Postfix can read is left out,
// with a warning. A table that Postfix cannot open either answers every key with an
// error, as in Postfix, and there is a warning too.
func New(s Site) (*Router, error) {
	if s.Param == nil || s.Open == nil {
		return nil, errors.New("a site needs the functions Param and Open")
	}
	r := &Router{site: s, warned: map[string]bool{}, sources: map[string]*source{}, plains: map[string]*source{}, access: map[string]*maps{}}
	r.read()
	r.mydestination = r.names("mydestination", false, false)
	r.aliasDomains = r.names("virtual_alias_domains", false, false)
	r.mailboxDomains = r.names("virtual_mailbox_domains", false, false)
	r.relayDomains = r.names("relay_domains", true, r.parents("relay_domains"))
	r.transports = r.maps("transport_maps", true)
	r.relocatedMaps = r.maps("relocated_maps", false)
	r.canonicalMaps = r.maps("canonical_maps", false)
	r.recipientCanonicalMaps = r.maps("recipient_canonical_maps", false)
	r.virtualMaps = r.maps("virtual_alias_maps", false)
	r.localRecipients = r.maps("local_recipient_maps", false)
	r.relayRecipients = r.maps("relay_recipient_maps", false)
	r.mailboxRecipients = r.maps("virtual_mailbox_maps", false)
	r.mailboxMaps = r.maps("virtual_mailbox_maps", true)
	r.aliases = r.maps("alias_maps", true)
	r.uids = r.maps("virtual_uid_maps", true)
	r.gids = r.maps("virtual_gid_maps", true)
	r.mailboxTransports = r.maps("mailbox_transport_maps", true)
	r.fallbackTransports = r.maps("fallback_transport_maps", true)
	r.readChecks()
	r.openSenders()
	for _, param := range []string{"sender_dependent_default_transport_maps", "recipient_bcc_maps", "always_bcc", "content_filter", "smtpd_proxy_filter", "smtpd_milters"} {
		if r.param(param) != "" {
			r.warn("%s is not modelled", param)
		}
	}
	if r.param("masquerade_domains") != "" && r.set("masquerade_classes")["envelope_recipient"] {
		r.warn("masquerade_domains is not modelled")
	}
	return r, nil
}

// Route returns what becomes of mail from a stranger to RCPT TO:<addr>, and the keys
// that were tried, in order. Of the tries before and after the reply each stands in the
// list, so that a key may stand there twice.
func (r *Router) Route(addr string) (outcome.Outcome, []outcome.Step) {
	w := &walk{r: r, steps: make([]outcome.Step, 0, 16), shown: make([]string, 0, 12)}
	s := &session{walk: w}
	if reply := s.rcpt(addr); reply != nil {
		return reply.outcome(), w.steps
	}
	ends := w.accepted(s)
	return outcome.Outcome{Taken: true, Code: 250, Status: "2.1.5", Text: "Ok", Recipients: sortedUnique(ends)}, w.steps
}

// Ends returns the final recipients of a local name after alias files, sorted.
func (r *Router) Ends(name string) []string {
	w := &walk{r: r}
	run := &localRun{walk: w, transport: "local", seen: map[string]bool{}}
	run.recipient(localState{address: name + "@" + r.myhostname})
	return sortedUnique(run.ends)
}

// Domains returns the names of mydestination, virtual_alias_domains,
// virtual_mailbox_domains and relay_domains, sorted. Keys of tables are in it if the
// rows of the table can be listed.
func (r *Router) Domains() (local, virtual, mailbox, relayed []string) {
	return r.mydestination.all(), r.aliasDomains.all(), r.mailboxDomains.all(), r.relayDomains.all()
}

// Takes reports whether mail for a domain is taken here, and whether it is only relayed. It
// also knows domains that no list has by name, such as those of a regexp table. A
// domain of a table that cannot be asked is taken.
func (r *Router) Takes(domain string) (taken, relayed bool) {
	w := &walk{r: r}
	local, err := r.isLocal(w, domain)
	if local || err != nil {
		return true, false
	}
	is, err := w.classOf(domain)
	return is != other || err != nil, is == relayClass
}

// Warnings returns what the Router leaves out, and what Postfix would log about its
// tables.
func (r *Router) Warnings() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.warnings)
}

func (r *Router) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.warned[text] {
		r.warned[text] = true
		r.warnings = append(r.warnings, text)
	}
}

// open opens a table for a parameter. It returns nil for a table that only Postfix can
// read.
func (r *Router) open(param, spec string) *source {
	r.opening.Lock()
	defer r.opening.Unlock()
	if s, ok := r.sources[spec]; ok {
		return s
	}
	t, err := r.site.Open(spec)
	var unread *table.Unread
	switch {
	case errors.As(err, &unread):
		r.warn("%s: %s is left out: %v", param, spec, err)
		r.sources[spec] = nil
		return nil
	case err != nil:
		r.warn("%s: %s cannot be opened: %v", param, spec, err)
		t = &table.Table{Spec: spec, Path: spec, Find: func(string) (string, bool, error) { return "", false, errLookup }}
	}
	for _, text := range t.Warnings {
		r.warn("%s", text)
	}
	s := &source{t, t.Name()}
	r.sources[spec] = s
	return s
}

// maps opens the tables of a parameter. plain says that rules with $1 are skipped.
func (r *Router) maps(param string, plain bool) *maps {
	m := &maps{param: param}
	for _, spec := range table.Split(r.param(param)) {
		m.set = true
		s := r.open(param, spec)
		switch {
		case s == nil:
			m.unread = true
			continue
		case plain && r.plains[spec] == nil:
			r.plains[spec] = &source{s.Plain(), s.short}
		}
		if plain {
			s = r.plains[spec]
		}
		m.list = append(m.list, s)
	}
	return m
}

// A walk is the way of one address.
type walk struct {
	r     *Router
	steps []outcome.Step
	shown []string // the decisions that are in steps already: parameter and name
}

// ask looks a key up in a table. smtpd(8), cleanup(8) and trivial-rewrite(8) look many
// keys up again; a step that was recorded a short time before is not recorded again.
func (w *walk) ask(s *source, key string) (string, bool, error) {
	const recent = 64
	value, ok, err := s.Find(key)
	step := outcome.Step{Table: s.short, Key: key, Value: value, Hit: ok}
	same := func(was outcome.Step) bool { return was.Key == key && was == step } // the key differs most often
	if !slices.ContainsFunc(w.steps[max(0, len(w.steps)-recent):], same) {
		w.steps = append(w.steps, step)
	}
	if err != nil {
		return "", false, errLookup
	}
	return value, ok, nil
}

// built records a decision that no table makes, once.
func (w *walk) built(param, name string, hit bool) {
	for i := 0; i < len(w.shown); i += 2 {
		if w.shown[i] == param && w.shown[i+1] == name {
			return
		}
	}
	w.shown = append(w.shown, param, name)
	w.steps = append(w.steps, outcome.Step{Table: param, Key: name, Hit: hit})
}

func sortedUnique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
