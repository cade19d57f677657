package inventory

import (
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"virtmap/internal/diag"
)

// A Model is an inventory that was read and checked. Its slices are sorted by
// folded name, its texts are pieces of the sources where they can be, and
// every value knows its place. Nothing in it is any mail server's syntax.
type Model struct {
	Sources *diag.Sources
	Name    string // how the top file is called in messages and in file headers

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
	Strict       bool // the profile of the checks: warnings are errors
	Checks       []CheckSetting
	Tests        []Test

	Includes []string // the patterns of the files it includes, with the folder they are relative to
	Part     bool     // the top file has only what an included file may have
}

// A Name is a text of the inventory and its place.
type Name struct {
	Text string
	Pos  diag.Pos
}

// Host is this mail server.
type Host struct {
	Name       Name // A-labels: what the server calls itself
	MXNames    []Name
	Networks   []Network
	LocalNames []Name // sorted
	Server     ServerKind
	MailDir    Name // an absolute path without a final slash
	Map        MapType
	MapPos     diag.Pos
}

// ServerKind is a kind of mail server.
type ServerKind string

// Kinds of mail servers.
const (
	ServerSendmail ServerKind = "sendmail" // the default
)

// ServerKinds are all kinds, the default first.
var ServerKinds = []ServerKind{ServerSendmail}

// A Network is an address or a prefix that is this server.
type Network struct {
	Prefix netip.Prefix
	Pos    diag.Pos
}

// MapType is how tables are stored on disk. These are the ways that there are; what
// an inventory has is for its mail server to check.
type MapType string

const (
	MapHash MapType = "hash" // Berkeley DB hash, .db
	MapCDB  MapType = "cdb"  // constant database, .cdb
	MapText MapType = "text" // the text itself
)

// Defaults hold for every domain that does not say otherwise.
type Defaults struct {
	CatchAll Target
	MXCheck  MXCheck
	Detail   Detail
	Roles    []Address
}

// MXCheck is what a domain's MX verdict decides.
type MXCheck string

const (
	MXRequired MXCheck = "required"
	MXAdvisory MXCheck = "advisory"
	MXSkip     MXCheck = "skip"
)

// Detail is what becomes of user+detail where only user is listed.
type Detail uint8

const (
	DetailUnset  Detail = iota
	DetailDrop          // the mail goes where user's goes
	DetailKeep          // and takes its +detail along
	DetailReject        // it is refused
)

// A User is a real user of this server.
type User struct {
	Name     Name
	Mailbox  Name   // an mbox file, or with a final slash a Maildir; nothing for the usual one
	Forward  Target // an address or a list of them, or nothing
	KeepCopy bool   // with Forward: also into the mailbox
}

// A Domain is a virtual domain.
type Domain struct {
	Name      string // A-labels
	Pos       diag.Pos
	Enabled   bool
	Backup    bool    // relayed to better MX hosts, never delivered here
	MXCheck   MXCheck // empty: the defaults'
	Detail    Detail  // DetailUnset: the source's or the defaults'
	CatchAll  Target  // NoTarget: the source's or the defaults'
	SameAs    Name
	Source    int       // the domain that SameAs names, or -1
	Addresses []Address // its own, sorted by Compare
	Roles     []Address // its own, sorted by Compare; Removed takes one away
	Noted     bool      // it has a note

	// Held says that the domain is not served, because its MX records do not
	// lead here. No inventory says so: package hostnames decides it.
	Held bool
}

// TargetKind is what a Target is.
type TargetKind uint8

const (
	NoTarget  TargetKind = iota // nothing was said
	ToUser                      // Users[Index]
	ToAlias                     // LocalAliases[Index]
	ToAddress                   // Text, an address
	ToPattern                   // Patterns[Index]; Text is how it is written
	ToList                      // Lists[Index]
	ToDomain                    // the same address at the domain Text, detail kept
	ToLocal                     // whatever the server's local accounts and aliases say
	Refused                     // Refusals[Index]
	Removed                     // a role taken away
	toName                      // Text is a user or alias that is not looked up yet
)

