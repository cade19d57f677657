package importer

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// A List is a list of virtual addresses of another kind than a sendmail
// server's.
type List struct {
	Kind string // one of Kinds
	Name string // for messages
	Text string
}

// Kinds are what a Source can be.
var Kinds = []string{"postfix", "mailbox", "csv", "lines"}

// From makes a server of sources: of an address that two of them have, the
// first is taken. What a domain does not list is refused, as Postfix does.
//
//	postfix  virtual(5): address and targets; a domain alone; @domain @other
//	mailbox  the map of virtual_mailbox_maps: address and path. Each becomes a
//	         user; base is what stands before a path (virtual_mailbox_base)
//	csv      two columns, address and targets, with a header or without
//	lines    address and targets, separated by blanks or commas
func From(host, base string, sources []List, account func(name string) bool) (*Server, error) {
	g := &listReader{host: host, base: base, account: account, ours: map[string]bool{host: true}, rows: map[string]string{}, from: map[string]string{}, domains: map[string]bool{}, aliases: map[string]string{},
		lists: map[string]string{}, users: map[string]string{}, targets: map[string]bool{}, above: map[string][]string{}, lines: lines{above: map[string][]string{}}}
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
	return g.server(), nil
}

// A listReader is what the sources have.
type listReader struct {
	host    string // the server's own name
	base    string
	account func(name string) bool
	rows    map[string]string // right sides by key
	from    map[string]string // where a key was found
	domains map[string]bool
	aliases map[string]string // lists and mailboxes, as a build would name them
	lists   map[string]string // names of lists, by their members
	users   map[string]string // that mailboxes were made to, with their addresses
	targets map[string]bool   // names that rows lead to
	ours    map[string]bool   // domains that rows are about, and the host
	lines   lines
	above   map[string][]string // comments, by domain

	take   func(found) // what is done with a row
	adding bool        // it is added, and not only looked at
}

// server gives what was gathered as a sendmail server would have it.
func (g *listReader) server() *Server {
	for domain := range g.domains {
		if _, open := g.rows["@"+domain]; !open && domain != g.host { // the host's own names are accounts
			g.rows["@"+domain] = `error:5.1.1:"550 ` + unknownUser + `"`
		}
	}
	own := func(key []byte) ([]byte, bool, error) {
		right, ok := g.aliases[string(key)]
		return []byte(right), ok, nil
	}
	router := &virtuser.Router{
		Host: g.host, ClassW: func(name string) bool { return g.domains[name] }, Relayed: func(string) bool { return false }, Aliases: own,
		Rows: func(key []byte) ([]byte, bool, error) {
			right, ok := g.rows[string(key)]
			return []byte(right), ok, nil
		},
		Account: func(name string) bool { _, made := g.users[name]; return made || g.account(name) },
	}
	s := &Server{router: router.Ready(), own: own, lines: g.lines, aboveNames: g.above, mapType: usualMap}
	s.table = virtuser.SortedTable(func(yield func(key, value []byte) bool) {
		for key, right := range g.rows {
			if !yield([]byte(key), []byte(right)) {
				return
			}
		}
	})
	for domain := range g.domains {
		s.names = append(s.names, domain)
	}
	slices.Sort(s.names)
	return s
}

// A found row, before it is known whether it is one.
type found struct {
	where, key, right string
	comments          []string // above it
	declares          bool     // it only says that a domain is served
}

// look notes the domain that a row is about, and the names that it leads to: no
// mailbox may be made to one.
func (g *listReader) look(f found) {
	g.own(f)
	if f.declares {
		return
	}
	for _, target := range targets(f.right) {
		g.targets[mailaddr.Lower(target)] = true
	}
}

// own notes the domain that a row is about.
func (g *listReader) own(f found) {
	_, domain, _ := mailaddr.Split(f.key) // of a domain alone it is that
	if folded, bad := mailaddr.FoldDomain(cmp.Or(domain, f.key)); bad == nil {
		g.ours[folded] = true
	}
}

// targets cuts a right side.
func targets(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' })
}

