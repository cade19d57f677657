package virtuser

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/outcome"
)

// A Lookup finds the value of a key in a map. The value may be overwritten by the next
// call.
type Lookup func(key []byte) (value []byte, ok bool, err error)

// Alias returns the right side of an alias in an alias file. Keys and values of the
// file may end in the NUL of newaliases. A nil Lookup, or a file that cannot be read,
// has no aliases.
func (find Lookup) Alias(name string) (right string, ok bool) {
	if find == nil {
		return "", false
	}
	for _, key := range []string{name, name + "\x00"} {
		if value, ok, err := find([]byte(key)); ok && err == nil {
			return strings.TrimSuffix(string(value), "\x00"), true
		}
	}
	return "", false
}

// InBothForms looks a key up as it is, and then with the NUL that newaliases adds.
// sendmail tries both forms in one file before it tries the next file.
func (find Lookup) InBothForms(key []byte) (value []byte, ok bool, err error) {
	if value, ok, err = find(key); ok || err != nil || len(key) > 0 && key[len(key)-1] == 0 {
		return value, ok, err
	}
	return find(append(slices.Clip(key), 0))
}

// Before returns a Lookup that tries find first, and then other. Either may be nil.
func (find Lookup) Before(other Lookup) Lookup {
	switch {
	case find == nil:
		return other
	case other == nil:
		return find
	}
	return func(key []byte) (value []byte, ok bool, err error) {
		if value, ok, err = find.InBothForms(key); ok || err != nil {
			return value, ok, err
		}
		return other(key)
	}
}

// A Router computes what sendmail does with an address. The configuration is that of
// cf/m4/proto.m4 with FEATURE(`virtusertable'), FEATURE(`use_cw_file') and
// FEATURE(`nocanonify'), and the client may not relay. Set the fields, call Ready, and
// call Route. A Router is safe for concurrent use if its functions are.
type Router struct {
	Host    string                 // the host's own name ($j)
	ClassW  func(name string) bool // names of class w besides Host, folded
	Relayed func(name string) bool // class R, folded: domains that are relayed; nil: none
	Virtual func(name string) bool // class {VirtHost}, folded; nil: none
	Entire  bool                   // names below a name of {VirtHost} count too (FEATURE(`virtuser_entire_domain'))
	Rows    Lookup                 // the virtusertable
	Aliases Lookup                 // alias files; nil: none
	Account func(name string) bool // reports whether there is a local account
	Relays  Relays                 // where the configuration passes mail on to

	j []string // Host as tokens
}

// An Outcome is what sendmail does with an address.
type Outcome struct {
	Code         int // SMTP reply code; 250: accepted
	Status, Text string
	Mailer       string         // of sendmail's triple: "local", "error", or for another server "esmtp", "relay", …
	NextHost     string         // for another server: where the mail is sent
	User         string         // what the mailer gets as user
	Recipients   []string       // sorted, after the aliases: account, account+detail, /file, |program or address
	Trace        []outcome.Step // tables: virtusertable, aliases, accounts, or the relay that got the name (LUSER_RELAY, …)

	denied bool // a client may not relay to the domain
}

// Taken reports whether the address is accepted.
func (o *Outcome) Taken() bool { return o.Code == 250 && o.Mailer != "error" }

// Plain returns the outcome without the parts that only sendmail has: the triple, the
// next host and the trace.
func (o *Outcome) Plain() outcome.Outcome {
	plain := outcome.Outcome{Taken: o.Taken(), NotOurs: o.denied, Code: o.Code, Status: o.Status, Text: o.Text}
	if plain.Taken {
		plain.Recipients = o.Recipients
	}
	return plain
}

// Row returns the key of the first row of the virtusertable that was hit; empty if
// there is none.
func (o *Outcome) Row() string {
	for _, step := range o.Trace {
		if step.Table == "virtusertable" && step.Hit {
			return step.Key
		}
	}
	return ""
}

// A refusal is a reply that ends the parsing of an address.
type refusal struct {
	code         int
	status, text string
}

var (
	tooDeep     = &refusal{554, "5.0.0", "rewrite: excessive recursion (max 50)"}
	endless     = &refusal{554, "5.3.5", "Infinite loop in ruleset canonify"}
	relayDenied = &refusal{550, "5.7.1", "Relaying denied"}
	unknownUser = &refusal{550, "5.1.1", "User unknown"}
	noUser      = &refusal{553, "5.1.3", "User address required"}
	badHost     = &refusal{553, "5.1.2", "Invalid host name"}
	badRoute    = &refusal{553, "5.1.3", "Invalid route address"}
	noMailer    = &refusal{554, "5.3.5", "buildaddr: no mailer in parsed address"}
	damagedMap  = &refusal{451, "4.3.0", "map is missing or damaged"}
)

// maxLevel is the deepest nesting of rulesets (MaxRuleRecursion).
const maxLevel = 50

// checkLevel is the nesting of Parse0 in the check of a recipient. The rulesets above
// it are check_rcpt, Basic_check_rcpt, ParseRecipient and CanonAddr.
const checkLevel = 4

