// Package importer makes an inventory of what a mail server has: the rows of its
// virtusertable, with the comments of the text beside the map; class w; and the
// aliases that rows lead to.
//
// The rows are those that sendmail reads: of the map that its configuration
// names, or of the text where there is none. Lines of the text that are not in
// the map are kept as comments. What a row means is asked of the Router over
// the old files, so that a row that sendmail answers with an error becomes a
// reject with that answer. A row that no inventory can say is kept as a comment
// with the reason.
//
// An inventory is written, read and compiled; what that finds wrong with a row
// makes the row a reject or a comment, and it is written again. At the end what
// becomes of every address is compared by the old files and by those that the
// inventory builds (Prove).
package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/promise"
	"virtmap/internal/regular"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// A Server is what is imported.
type Server struct {
	Warnings []string // what is odd about its files

	router      *virtuser.Router    // over its files
	own         virtuser.Lookup     // aliases that a build writes anew; nil: none
	site        virtuser.Lookup     // aliases that stay
	table       *virtuser.Table     // sorted; nil: see letGo
	sum         mapfile.Sum         // of the rows
	all         []string            // of class w and {VirtHost}, and relayed
	names       []string            // those of them that an inventory can have
	lines       lines               // of the text
	unsupported []string            // what of classes and configuration no inventory can say
	aboveNames  map[string][]string // the comments before a name of class w
	leading     map[string]string   // an address that leads to an alias
	generic     map[string]string
	mapType     string
	mailDir     string // empty: the usual one
	set         *sendmail.Installed
}

// genericstable is the table of the addresses that local users send from.
const genericstable = "genericstable"

// Sendmail opens the files of a sendmail server. aliases are read instead of
// the alias files that its configuration names, where there are any.
func Sendmail(l sendmail.Layout, aliases []string, account func(name string) bool) (*Server, error) {
	set, err := sendmail.OpenServer(l, aliases, account)
	if err != nil {
		return nil, err
	}
	s := &Server{router: set.Router, own: set.OwnAliases(), site: set.SiteAliases(), all: set.Names(), mapType: set.MapType(), set: set}
	home, known := l.Home()
	if known && home != mcfile.DefaultDir {
		s.mailDir = home
	}
	s.table, err = set.Table()
	if err == nil && !known && s.table.Len() == 0 && len(s.all) == 0 {
		err = fmt.Errorf("there are no virtual addresses: neither rows nor names of class w, and no sendmail.cf or sendmail.mc that says where they are")
	}
	if err == nil {
		err = s.readTexts(l, set.EachRow)
	}
	if err != nil {
		return nil, errors.Join(err, set.Close())
	}
	s.sum = mapfile.SumOf(s.table)
	s.Warnings = set.Warnings()
	generics := l.Place(filepath.Join(home, genericstable))
	if s.generic, err = readGenerics(generics); err != nil {
		s.Warnings = append(s.Warnings, fmt.Sprintf("users get no notes of the addresses they send from: %v", err))
	}
	return s, nil
}

// readTexts reads what the texts say beside rows and names, and what each row of
// the map that is none.
func (s *Server) readTexts(l sendmail.Layout, each func(row func(key, value []byte) error) error) error {
	var text []byte
	var err error
	if l.Table != "" {
		text, err = regular.ReadIfThere(l.Place(l.Table))
	}
	switch {
	case err != nil:
		return err
	case bytes.Equal(text, s.table.Text()):
		s.lines = commentLines(text)
	default:
		if s.lines, err = readLines(string(text), s.table); err == nil {
			err = each(s.lines.stray)
		}
		if err != nil {
			return err
		}
	}
	for _, file := range l.Names {
		if file.Path == "" {
			continue
		}
		text, err := regular.ReadIfThere(l.Place(file.Path))
		if err != nil {
			return err
		}
		s.nameComments(text)
	}
	s.sortOut(s.all)
	s.virtualNote(l.Configuration().EntireDomain)
	for _, line := range l.Configuration().Unread() {
		s.unsupported = append(s.unsupported, ": "+line.String())
	}
	if unread := l.Unread(mcfile.Virtusertable); unread != "" {
		s.unsupported = append(s.unsupported, fmt.Sprintf(": the rows of %s, which sendmail does not read (--from lines:%s takes them)", unread, unread))
	}
	return nil
}

