package build

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"virtmap/hostnames"
	"virtmap/inventory"
	"virtmap/mxcheck"
	"virtmap/mxcheck/resolve"
)

// Sources of MX records.
const (
	MXFromDNS   = "dns"
	MXFromZones = "zone"
	MXOff       = "off" // none: every domain is served
)

// An Asking says from where MX records come.
type Asking struct {
	From    string           // MXFromDNS, MXFromZones or MXOff
	Zones   []string         // zone files, and folders with zone files
	Servers []netip.AddrPort // the DNS servers to ask; none: those of this machine
	MaxQPS  float64          // the largest number of questions in a second; 0: the limit that is good for the servers
}

// DNSEvents receive events about questions to the DNS.
type DNSEvents interface {
	Enter(stage string)
	// Asking is called before the questions about some domains. It returns a function
	// that is called after each domain.
	Asking(domains int) (answered func())
	// ZoneFaults receives the faults of zone files that cannot be used.
	ZoneFaults(faults []resolve.ZoneFault)
}

// An Inquirer asks about the domains of an inventory.
type Inquirer struct {
	Faults []resolve.ZoneFault // faults of zone files, none of them fatal

	checker mxcheck.Checker
	zones   resolve.Reading // the zone files that were read
	close   func() error
	events  DNSEvents
}

// Open prepares the questions. If zone files have fatal faults, Open returns an error,
// and events receives these faults. The other faults are in Faults.
func (a *Asking) Open(host *inventory.Host, events DNSEvents) (*Inquirer, error) {
	q := &Inquirer{close: func() error { return nil }, events: events}
	q.checker.Us, q.checker.Absent = hostnames.Us(host), "virtmap-"+strings.ToLower(rand.Text()[:10])
	if a.From == MXFromZones {
		return q, q.openZones(a.Zones)
	}
	servers := a.Servers
	if len(servers) == 0 {
		servers = resolve.SystemServers(resolve.ResolvConf)
	}
	client, err := resolve.New(resolve.Config{Servers: servers, MaxQPS: a.MaxQPS})
	if err != nil {
		return nil, as(IO, err)
	}
	q.checker.Resolver, q.checker.Confirm, q.close = client, true, client.Close
	return q, nil
}

func (q *Inquirer) openZones(zones []string) error {
	files, faults, err := resolve.LoadZones(zones)
	if err != nil {
		return &Error{Kind: NoInput, Option: "zone", Err: err}
	}
	if slices.ContainsFunc(faults, func(f resolve.ZoneFault) bool { return f.Fatal }) {
		q.events.ZoneFaults(faults)
		return ErrFaults
	}
	q.checker.Resolver, q.checker.Covers = files, files.Covers
	q.Faults, q.zones = faults, files.Reading()
	return nil
}

// Resolver returns the source of the answers, for other questions than those of Ask. live is
// true for the DNS, and false for zone files. Call Close after the last question.
func (q *Inquirer) Resolver() (r mxcheck.Resolver, live bool) {
	_, files := q.checker.Resolver.(*resolve.Zones)
	return q.checker.Resolver, !files
}

// Close ends the questions. Ask closes the Inquirer by itself.
func (q *Inquirer) Close() error { return as(IO, q.close()) }

// Authoritatively makes the Inquirer also ask the name servers of each domain.
func (q *Inquirer) Authoritatively() { q.checker.Authoritative = true }

// Ask returns the verdicts on subjects, in their order.
func (q *Inquirer) Ask(ctx context.Context, subjects []mxcheck.Subject) ([]mxcheck.Verdict, error) {
	verdicts := make([]mxcheck.Verdict, len(subjects))
	q.events.Enter("ask the DNS")
	answered := q.events.Asking(len(subjects))
	err := q.checker.CheckAll(ctx, subjects, func(i int, v mxcheck.Verdict) {
		verdicts[i] = v
		answered()
	})
	return verdicts, as(IO, errors.Join(err, q.close()))
}
