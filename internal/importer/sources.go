package importer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// A List is a list of virtual addresses that does not come from the files of a server.
type List struct {
	Kind string // one of Kinds
	Name string // for messages
	Text string
}

// Kinds are the kinds of a List.
var Kinds = []string{"postfix", "mailbox", "csv", "lines"}

// From makes a Server of a kind from lists. The first line of an address counts. An address that a
// domain does not list is refused, as in Postfix.
//
//	postfix  virtual(5): address and targets; a domain alone; @domain @other
//	mailbox  the map of virtual_mailbox_maps: address and path. Each address
//	         becomes a user. base (virtual_mailbox_base) is put before each path.
//	csv      two columns, address and targets, with or without a header
//	lines    address and targets, separated by blanks or commas
func From(kind *mta.Server, host, base string, sources []List, account func(name string) bool) (*Server, error) {
	g := &listReader{host: host, base: base, account: account, ours: map[string]bool{host: true}, rows: map[string]string{}, from: map[string]string{}, domains: map[string]bool{}, files: map[string]string{},
		users: map[string]string{}, targets: map[string]bool{}, facts: mta.Facts{Host: host, Above: map[string][]string{}, AboveNames: map[string][]string{}}}
	readers := map[string]func(List) error{"postfix": g.postfix, "mailbox": g.mailboxes, "csv": g.csv, "lines": g.plain}
	g.take = g.look
	for _, source := range sources {
		if err := readers[source.Kind](source); err != nil {
			return nil, err
		}
	}
	g.take, g.adding = g.add, true
	for _, source := range sources {
		if err := readers[source.Kind](source); err != nil {
			return nil, err
		}
	}
	if len(g.domains) == 0 {
		return nil, errors.New("there are no virtual addresses")
	}
	g.facts.Names = slices.Sorted(maps.Keys(g.domains))
	has := func(name string) bool { _, made := g.users[name]; return made || account(name) }
	return New(kind, kind.ImportLists(mta.Lists{Facts: g.facts, Rows: g.rows, Files: g.files, Account: has}))
}

// A listReader reads lists twice: the first time for their domains and targets, the
// second time for their rows.
type listReader struct {
	host    string // name of the server
	base    string
	account func(name string) bool
	rows    map[string]string // by key: the targets
	from    map[string]string // by key: its place
	domains map[string]bool
	files   map[string]string // by user of a mailbox: the file
	users   map[string]string // by user of a mailbox: the address
	targets map[string]bool   // names to which rows lead
	ours    map[string]bool   // the host, and the domains of all rows
	facts   mta.Facts         // with the comments, and lines that are left out

	take   func(found) // called with each line: look or add
	adding bool        // the lists are read for the second time
}

// A found is a line of a list that may be a row.
type found struct {
	where, key, right string
	comments          []string // the comments above
	declares          bool     // the line has only a domain, which is served
}

// look records the domain of a row, and the names to which it leads. A user of a mailbox
// must not have such a name.
func (g *listReader) look(f found) {
	g.own(f)
	if f.declares {
		return
	}
	for _, target := range targets(f.right) {
		g.targets[mailaddr.Lower(target)] = true
	}
}

// own records the domain of a row.
func (g *listReader) own(f found) {
	_, domain, _ := mailaddr.Split(f.key) // without an @ the key is a domain
	if folded, bad := mailaddr.FoldDomain(cmp.Or(domain, f.key)); bad == nil {
		g.ours[folded] = true
	}
}

// targets cuts a right side into its targets.
func targets(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' })
}

// add adds a row.
func (g *listReader) add(f found) {
	if f.declares {
		g.declare(f)
		return
	}
	local, domain, problem := address(f.key)
	var right string
	if problem == "" {
		right, problem = g.right(local, domain, f.right)
	}
	if problem != "" {
		g.leave(f, problem)
		return
	}
	g.put(f, local+"@"+domain, right)
}

// declare adds a domain that is served even without rows.
func (g *listReader) declare(f found) {
	domain, bad := mailaddr.FoldDomain(f.key)
	if bad != nil {
		g.leave(f, bad.Text)
		return
	}
	g.domains[domain] = true
	g.facts.AboveNames[domain] = append(g.facts.AboveNames[domain], f.comments...)
}

// address cuts and folds a key.
func address(key string) (local, domain, problem string) {
	local, domain, ok := strings.Cut(mailaddr.Lower(key), "@")
	if !ok || domain == "" {
		return "", "", "it is no virtual address: there is no @ and domain in it"
	}
	domain, bad := mailaddr.FoldDomain(domain)
	if bad != nil {
		return "", "", bad.Text
	}
	return local, domain, ""
}

// put adds a row, unless its key is known.
func (g *listReader) put(f found, key, right string) {
	if known, twice := g.rows[key]; twice {
		if g.shown(known) != g.shown(right) {
			g.leave(f, fmt.Sprintf("%s has it first, with %s", g.from[key], g.shown(known)))
		}
		return
	}
	_, domain, _ := strings.Cut(key, "@")
	g.domains[domain], g.rows[key], g.from[key] = true, right, f.where
	g.facts.Above[key] = append(g.facts.Above[key], f.comments...)
}

