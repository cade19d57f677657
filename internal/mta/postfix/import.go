package postfix

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// An imported is a Postfix of which an inventory is made: an mta.Imported. Its set has the
// tables of the server as they are. Its rows say the same with one row a key: those of
// virtual_alias_maps, those of the mailboxes, the refusals of access tables, and a
// refusal at the end of each domain that refuses what it does not list. The value of a
// row is that of a row of virtmap-virtual, or a refusal behind refusedSign.
//
// The alias files of the server stay what they are, and so their names count as
// accounts, on both sides of the comparison.
type imported struct {
	facts mta.Facts
	set   *Installed
	site  *layout // the configuration of the server, without its alias files

	spelled  map[string]string // by domain that main.cf has with U-labels alone: these
	class    map[string]class  // by domain
	aliases  map[string]bool   // names of the alias files
	asked    map[string]bool   // names to which rows of a list lead
	followed map[string]bool   // addresses that are refused, and have targets when they are targets
	account  func(name string) bool
	users    map[string]*mailboxUser // the users that mailboxes became, by name
	named    map[string]string       // by address of a mailbox: its user
	ends     map[string]string       // by path or address of a mailbox: its user
	notes    map[string]string       // by account: the addresses that it sends from

	myorigin   string              // the value of myorigin once it was asked for
	aliasFiles []string            // of alias_maps
	hostRows   bool                // there are rows at the server's own name
	unread     map[string][]string // by parameter: tables whose rows are not read
	opened     []*Installed
	ruled      []*table.Table // tables of virtual_alias_maps that stand for any number of addresses
	rows       importedRows
	folds      folds
	odd        map[string]bool // keys of rows with another value in the import than Postfix reads
	found      *listTable      // of lists; nil: the tables are those of a server
	warnings   []string
}

// A class is the address class of a domain (ADDRESS_CLASS_README).
type class uint8

// Classes. A domain of another server has none.
const (
	elsewhere class = iota
	localClass
	aliasClass
	mailboxClass
	relayClass
)

// refusedSign begins the value of a row that refuses mail: refusedSign, the code, a blank,
// the status, a blank and the text.
const refusedSign = "!"

