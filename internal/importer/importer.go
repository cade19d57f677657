// Package importer makes an inventory from the files of a mail server, or from
// lists of addresses.
//
// From a sendmail server it imports the rows of the virtusertable, class w, and the
// aliases that rows lead to. The rows are those that sendmail reads: of the map in
// its configuration, or of the text when there is no map. Comments of the text are
// kept. Such a server
//
//	# the shop
//	info@bakery.example     andrei
//	old@bakery.example      error:5.1.1:"550 gone"
//
// becomes
//
//	domains:
//	  bakery.example:
//	    addresses:
//	      # the shop
//	      info: andrei
//	      old: {reject: "gone"}
//	    catch_all: local
//
// The Router over the old files decides what a row means. A row that sendmail
// answers with an error becomes a reject with this answer. A row that an inventory
// cannot have becomes a comment with the reason, and so does a line of the text
// that is not in the map.
//
// The new inventory is parsed and compiled. A row with a fault becomes a reject or a
// comment, and the inventory is written again. At the end Prove compares the outcome
// of every address by the old files and by the files of the inventory.
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

// A Server is a mail server that is imported.
type Server struct {
	Warnings []string // about its files

	router      *virtuser.Router    // over its files
	own         virtuser.Lookup     // aliases that a build writes anew; nil: none
	site        virtuser.Lookup     // aliases of the server that stay
	table       *virtuser.Table     // sorted; nil after release
	sum         mapfile.Sum         // of the rows
	all         []string            // names of class w, of class {VirtHost}, and relayed ones
	names       []string            // the names of these that an inventory can have
	lines       lines               // of the text
	unsupported []string            // parts of classes and configuration that an inventory cannot have
	aboveNames  map[string][]string // the comments before a name of class w
	leading     map[string]string   // an address that leads to an alias
	generic     map[string]string
	mapType     string
	mailDir     string // empty: the usual one
	set         *sendmail.Installed
}

// genericstable is the table of the sender addresses of local users.
const genericstable = "genericstable"

// Sendmail opens the files of a sendmail server. If aliases are given, they are read
// in place of the alias files of its configuration.
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

// readTexts reads the comments and other lines of the texts, and the rows of the map
// that sendmail never looks up.
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

// readGenerics reads the map of a genericstable, or its text when there is no map.
// The rows have the form of those of a virtusertable.
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

// ErrChanged is the error when files change during the import.
var ErrChanged = errors.New("the virtusertable changed while it was read; import it again")

// release releases the rows while an inventory is parsed and compiled. Those of a
// large server need as much memory as the inventory.
func (s *Server) release() {
	if s.set != nil {
		s.table = nil
		s.set.Release()
	}
}

// readRows reads the rows again after release.
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

// CopyTo copies the files of the server into an empty folder.
func (s *Server) CopyTo(dir string) (sendmail.Copied, error) { return s.set.CopyTo(dir) }

// MapType returns the map type of the virtusertable.
func (s *Server) MapType() string { return s.mapType }

// Aliases looks up all aliases of the server.
func (s *Server) Aliases() virtuser.Lookup { return s.router.Aliases }

// SiteAliases looks up the aliases that stay.
func (s *Server) SiteAliases() virtuser.Lookup { return s.site }

// taken reports whether sendmail looks up rows of a domain.
func (s *Server) taken(domain string) bool { return s.router.Asks(domain) }

// read reports whether sendmail reads a row with a key.
func (s *Server) read(key string) bool {
	return s.hasRow(key) && s.taken(key[strings.LastIndexByte(key, '@')+1:])
}

// split divides the names into those of the host, which have no rows, and domains.
// The full name of the host is in neither, because it is always in class w.
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

// isOwn reports whether a name is a name of the host, such as localhost: no mail from
// outside comes to it.
func (s *Server) isOwn(name string) bool {
	switch {
	case s.relayed(name):
		return false
	case !strings.Contains(name, "."):
		return true
	}
	return name == "localhost.localdomain" || strings.HasPrefix(name, "localhost.")
}

// relayed reports whether mail for a domain is only relayed.
func (s *Server) relayed(name string) bool { return s.router.Relayed(name) && !s.taken(name) }

// outcome returns the outcome of an address for which the row of a key decides. ok is
// false when there is no such address.
func (s *Server) outcome(key string) (out virtuser.Outcome, ok bool) {
	for _, addr := range examples(key) {
		if out = s.router.Route(addr); out.Row() == key {
			return out, true
		}
	}
	return out, false
}

// examples returns addresses that a key may match. For user+* one has an empty detail,
// because the row of user++ decides for any other.
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

// usualMap is the default map type of an inventory.
const usualMap = string(inventory.MapHash)