// leave keeps a line as a comment.
func (g *listReader) leave(f found, why string) {
	g.facts.Above[f.key] = append(g.facts.Above[f.key], f.comments...)
	g.facts.Dead = append(g.facts.Dead, mta.DeadRow{Key: f.key, Value: f.right, Why: f.where + ": " + why})
}

// shown returns targets for messages: the user of a mailbox by its file.
func (g *listReader) shown(right string) string { return cmp.Or(g.files[right], right) }

// noTarget returns why a target is refused, or an empty text. A target is a name, an
// address, or @ and a domain.
func noTarget(target string) string {
	local, domain, isAddress := strings.Cut(target, "@")
	switch {
	case local == "" && isAddress:
		if _, bad := mailaddr.FoldDomain(domain); bad != nil {
			return bad.Text
		}
	case isAddress:
		if _, bad := mailaddr.Fold(target); bad != nil {
			return bad.Text
		}
	default:
		name, _, _ := strings.Cut(target, "+")
		if _, bad := mailaddr.FoldLocal(target); bad != nil || !inventory.IsLocalName(mailaddr.Lower(name)) {
			return fmt.Sprintf("%q is neither a name nor an address: put it into the server's aliases, and its name here", target)
		}
	}
	return ""
}

// right returns the targets of a row, each once, or an unchanged refusal.
func (g *listReader) right(local, domain, text string) (right, problem string) {
	if isError(text) {
		return text, ""
	}
	all := targets(text)
	for i, target := range all {
		if problem := noTarget(target); problem != "" {
			return "", problem
		}
		if strings.HasPrefix(target, "@") && local == "" && len(all) > 1 {
			return "", fmt.Sprintf("a list leads to the same recipients from every name, and %s is another one from each: list the addresses", target)
		}
		if all[i] = g.form(local, target); local != "" && all[i] == local+"@"+domain {
			return "", "it leads to itself: name the user whose mailbox it is"
		}
	}
	have := map[string]bool{}
	all = slices.DeleteFunc(all, func(target string) bool {
		again := have[target]
		have[target] = true
		return again
	})
	if len(all) == 0 {
		return "", "it has no target"
	}
	return strings.Join(all, ", "), ""
}

// isError reports whether a text is a refusal as a row of sendmail has it.
func isError(text string) bool { return strings.HasPrefix(mailaddr.Lower(text), "error:") }

// form returns the form of a target that is compared. A local part at another server
// keeps its case (RFC 5321 2.4).
func (g *listReader) form(local, target string) string {
	if whole, isDomain := strings.CutPrefix(target, "@"); isDomain {
		domain, _ := mailaddr.FoldDomain(whole)
		return local + "@" + domain
	}
	kept, bad := mailaddr.FoldForeign(target)
	_, domain, _ := mailaddr.Split(kept)
	switch {
	case bad != nil: // it is a name
		return mailaddr.Lower(target)
	case g.ours[domain]:
		return mailaddr.Lower(kept)
	}
	return kept
}

// accountName matches the names that an account may have.
var accountName = regexp.MustCompile(`^[a-z_][a-z0-9_.-]{0,31}$`)

// mailboxes reads the map of virtual_mailbox_maps. Each address becomes a user with the
// file as mailbox. sendmail does not deliver to a Maildir: its user must be an account,
// and gets a comment.
func (g *listReader) mailboxes(s List) error {
	take := g.own // a mailbox has no targets
	if g.adding {
		take = g.mailbox
	}
	g.tail(logicalLines(s, true, take))
	return nil
}

// mailbox adds the user and the row of a mailbox.
func (g *listReader) mailbox(f found) {
	local, domain, problem := address(f.key)
	if problem == "" && local == "" {
		problem = "one mailbox for every name of a domain: name a user under catch_all"
	}
	user := g.userFor(local, domain)
	if problem == "" && user == "" {
		problem = "its name can be that of no account"
	}
	if problem != "" {
		g.leave(f, problem)
		return
	}
	place := path.Join(g.base, f.right)
	if strings.HasSuffix(f.right, "/") || !path.IsAbs(place) {
		f.comments = append(f.comments, "# The mailbox in Postfix was "+f.right+"; the user is yet to be made an account.")
	} else {
		g.files[user] = place
	}
	g.users[user] = f.key
	g.put(f, local+"@"+domain, user)
}

// userFor returns a free name for the user of an address, or an empty text.
func (g *listReader) userFor(local, domain string) string {
	for _, name := range []string{local, local + "." + domain} {
		if _, taken := g.users[name]; !taken && !g.targets[name] && !g.account(name) && accountName.MatchString(name) {
			return name
		}
	}
	return ""
}