// maxRewrites is how often one rule may apply in sequence (sendmail/parseaddr.c,
// rewrite). The rule that replaces % by @ applies once for each sign.
const maxRewrites = 100

// maxName is the length in bytes of the longest address, with its angle brackets.
const maxName = 255

// Route returns the outcome of an address. addr has the form between the angle brackets
// of RCPT TO.
func (r *Router) Route(addr string) Outcome {
	w := walk{r: r.prepared(), trace: make([]outcome.Step, 0, 8)}
	out := w.route(addr)
	out.Trace = w.trace
	return out
}

// prepared returns the Router, or a copy that Ready has prepared.
func (r *Router) prepared() *Router {
	if r.j != nil {
		return r
	}
	copied := *r
	return copied.Ready()
}

// Ready prepares the Router for many calls, and returns it.
func (r *Router) Ready() *Router {
	r.j, _ = tokens(r.Host)
	return r
}

// A walk computes the outcome of one address.
type walk struct {
	r        *Router
	trace    []outcome.Step
	expanded map[string]bool // the aliases that were expanded
}

func (w *walk) step(table, key string, value []byte, hit bool) {
	w.trace = append(w.trace, outcome.Step{Table: table, Key: key, Value: string(value), Hit: hit})
}

func (w *walk) route(addr string) Outcome {
	if addr == "" {
		return refused(&refusal{553, "5.0.0", "User address required"})
	}
	if len(addr)+2 > maxName {
		return refused(&refusal{553, "5.1.0", "Address too long (255 bytes max)"})
	}
	t, bad := bracketed(addr)
	if bad != nil {
		return refused(bad)
	}
	m, bad := w.r.canonify(t, 0)
	if bad != nil {
		return refused(bad)
	}
	to, bad := w.parse(m, 0)
	if bad != nil {
		return refused(bad)
	}
	if bad := w.r.mayRelay(m); bad != nil {
		out := refused(bad)
		out.denied = bad == relayDenied
		return out
	}
	return w.deliver(to)
}

func refused(bad *refusal) Outcome {
	return Outcome{Code: bad.code, Status: bad.status, Text: bad.text, Mailer: "error"}
}

// inClassW reports whether a host, with or without its final dot, is in class w. The class
// always has Host, localhost and [127.0.0.1].
func (r *Router) inClassW(host []string) bool {
	if n := len(host); n > 1 && host[n-1] == "." {
		host = host[:n-1]
	}
	name := mailaddr.Lower(joined(host, blankSub))
	return name == r.Host || name == "localhost" || name == "[127.0.0.1]" || r.ClassW(name)
}

// isVirtual reports whether a host, with or without its final dot, is in class
// {VirtHost}.
func (r *Router) isVirtual(host []string) bool { return within(r.Virtual, host, r.Entire) }

// within reports whether a host is in a class. With below, a name in the class also
// stands for all names below it. A nil class is empty.
func within(class func(name string) bool, host []string, below bool) bool {
	return class != nil && holds(class, strings.TrimSuffix(mailaddr.Lower(joined(host, blankSub)), "."), below)
}

func holds(class func(name string) bool, name string, below bool) bool {
	for {
		if class(name) {
			return true
		}
		dot := strings.IndexByte(name, '.')
		if !below || dot < 0 {
			return false
		}
		if dot > 0 && class(name[dot:]) { // .example stands for all names below example, without example itself
			return true
		}
		name = name[dot+1:]
	}
}

// Asks reports whether sendmail looks addresses of a domain up in the virtusertable.
// The domain is folded.
func (r *Router) Asks(domain string) bool {
	return domain == r.Host || r.ClassW(domain) || r.Virtual != nil && holds(r.Virtual, domain, r.Entire)
}

// Rewrites reports whether sendmail replaces a domain by the host's name before it
// looks at the virtusertable. These domains are localhost, alone or in the host's own
// domain. The domain is folded.
func (r *Router) Rewrites(domain string) bool {
	t, bad := tokens(domain)
	return bad == nil && len(t) > 0 && r.meansUs(t)
}

// mayRelay returns the refusal of ruleset check_rcpt for a stranger; nil if the mail is
// accepted.
func (r *Router) mayRelay(m mailbox) *refusal {
	m, bad := r.strip(m, checkLevel)
	for {
		switch {
		case bad != nil:
			return bad
		case !m.at || len(m.host) == 0 || r.inClassW(m.host):
			return nil
		case !r.isRelayed(m.host):
			return relayDenied
		}
		if len(m.user) == 1 {
			if m.user, bad = dequoted(m.user[0]); bad != nil {
				return bad
			}
		}
		if !slices.ContainsFunc(m.user, isRoute) {
			return nil
		}
		if m, bad = r.canonify(m.user, 0); bad == nil {
			m, bad = r.strip(m, 0)
		}
	}
}

// isRelayed reports whether a host, or a domain above it, is in class R.
func (r *Router) isRelayed(host []string) bool { return within(r.Relayed, host, true) }

func isRoute(token string) bool { return token == "@" || token == "%" || token == "!" }
