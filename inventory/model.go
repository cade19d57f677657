package inventory

import (
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"virtmap/internal/diag"
)

// A Model is an inventory after it was read and checked. Its slices are sorted by
// folded name. Its texts are parts of the sources if possible. Every value has its
// place. A Model has nothing in the syntax of a mail server.
type Model struct {
	Sources *diag.Sources
	Name    string // the name of the top file in messages and in headers of files

	Host         Host
	Defaults     Defaults
	Users        []User
	LocalAliases []Name
	Domains      []Domain
	Lists        []List
	Patterns     []Pattern
	Refusals     []Refusal
	Guards       Guards
	MX           MX
	Submission   Submission
	Senders      map[diag.Pos]Senders // those that are given, by the places of addresses and domains
	Strict       bool                 // the profile of the checks is strict: warnings are errors
	Checks       []CheckSetting
	Tests        []Test
	Notes        map[diag.Pos]string // the texts of note, by the places of what has them: users, domains, addresses

	Includes []string // the patterns of included files, with the folder they are relative to
	Part     bool     // the top file has only keys of an included file
}

// A Name is a text of the inventory with its place.
type Name struct {
	Text string
	Pos  diag.Pos
}

// Host describes this mail server.
type Host struct {
	Name       Name // as A-labels: the server's own name
	MXNames    []Name
	Networks   []Network
	DKIM       []DKIMKey // of the host's own name; the first one signs
	SendsFrom  []Network // single addresses; none: those of Networks
	LocalNames []Name    // sorted
	Server     ServerKind
	MailDir    Name // an absolute path without a final slash
	Map        MapType
	MapPos     diag.Pos
}

// A ServerKind is a kind of mail server: the Name of one of ServerKinds.
type ServerKind string

// A Network is an address or a prefix of this server.
type Network struct {
	Prefix netip.Prefix
	Pos    diag.Pos
}

// A MapType says how tables are stored on disk. The constants are all types that exist.
// The mail server checks whether it has the type of an inventory.
type MapType string

const (
	MapHash     MapType = "hash"     // Berkeley DB hash, .db
	MapCDB      MapType = "cdb"      // constant database, .cdb
	MapLMDB     MapType = "lmdb"     // LMDB file of liblmdb 0.9, .lmdb
	MapLMDB1    MapType = "lmdb-1.0" // LMDB file of liblmdb 1.0, .lmdb
	MapText     MapType = "text"     // the text itself, without a map
	MapTextHash MapType = "texthash" // the text itself, which the server reads into memory
)

// IsText reports whether the server reads the text itself, so that there is no map.
func (t MapType) IsText() bool { return t == MapText || t == MapTextHash }

// Defaults apply to every domain that has no value of its own.
type Defaults struct {
	CatchAll Target
	MXCheck  MXCheck
	Detail   Detail
	Roles    []Address
}

// MXCheck says what the MX verdict of a domain decides.
type MXCheck string

const (
	MXRequired MXCheck = "required"
	MXAdvisory MXCheck = "advisory"
	MXSkip     MXCheck = "skip"
)

// Detail says what happens to user+detail if only user is listed.
type Detail uint8

const (
	DetailUnset  Detail = iota
	DetailDrop          // the mail goes to the target of user
	DetailKeep          // the same, and the target gets the +detail too
	DetailReject        // the mail is refused
)

// A User is a real user of this server.
type User struct {
	Name     Name
	Mailbox  Name   // an mbox file, or a Maildir if a slash is at the end; empty: the usual mailbox
	Forward  Target // an address or a list of addresses; NoTarget: none
	KeepCopy bool   // with Forward: the mailbox gets the mail too
	SendsAs  Name   // the address that mail of the sendmail command comes from; empty: the account's

	// UID and GID are the numbers of the user and the group, for a server that delivers
	// to the Mailbox itself.
	UID, GID ID
}

// An ID is the number of a user or a group, from 1 to 4294967294; 0: it is not given.
type ID struct {
	N   uint32
	Pos diag.Pos
}

// A Domain is a virtual domain.
type Domain struct {
	Name      string // A-labels
	Pos       diag.Pos
	Enabled   bool
	Backup    bool    // relayed to better MX hosts, not delivered here
	MXCheck   MXCheck // empty: as in Defaults
	Detail    Detail  // DetailUnset: as in the source or in Defaults
	CatchAll  Target  // NoTarget: as in the source or in Defaults
	SameAs    Name
	Source    int       // the index of the domain in SameAs, or -1
	Addresses []Address // the domain's own, sorted by Compare
	Roles     []Address // the domain's own, sorted by Compare; the target Removed removes a role
	Noted     bool      // it has a note
	Sends     Sends

	// Held says that the domain is not served, because its MX records do not lead here.
	// It is not read from an inventory: package hostnames sets it.
	Held bool
}