// importServer reads the files of a server. For what main.cf does not set, the Postfix that is
// installed with this folder is asked.
func importServer(dir string, host mta.Host, aliases []string) (mta.Imported, error) {
	l, err := readLayout(mta.Place{Dir: dir})
	if err != nil {
		return nil, err
	}
	if l.config.Path == "" {
		return nil, errors.New("there is no main.cf in it; a table alone is imported with --from postfix:FILE")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l.config.BuiltIn = program.BuiltIn(ctx, l.dir)
	s := newImported(l, host)
	if err := s.open(aliases); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	in, err := s.readServer()
	if err == nil {
		err = s.fill(in)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if len(s.rows.list) == 0 && len(s.facts.Names) == 0 {
		return nil, errors.Join(errors.New("main.cf names no domain beside the server's own name, and no virtual address"), s.Close())
	}
	return s, nil
}

// newImported returns an import without rows.
func newImported(l *layout, host mta.Host) *imported {
	s := &imported{
		spelled: map[string]string{}, class: map[string]class{}, asked: map[string]bool{}, followed: map[string]bool{}, aliases: map[string]bool{}, account: host.Account,
		users: map[string]*mailboxUser{}, named: map[string]string{}, ends: map[string]string{}, notes: map[string]string{}, unread: map[string][]string{}, folds: folds{}, odd: map[string]bool{},
	}
	if s.account == nil {
		s.account = func(string) bool { return false }
	}
	s.facts = mta.Facts{Server: "postfix", Host: host.Name, Above: map[string][]string{}, AboveNames: map[string][]string{}}
	s.aliasFiles = l.config.List("alias_maps")
	with := *l
	with.config = l.config.Apply([]byte("\nalias_maps =\nalias_database =\n")) // lines of a build may name alias_database
	s.site = &with
	s.set = newInstalled(s.site, mta.Host{Name: host.Name, Account: s.Delivers}, nil)
	s.set.lenient, s.set.byText = true, true
	return s
}

// open reads the names of the alias files, and opens the tables.
func (s *imported) open(aliases []string) error {
	if err := s.readAliases(aliases); err != nil {
		return err
	}
	if err := s.set.start(); err != nil {
		return err
	}
	s.readClasses()
	return nil
}

// Facts returns what the files say beside their rows.
func (s *imported) Facts() *mta.Facts { return &s.facts }

// Route returns the outcome of mail to an address. A mailbox is its user.
func (s *imported) Route(addr string) (outcome.Outcome, []outcome.Step) {
	out, steps := s.ask(addr)
	return s.byUsers(out), steps
}

// ask asks the tables about an address, whose domain has A-labels. A domain that main.cf has
// with U-labels alone is asked for with these.
func (s *imported) ask(addr string) (outcome.Outcome, []outcome.Step) {
	if local, domain, ok := mailaddr.Split(addr); ok && s.spelled[domain] != "" {
		addr = local + "@" + s.spelled[domain]
	}
	return s.set.Route(addr)
}

// RowOf returns the key of the row that decides about an address: that of the address, that
// without its detail, or that of the domain.
func (s *imported) RowOf(addr string, _ []outcome.Step) string {
	local, domain, _ := mailaddr.Split(mailaddr.Lower(addr))
	keys := []string{local + "@" + domain, "@" + domain}
	if user, _, ok := strings.Cut(local, "+"); ok && user != "" && s.facts.Detail != inventory.DetailReject {
		keys = slices.Insert(keys, 1, user+"@"+domain, "+*@"+domain)
	}
	for _, key := range keys {
		if mta.HasRow(&s.rows, key) {
			return key
		}
	}
	return ""
}

// Domains returns the domains whose mail is delivered here, and the relay domains.
func (s *imported) Domains() (served, relayed []string) {
	for name, class := range s.class {
		if class == relayClass {
			relayed = append(relayed, name)
		} else {
			served = append(served, name)
		}
	}
	slices.Sort(served)
	slices.Sort(relayed)
	return served, relayed
}

// Rows returns the rows, sorted.
func (s *imported) Rows() (mapfile.Rows, error) {
	if err := s.rows.fetch(); err != nil {
		return nil, err
	}
	return &s.rows, nil
}

// Release moves the rows of a large server to a file.
func (s *imported) Release() { s.rows.putAway() }

// Serves reports whether mail for a domain is delivered here.
func (s *imported) Serves(domain string) bool {
	class := s.class[domain]
	return class != elsewhere && class != relayClass
}

// Relays reports whether mail for a domain is only relayed.
func (s *imported) Relays(domain string) bool { return s.class[domain] == relayClass }

// Account reports whether the server has an account. The users that mailboxes became count.
func (s *imported) Account(name string) bool {
	return s.account(name) || s.users[name] != nil
}

// Delivers reports whether a name counts as an account when outcomes are compared.
func (s *imported) Delivers(name string) bool {
	return s.Account(name) || s.aliases[name] || s.asked[name]
}

// Knows reports whether the alias files of the server have a name.
func (s *imported) Knows(name string) bool { return s.aliases[name] }

// Warnings returns a line for each file that is missing or not read.
func (s *imported) Warnings() []string {
	var all []string
	for _, line := range slices.Concat(s.set.Warnings(), s.warnings) {
		if !slices.Contains(all, line) && !strings.Contains(line, " is left out: ") { // Facts name such a table
			all = append(all, line)
		}
	}
	return all
}

// Seen returns the stamp of every file that was opened or looked for.
func (s *imported) Seen() []mta.Stamp { return s.set.Seen() }

// Close closes the tables.
func (s *imported) Close() error {
	err := errors.Join(s.set.Close(), s.rows.close())
	for _, set := range s.opened {
		err = errors.Join(err, set.Close())
	}
	return err
}

// Unused says why strangers' mail never meets the row of a key, or why no inventory can
// have the row.
func (s *imported) Unused(key string) string {
	local, domain, _ := mailaddr.Split(key)
	why := ""
	if !isPlainDomain(domain) {
		why = mta.Unsayable(domain)
	}
	switch class := s.class[domain]; {
	case class == relayClass:
		return domain + " is one of relay_domains: an inventory passes all its mail on, and has no addresses there"
	case why != "" && class != elsewhere:
		return "postfix looks it up, and no inventory can have it: " + why
	case class == elsewhere:
		return domain + " is not a domain of this server (mydestination, virtual_alias_domains, virtual_mailbox_domains), so that mail for it is refused"
	case strings.ContainsAny(local, `"`):
		return "an inventory has no addresses in quotes"
	}
	return ""
}
