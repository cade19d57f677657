package hostnames

import (
	"hash/fnv"
	"time"

	"virtmap/inventory"
	"virtmap/mxcheck"
)

// A Policy decides which domains of an inventory are served. The rules are:
//
//   - The inventory says which domains there are, and which of them are backup
//     domains. A domain that is removed from the inventory, or that gets the other
//     role in it, does not wait for an answer of the DNS.
//   - A new domain is served when its verdict is not an error. With an error the
//     domain is held back.
//   - A served domain with an error is pending: it is still served. If the inventory
//     has "remove: auto", the domain leaves when the error is confirmed. For this,
//     three runs and two servers must find the error, and it must last for a day, or
//     for the time to live of the answers if this time is longer.
//   - When many served domains have an error at once, this is an accident: no domain
//     enters or leaves. Many domains never leave at once.
//   - Without an answer, a domain stays as it is.
//
// The decision does not change addresses. The addresses of a served domain are always
// those of the inventory.
type Policy struct {
	Model  *inventory.Model
	Memory *Memory
	// ClassW and Relayed are the names in the installed local-host-names and
	// virtmap-relay-domains. When such a file is missing or damaged, its names are
	// nil, and the Memory says which domains are served.
	ClassW, Relayed map[string]bool
	Now             time.Time
	Zones           bool // the verdicts come from zone files
}

// Decides reports whether the verdict decides if a domain is served. The names of the
// host are served whatever their verdict is. They are always local, and without their
// rows, mail for every account of the machine would be accepted.
func Decides(m *inventory.Model, d *inventory.Domain) bool {
	return d.Enabled && m.MXCheckOf(d) == inventory.MXRequired && !m.IsHostName(d.Name)
}

// remembered returns what the Memory has about a domain. A verdict does not count for
// the other role, and a verdict from zone files does not count for a run that asks the
// DNS, or the other way round. remembered removes such a verdict from the Memory.
func (p *Policy) remembered(d *inventory.Domain) *Remembered {
	r := p.Memory.Domains[d.Name]
	if r == nil {
		return &Remembered{Backup: d.Backup, Zones: p.Zones}
	}
	other := r.Backup != d.Backup || r.Zones != p.Zones
	if other {
		r.Checked, r.Tried = time.Time{}, time.Time{}
	}
	if other || !Decides(p.Model, d) {
		r.Against, r.Doubted = nil, false
	}
	r.Backup, r.Zones = d.Backup, p.Zones
	return r
}

// served reports whether a domain is served now, in either role.
func (p *Policy) served(d *inventory.Domain) bool {
	if p.ClassW[d.Name] || p.Relayed[d.Name] {
		return true
	}
	r := p.Memory.Domains[d.Name]
	if r == nil || !r.Served {
		return false
	}
	if r.Backup {
		return p.Relayed == nil
	}
	return p.ClassW == nil
}

// pause is the least time between two checks of a served domain that is not pending.
const pause = 15 * time.Minute

// Due returns the indexes of the domains to check: new ones, those that are held back
// or pending, and those whose verdict is too old. The greatest age of a verdict is
// between half of mx.recheck and mx.recheck. It depends on the name of the domain, so
// that domains that were added together are checked at different times.
func (p *Policy) Due() []int {
	var due []int
	for i := range p.Model.Domains {
		if d := &p.Model.Domains[i]; d.Enabled && p.Model.MXCheckOf(d) != inventory.MXSkip && p.due(d) {
			due = append(due, i)
		}
	}
	return due
}

// due reports whether a domain must be checked now.
func (p *Policy) due(d *inventory.Domain) bool {
	r := p.remembered(d)
	switch {
	case p.Zones || Decides(p.Model, d) && !p.served(d) || r.Against != nil:
		return true
	case within(p.Now, r.Tried, min(pause, p.Model.MX.Recheck)):
		return false
	}
	return r.Verdict == "" || r.Verdict == mxcheck.Error.String() || r.Doubted || !within(p.Now, r.Checked, spread(d.Name, p.Model.MX.Recheck))
}

