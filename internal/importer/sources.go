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

// A List is a list of virtual addresses that does not come from a sendmail server.
type List struct {
	Kind string // one of Kinds
	Name string // for messages
	Text string
}

// Kinds are the kinds of a List.
var Kinds = []string{"postfix", "mailbox", "csv", "lines"}

// From makes a Server from lists. The first line of an address counts. An address that a
// domain does not list is refused, as in Postfix.
//
//	postfix  virtual(5): address and targets; a domain alone; @domain @other
//	mailbox  the map of virtual_mailbox_maps: address and path. Each address
//	         becomes a user. base (virtual_mailbox_base) is put before each path.
//	csv      two columns, address and targets, with or without a header
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

// A listReader reads lists twice: the first time for their domains and targets, the
// second time for their rows.
type listReader struct {
	host    string // name of the server
	base    string
	account func(name string) bool
	rows    map[string]string // by key: the right side
	from    map[string]string // by key: its place
	domains map[string]bool
	aliases map[string]string // by name: lists and mailboxes, named as in a build
	lists   map[string]string // by members: the name of a list
	users   map[string]string // by user of a mailbox: the address
	targets map[string]bool   // names to which rows lead
	ours    map[string]bool   // the host, and the domains of all rows
	lines   lines
	above   map[string][]string // by domain: comments

	take   func(found) // called with each line: look or add
	adding bool        // the lists are read for the second time
}

// server returns the lists as a Server.
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
	g.lines.above[key] = append(g.lines.above[key], f.comments...)
}

// leave keeps a line as a comment.
func (g *listReader) leave(f found, why string) {
	g.lines.above[f.key] = append(g.lines.above[f.key], f.comments...)
	g.lines.dead = append(g.lines.dead, entry{key: f.key, right: f.right, as: asComment, why: f.where + ": " + why})
}

// shown returns a right side for messages: a list by its members.
func (g *listReader) shown(right string) string {
	if members, ok := g.aliases[right]; ok {
		return members
	}
	return right
}

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

// right returns the right side of a row: an unchanged refusal, one target, or the name
// of a list.
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

// form returns the form of a target that is compared. A local part at another server
// keeps its case (RFC 5321 2.4).
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

// list returns the name of the alias for targets. The same targets have one alias.
func (g *listReader) list(targets []string) string {
	members := strings.Join(targets, ", ")
	name, known := g.lists[members]
	if !known {
		name = fmt.Sprintf("%slist-%d", ourPrefix, len(g.lists)+1)
		g.lists[members], g.aliases[name] = name, members
	}
	return name
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

// userFor returns a free name for the user of an address, or an empty text.
func (g *listReader) userFor(local, domain string) string {
	for _, name := range []string{local, local + "." + domain} {
		if _, taken := g.users[name]; !taken && !g.targets[name] && !g.account(name) && accountName.MatchString(name) {
			return name
		}
	}
	return ""
}