// add takes a row with its targets.
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

// declare takes a domain that is served, whatever it lists.
func (g *listReader) declare(f found) {
	domain, bad := mailaddr.FoldDomain(f.key)
	if bad != nil {
		g.leave(f, bad.Text)
		return
	}
	g.domains[domain] = true
	g.above[domain] = append(g.above[domain], f.comments...)
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

// put takes a row, where nobody has its key yet.
func (g *listReader) put(f found, key, right string) {
	if known, twice := g.rows[key]; twice {
		if g.shown(known) != g.shown(right) {
			g.leave(f, fmt.Sprintf("%s has it first, with %s", g.from[key], g.shown(known)))
		}
		return
	}
	_, domain, _ := strings.Cut(key, "@")
	g.domains[domain], g.rows[key], g.from[key] = true, right, f.where
	g.lines.above[key] = append(g.lines.above[key], f.comments...)
}

// leave keeps a line as a comment.
func (g *listReader) leave(f found, why string) {
	g.lines.above[f.key] = append(g.lines.above[f.key], f.comments...)
	g.lines.dead = append(g.lines.dead, entry{key: f.key, right: f.right, as: asComment, why: f.where + ": " + why})
}

// shown is a right side with its list.
func (g *listReader) shown(right string) string {
	if members, ok := g.aliases[right]; ok {
		return members
	}
	return right
}

// noTarget says why a target is neither a name nor an address nor, for all of a
// domain, another one.
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

// right gives the right side of a row: a refusal as it stands, one target, or
// the name of a list.
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
		if all[i] = g.form(local, target); all[i] == local+"@"+domain {
			return "", "it leads to itself: name the user whose mailbox it is"
		}
	}
	have := map[string]bool{}
	all = slices.DeleteFunc(all, func(target string) bool {
		again := have[target]
		have[target] = true
		return again
	})
	switch len(all) {
	case 0:
		return "", "it has no target"
	case 1:
		return all[0], ""
	}
	return g.list(all), ""
}

// form gives a target of a local part, in the one form that it is compared in:
// only at another server the local part keeps its case (RFC 5321 2.4).
func (g *listReader) form(local, target string) string {
	if whole, isDomain := strings.CutPrefix(target, "@"); isDomain {
		domain, _ := mailaddr.FoldDomain(whole)
		return cmp.Or(local, "%1%3") + "@" + domain
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

// list gives the alias of targets, one for all that have the same.
func (g *listReader) list(targets []string) string {
	members := strings.Join(targets, ", ")
	name, known := g.lists[members]
	if !known {
		name = fmt.Sprintf("%slist-%d", ourPrefix, len(g.lists)+1)
		g.lists[members], g.aliases[name] = name, members
	}
	return name
}

// accountName is what the name of an account may be.
var accountName = regexp.MustCompile(`^[a-z_][a-z0-9_.-]{0,31}$`)

// mailboxes reads the map of virtual_mailbox_maps: each address is that of a
// user of its own, whose mailbox is a file. sendmail delivers to no Maildir
// there: such a user is an account, with a note.
func (g *listReader) mailboxes(s List) error {
	take := g.own // it has no targets
	if g.adding {
		take = g.mailbox
	}
	g.tail(logicalLines(s, true, take))
	return nil
}

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
	place, right := path.Join(g.base, f.right), user
	if strings.HasSuffix(f.right, "/") || !path.IsAbs(place) {
		f.comments = append(f.comments, "# The mailbox in Postfix was "+f.right+"; the user is yet to be made an account.")
	} else {
		right = ourPrefix + user
		g.aliases[right] = place
	}
	g.users[user] = f.key
	g.put(f, local+"@"+domain, right)
}

// userFor makes the name of a user that is nobody else's.
func (g *listReader) userFor(local, domain string) string {
	for _, name := range []string{local, local + "." + domain} {
		if _, taken := g.users[name]; !taken && !g.targets[name] && !g.account(name) && accountName.MatchString(name) {
			return name
		}
	}
	return ""
}