// Quiet returns the time until which no domain need be checked. ok is false when a
// domain must be checked now or is held back. With zone files, only a domain with an
// error must be checked now: unchanged zone files give each other domain the same
// verdict again, and need not be read before until.
func (p *Policy) Quiet() (until time.Time, ok bool) {
	for i := range p.Model.Domains {
		d := &p.Model.Domains[i]
		if !d.Enabled || p.Model.MXCheckOf(d) == inventory.MXSkip {
			continue
		}
		if d.Held || !p.Zones && p.due(d) {
			return time.Time{}, false
		}
		r := p.remembered(d)
		if p.Zones && (r.Against != nil || r.Doubted || r.Verdict == mxcheck.Error.String()) {
			return time.Time{}, false
		}
		next := p.next(d, r)
		if until.IsZero() || next.Before(until) {
			until = next
		}
	}
	return until, true
}

// next returns when a domain that is not due now will be due.
func (p *Policy) next(d *inventory.Domain, r *Remembered) time.Time {
	recheck := spread(d.Name, p.Model.MX.Recheck)
	if p.Zones {
		next := r.Tried.Add(recheck)
		if r.Silent == nil || !Decides(p.Model, d) {
			return next
		}
		if overdue := r.Silent.Since.Add(p.Model.MX.MaxUnknownAge); overdue.Before(next) {
			return overdue
		}
		return next
	}
	next := r.Checked.Add(recheck)
	if paused := r.Tried.Add(min(pause, p.Model.MX.Recheck)); paused.After(next) {
		return paused
	}
	return next
}

// within reports whether an event is younger than an age. For an event in the future
// the result is false, because the clock was set back.
func within(now, event time.Time, age time.Duration) bool {
	old := now.Sub(event)
	return old >= 0 && old < age
}

// spread returns a time between half of d and d. The time depends on the name.
func spread(name string, d time.Duration) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(name))
	const steps = 1 << 16
	return d/2 + d/2/steps*time.Duration(h.Sum32()%steps)
}

// Subject returns the subject of mxcheck for a domain.
func Subject(m *inventory.Model, d *inventory.Domain) mxcheck.Subject {
	return mxcheck.Subject{Domain: d.Name, Backup: d.Backup, Skip: m.MXCheckOf(d) == inventory.MXSkip}
}

// Us returns the names and networks by which mxcheck recognises this host.
func Us(h *inventory.Host) mxcheck.Us {
	var us mxcheck.Us
	for _, name := range h.MXNames {
		us.Names = append(us.Names, name.Text)
	}
	for _, network := range h.Networks {
		us.Networks = append(us.Networks, network.Prefix)
	}
	return us
}

// A Decision counts the domains by what was decided about them.
type Decision struct {
	Held    int  // new domains with an error
	Pending int  // served domains with an error
	Waiting int  // new domains without a verdict
	Overdue int  // served domains without an answer for mx.max_unknown_age
	Asked   bool // some domains were checked
	Frozen  bool // no domain entered or left, because of an accident or a resolver that lies
	Left    int  // domains that were served and are no longer served

	reports []report
}

// Decide decides which domains are served. verdicts has the verdict of each domain that
// was checked, by the index of the domain in the Model. Decide sets Held of every domain
// of the Model and updates the Memory.
func (p *Policy) Decide(verdicts map[int]mxcheck.Verdict) Decision {
	d := Decision{Asked: len(verdicts) > 0}
	if lie := lies(verdicts); lie != nil {
		d.Frozen = true
		d.reports = append(d.reports, p.reportLie(lie))
	} else if against, total := p.newlyAgainst(verdicts); p.isAccident(len(against), total) {
		d.Frozen = true
		d.reports = append(d.reports, p.reportAccident(against, total))
	}
	known := make(map[string]*Remembered, len(p.Model.Domains))
	var leaving []int
	before := make([]bool, len(p.Model.Domains))
	for i := range p.Model.Domains {
		domain := &p.Model.Domains[i]
		if before[i] = p.served(domain); !domain.Enabled {
			continue
		}
		r := p.remembered(domain)
		known[domain.Name] = r
		v, asked := verdicts[i]
		if asked {
			p.record(domain, r, before[i], &v, d.Frozen)
		}
		domain.Held = !p.serves(domain, r, before[i], asked && v.Action != mxcheck.Keep, d.Frozen)
		if domain.Held && before[i] {
			leaving = append(leaving, i)
		}
	}
	p.Memory.Domains = known
	p.guardLeaving(&d, leaving, before)
	p.finish(&d, before)
	return d
}