// A Target is where mail for a virtual address goes.
type Target struct {
	Kind  TargetKind
	Lone  bool // it was the only one of a list
	Index uint32
	Pos   diag.Pos
	Text  string
}

// A List is several recipients.
type List struct {
	Members   []Target
	BouncesTo Target // who is told when a member fails; NoTarget: the sender
}

// A Refusal is the answer to a recipient that is not taken.
type Refusal struct {
	Code   int    // 4yz or 5yz
	Status string // class.subject.detail (RFC 3463), the class as in Code
	Text   string // printable ASCII without " and \
}

// Guards are what publishing takes for an accident.
type Guards struct {
	MaxRemovedPercent int
	MinSize           int
}

// MX says how verdicts turn into domains served.
type MX struct {
	RemoveAuto    bool
	Recheck       time.Duration
	MaxUnknownAge time.Duration
}

// A CheckSetting tunes one check.
type CheckSetting struct {
	ID       string
	Severity diag.Severity
	Pos      diag.Pos
}

// A Test is an address and the outcome to prove for it.
type Test struct {
	Address string
	Pos     diag.Pos
	Want    Expectation
}

// Expectation is what a Test expects.
type Expectation struct {
	NotOurs    bool
	Refused    bool
	Code       int    // 0: any of the class
	Class      byte   // of a refusal: '4', '5', or 0 for either
	Status     string // empty: any
	Recipients []Target
}

// CountAddresses is how many addresses all domains have of their own.
func (m *Model) CountAddresses() (n int) {
	for i := range m.Domains {
		n += len(m.Domains[i].Addresses)
	}
	return n
}

// ForgetAddresses lets go of the addresses of all domains, most of a large
// inventory, when they were compiled.
func (m *Model) ForgetAddresses() {
	for i := range m.Domains {
		m.Domains[i].Addresses = nil
	}
}

// Domain finds a domain by its A-labels.
func (m *Model) Domain(name string) (int, bool) {
	return sort.Find(len(m.Domains), func(i int) int { return strings.Compare(name, m.Domains[i].Name) })
}

// User finds a user by name.
func (m *Model) User(name string) (int, bool) {
	return sort.Find(len(m.Users), func(i int) int { return strings.Compare(name, m.Users[i].Name.Text) })
}

// LocalAlias finds a name of local_aliases.
func (m *Model) LocalAlias(name string) (int, bool) {
	return slices.BinarySearchFunc(m.LocalAliases, name, func(n Name, name string) int {
		return strings.Compare(n.Text, name)
	})
}

// IsHostName reports whether a domain is the host itself: its name or one of
// its local names.
func (m *Model) IsHostName(domain string) bool {
	_, local := slices.BinarySearchFunc(m.Host.LocalNames, domain, func(n Name, domain string) int {
		return strings.Compare(n.Text, domain)
	})
	return local || domain == m.Host.Name.Text
}

// Meant gives the domain that is meant by a name: localhost, also with the domain
// behind the host's name, is the host.
func (m *Model) Meant(domain string) string {
	if !strings.HasPrefix(domain, "localhost") { // as nearly all
		return domain
	}
	host := m.Host.Name.Text
	_, behind, _ := strings.Cut(host, ".")
	if domain == "localhost" || domain == "localhost."+behind {
		return host
	}
	return domain
}

// MXCheckOf is what a domain's MX verdict decides.
func (m *Model) MXCheckOf(d *Domain) MXCheck {
	if d.MXCheck == "" {
		return m.Defaults.MXCheck
	}
	return d.MXCheck
}

// Serves reports whether mail for the domain is meant to be delivered by this
// server's tables: it is listed, enabled and no backup. It may be Held.
func (m *Model) Serves(domain string) (int, bool) {
	i, ok := m.Domain(domain)
	return i, ok && m.Domains[i].Enabled && !m.Domains[i].Backup
}