// readGenerics reads the map of a genericstable, or the text where there is
// none: its rows are as those of a virtusertable.
func readGenerics(path string) (map[string]string, error) {
	found := map[string]string{}
	for _, typ := range mapfile.Types {
		f, err := mapfile.Open(path + typ.Suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		err = f.Each(func(key, value []byte) error {
			found[mailaddr.Lower(string(mapfile.WithoutNUL(key)))] = string(mapfile.WithoutNUL(value))
			return nil
		})
		return found, errors.Join(err, f.Close())
	}
	return found, nil
}

// ErrChanged is returned when files are no longer what they were.
var ErrChanged = errors.New("the virtusertable changed while it was read; import it again")

// letGo lets go of the rows, of which a large server has as much as an inventory
// while that is read and compiled.
func (s *Server) letGo() {
	if s.set != nil {
		s.table = nil
		s.set.Release()
	}
}

// readRows reads rows again that were let go of.
func (s *Server) readRows() (err error) {
	if s.table != nil {
		return nil
	}
	if s.table, err = s.set.Table(); err == nil && mapfile.SumOf(s.table) != s.sum {
		err = ErrChanged
	}
	return err
}

// Close closes the maps.
func (s *Server) Close() error {
	if s.set == nil {
		return nil
	}
	return s.set.Close()
}

// CopyTo copies the files that were read into an empty folder.
func (s *Server) CopyTo(dir string) (sendmail.Copied, error) { return s.set.CopyTo(dir) }

// MapType is the type of the server's virtusertable.
func (s *Server) MapType() string { return s.mapType }

// Aliases are those of the old files, and of the server.
func (s *Server) Aliases() virtuser.Lookup { return s.router.Aliases }

// SiteAliases are those of the server that stay.
func (s *Server) SiteAliases() virtuser.Lookup { return s.site }

// taken reports whether rows of a domain are looked at.
func (s *Server) taken(domain string) bool { return s.router.Asks(domain) }

// read reports whether sendmail reads a row with a key.
func (s *Server) read(key string) bool {
	return s.hasRow(key) && s.taken(key[strings.LastIndexByte(key, '@')+1:])
}

// split tells the host's own names, which have no rows, from the domains. The
// host's full name is class w by itself.
func (s *Server) split(sections map[string]section) (own, domains []string) {
	have := map[string]bool{}
	for name, d := range sections {
		if d.listed {
			have[name] = true
		}
	}
	for _, name := range s.names {
		switch {
		case have[name] || name == s.router.Host:
		case s.isOwn(name):
			own = append(own, name)
		default:
			have[name] = true
		}
	}
	slices.Sort(own)
	return slices.Compact(own), slices.Sorted(maps.Keys(have))
}

// isOwn takes a name that no mail comes to from outside for the host's own.
func (s *Server) isOwn(name string) bool {
	switch {
	case s.relayed(name):
		return false
	case !strings.Contains(name, "."):
		return true
	}
	return name == "localhost.localdomain" || strings.HasPrefix(name, "localhost.")
}

// relayed reports whether mail for a domain is only passed on.
func (s *Server) relayed(name string) bool { return s.router.Relayed(name) && !s.taken(name) }

// outcome is what becomes of the addresses that a key is the first to match;
// ok is false when there are none.
func (s *Server) outcome(key string) (out virtuser.Outcome, ok bool) {
	for _, addr := range examples(key) {
		if out = s.router.Route(addr); out.Row() == key {
			return out, true
		}
	}
	return out, false
}

// examples gives addresses that a key may match: user+* stands behind user++
// for all but an empty detail.
func examples(key string) (all []string) {
	forms := []string{key}
	if local, domain, _ := strings.Cut(key, "@"); strings.HasSuffix(local, "+*") {
		forms = append(forms, inventory.Samples{User: "anybody"}.Of(local)+"@"+domain)
	}
	for _, form := range forms {
		if v, ok := promise.OfRow(form); ok && !slices.Contains(all, v.Address) {
			all = append(all, v.Address)
		}
	}
	return all
}

// usualMap is the map type that an inventory need not name.
const usualMap = string(inventory.MapHash)