// record records the verdict on a domain in the Memory. An error of a served domain
// does not count during an accident.
func (p *Policy) record(d *inventory.Domain, r *Remembered, served bool, v *mxcheck.Verdict, frozen bool) {
	switch {
	case v.Action == mxcheck.Keep:
		r.recordSilence(v, p.Now)
	case frozen && served && v.Level == mxcheck.Error:
		r.Silent, r.Tried, r.Doubted = nil, p.Now, true
	default:
		r.recordAnswer(v, p.Now)
		if v.Level == mxcheck.Error && Decides(p.Model, d) {
			r.countAgainst(v, p.Now)
		}
	}
}

// serves reports whether a domain is served from now on.
func (p *Policy) serves(d *inventory.Domain, r *Remembered, served, answered, frozen bool) bool {
	switch {
	case !Decides(p.Model, d):
		return true
	case !answered || frozen:
		return served
	case r.Against == nil:
		return true
	}
	return served && !(p.Model.MX.RemoveAuto && r.Against.confirmed(p.Now))
}

// guardLeaving keeps all domains that would leave, if so many of them look like an
// accident.
func (p *Policy) guardLeaving(d *Decision, leaving []int, before []bool) {
	total := 0
	for i := range p.Model.Domains {
		if before[i] && Decides(p.Model, &p.Model.Domains[i]) {
			total++
		}
	}
	if len(leaving) == 0 || !p.isAccident(len(leaving), total) {
		return
	}
	for _, i := range leaving {
		p.Model.Domains[i].Held = false
	}
	d.Frozen = true
	d.reports = append(d.reports, p.reportLeaving(leaving, total))
}

// finish records the decision in the Memory, and adds the reports.
func (p *Policy) finish(d *Decision, before []bool) {
	for i := range p.Model.Domains {
		domain := &p.Model.Domains[i]
		if !domain.Enabled {
			continue
		}
		r := p.Memory.Domains[domain.Name]
		r.Served = !domain.Held
		if domain.Held && before[i] {
			d.Left++
			r.Left = p.Now
		}
		d.reports = append(d.reports, p.reportOne(d, domain, r)...)
	}
}

// lies returns the verdict that the resolver lies, or nil.
func lies(verdicts map[int]mxcheck.Verdict) *mxcheck.Verdict {
	for _, v := range verdicts {
		if v.ID() == mxcheck.ResolverLies {
			return &v
		}
	}
	return nil
}

// newlyAgainst returns the served domains with an error that is less than a day old, and
// the total number of served domains. A domain with an older error is not part of an
// accident.
func (p *Policy) newlyAgainst(verdicts map[int]mxcheck.Verdict) (domains []int, total int) {
	for i := range p.Model.Domains {
		d := &p.Model.Domains[i]
		if !Decides(p.Model, d) || !p.served(d) {
			continue
		}
		total++
		v, asked := verdicts[i]
		r := p.remembered(d)
		against := v.Level == mxcheck.Error
		if !asked || v.Action == mxcheck.Keep {
			against = r.Doubted // the last error, which did not count, is used until there is an answer
		}
		if against && (r.Against == nil || p.Now.Sub(r.Against.Since) < leaveAfter) {
			domains = append(domains, i)
		}
	}
	return domains, total
}

// isAccident reports whether n of the served domains look like an accident: n is more
// than guards.max_removed of the total, and the total is at least guards.min_size.
func (p *Policy) isAccident(n, total int) bool {
	g := p.Model.Guards
	return total >= g.MinSize && n*100 > total*g.MaxRemovedPercent
}