// A TargetKind is the kind of a Target.
type TargetKind uint8

const (
	NoTarget  TargetKind = iota // no value
	ToUser                      // Users[Index]
	ToAlias                     // LocalAliases[Index]
	ToAddress                   // Text is an address
	ToPattern                   // Patterns[Index]; Text is the pattern as written
	ToList                      // Lists[Index]
	ToDomain                    // the same address in the domain Text, with the detail
	ToLocal                     // the server's local accounts and aliases decide
	Refused                     // Refusals[Index]
	Removed                     // a role is removed
	toName                      // Text is a user or alias that is not looked up yet
)

// A Target says where mail for a virtual address goes.
type Target struct {
	Kind  TargetKind
	Lone  bool // it was the only target of a list
	Index uint32
	Pos   diag.Pos
	Text  string
}

// A List is a target with several recipients.
type List struct {
	Members   []Target
	BouncesTo Target // gets the bounces when a member fails; NoTarget: the sender
}

// A Refusal is the reply to a recipient that is refused.
type Refusal struct {
	Code   int    // 4yz or 5yz
	Status string // class.subject.detail (RFC 3463), with the class of Code
	Text   string // printable ASCII without " and \
	Given  bool   // the inventory has the Text; false: a server may choose other words
}

// Guards are the limits beyond which publishing takes a change for an accident.
type Guards struct {
	MaxRemovedPercent int
	MinSize           int
}

// MX says how verdicts decide which domains are served.
type MX struct {
	RemoveAuto    bool
	Recheck       time.Duration
	MaxUnknownAge time.Duration
}

// A CheckSetting is the setting of one check.
type CheckSetting struct {
	ID       string
	Severity diag.Severity
	Pos      diag.Pos
}

// A Test is an address with its expected outcome.
type Test struct {
	Address string
	Pos     diag.Pos
	Want    Expectation
}

// An Expectation is the outcome that a Test expects.
type Expectation struct {
	NotOurs    bool
	Refused    bool
	Code       int    // 0: any code of the class
	Class      byte   // of a refusal: '4' or '5'; 0: either
	Status     string // empty: any status
	Recipients []Target
}

// CountAddresses returns the number of addresses of all domains, without copies.
func (m *Model) CountAddresses() (n int) {
	for i := range m.Domains {
		n += len(m.Domains[i].Addresses)
	}
	return n
}

// ForgetAddresses frees the addresses of all domains, most of a large inventory, after
// they were compiled.
func (m *Model) ForgetAddresses() {
	for i := range m.Domains {
		m.Domains[i].Addresses = nil
	}
}

// Domain returns the index of a domain, given as A-labels.
func (m *Model) Domain(name string) (int, bool) {
	return sort.Find(len(m.Domains), func(i int) int { return strings.Compare(name, m.Domains[i].Name) })
}

// User returns the index of a user.
func (m *Model) User(name string) (int, bool) {
	return sort.Find(len(m.Users), func(i int) int { return strings.Compare(name, m.Users[i].Name.Text) })
}

// LocalAlias returns the index of a name in local_aliases.
func (m *Model) LocalAlias(name string) (int, bool) {
	return slices.BinarySearchFunc(m.LocalAliases, name, func(n Name, name string) int {
		return strings.Compare(n.Text, name)
	})
}

// IsHostName reports whether a domain is the host: its name or one of its local names.
func (m *Model) IsHostName(domain string) bool {
	_, local := slices.BinarySearchFunc(m.Host.LocalNames, domain, func(n Name, domain string) int {
		return strings.Compare(n.Text, domain)
	})
	return local || domain == m.Host.Name.Text
}

// Meant returns the domain that a name stands for. localhost, alone or in the domain of
// the host, stands for the host.
func (m *Model) Meant(domain string) string {
	if !strings.HasPrefix(domain, "localhost") { // nearly all names
		return domain
	}
	host := m.Host.Name.Text
	_, behind, _ := strings.Cut(host, ".")
	if domain == "localhost" || domain == "localhost."+behind {
		return host
	}
	return domain
}

// MXCheckOf returns what the MX verdict of a domain decides.
func (m *Model) MXCheckOf(d *Domain) MXCheck {
	if d.MXCheck == "" {
		return m.Defaults.MXCheck
	}
	return d.MXCheck
}

// Serves reports whether this server's tables deliver the mail of a domain: it is
// listed, enabled and no backup domain. It may be Held.
func (m *Model) Serves(domain string) (int, bool) {
	i, ok := m.Domain(domain)
	return i, ok && m.Domains[i].Enabled && !m.Domains[i].Backup
}
