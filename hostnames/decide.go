package hostnames

import (
	"hash/fnv"
	"time"

	"virtmap/inventory"
	"virtmap/mxcheck"
)

// A Policy decides which domains of an inventory are served, by what is
// installed, what is remembered and what the DNS says now:
//
//   - The inventory says which domains there are, and which of them are
//     relayed. Where nothing is heard, nothing else moves a domain.
//   - A new domain is served when the DNS speaks for it, and held back while it
//     speaks against it.
//   - A domain that is served is pending while the DNS speaks against it, and
//     is served all the same. It leaves with remove: auto, when that was
//     confirmed: in three runs, over a day and the time that the answers may
//     be kept, by two servers.
//   - When many domains are spoken against at once, nothing moves; nor do many
//     leave at once.
//
// The addresses of a domain that is served are no matter of this: they are
// always written as the inventory has them.
type Policy struct {
	Model  *inventory.Model
	Memory *Memory
	// ClassW and Relayed are the names of the installed local-host-names and
	// virtmap-relay-domains; nil where the file is not there or damaged, and
	// what the memory says counts.
	ClassW, Relayed map[string]bool
	Now             time.Time
	Zones           bool // the verdicts come from zone files
}

// Decides reports whether the verdict on a domain decides about it. The host's
// own names are local whatever DNS says: without rows they would be open.
func Decides(m *inventory.Model, d *inventory.Domain) bool {
	return d.Enabled && m.MXCheckOf(d) == inventory.MXRequired && !m.IsHostName(d.Name)
}

// remembered gives what is known of a domain. What was said of it in another
// role, or by zone files where DNS is asked now, says nothing against it.
func (k *Policy) remembered(d *inventory.Domain) *Remembered {
	r := k.Memory.Domains[d.Name]
	if r == nil {
		return &Remembered{Backup: d.Backup, Zones: k.Zones}
	}
	other := r.Backup != d.Backup || r.Zones != k.Zones
	if other {
		r.Checked, r.Tried = time.Time{}, time.Time{}
	}
	if other || !Decides(k.Model, d) {
		r.Against, r.Doubted = nil, false
	}
	r.Backup, r.Zones = d.Backup, k.Zones
	return r
}

// served reports whether a domain is served now, in whichever role.
func (k *Policy) served(d *inventory.Domain) bool {
	if k.ClassW[d.Name] || k.Relayed[d.Name] {
		return true
	}
	r := k.Memory.Domains[d.Name]
	if r == nil || !r.Served {
		return false
	}
	if r.Backup {
		return k.Relayed == nil
	}
	return k.ClassW == nil
}

// pause is how long a domain that is served, and not pending, is left alone
// after it was asked about.
const pause = 15 * time.Minute

// Due gives the domains to ask about, by their index: new ones, those that are
// held back or pending, and those whose verdict is older than mx.recheck. When
// that is depends on the name too, between the half and all of it, so that
// domains that came in together do not stay together.
func (k *Policy) Due() []int {
	var due []int
	for i := range k.Model.Domains {
		if d := &k.Model.Domains[i]; d.Enabled && k.Model.MXCheckOf(d) != inventory.MXSkip && k.due(d) {
			due = append(due, i)
		}
	}
	return due
}

func (k *Policy) due(d *inventory.Domain) bool {
	r := k.remembered(d)
	switch {
	case k.Zones || Decides(k.Model, d) && !k.served(d) || r.Against != nil:
		return true
	case within(k.Now, r.Tried, min(pause, k.Model.MX.Recheck)):
		return false
	}
	return r.Verdict == "" || r.Verdict == mxcheck.Error.String() || r.Doubted || !within(k.Now, r.Checked, spread(d.Name, k.Model.MX.Recheck))
}

// Quiet gives the time until which no domain is due, when none waits for
// anything now. Zone files that stay as they are say the same again: with them
// that is the time until which they need not be read.
func (k *Policy) Quiet() (until time.Time, ok bool) {
	for i := range k.Model.Domains {
		d := &k.Model.Domains[i]
		if !d.Enabled || k.Model.MXCheckOf(d) == inventory.MXSkip {
			continue
		}
		if d.Held || !k.Zones && k.due(d) {
			return time.Time{}, false
		}
		r := k.remembered(d)
		if k.Zones && (r.Against != nil || r.Doubted || r.Verdict == mxcheck.Error.String()) {
			return time.Time{}, false
		}
		next := k.next(d, r)
		if until.IsZero() || next.Before(until) {
			until = next
		}
	}
	return until, true
}

// next is when a domain that waits for nothing is due.
func (k *Policy) next(d *inventory.Domain, r *Remembered) time.Time {
	recheck := spread(d.Name, k.Model.MX.Recheck)
	if k.Zones {
		next := r.Tried.Add(recheck)
		if r.Silent == nil || !Decides(k.Model, d) {
			return next
		}
		if overdue := r.Silent.Since.Add(k.Model.MX.MaxUnknownAge); overdue.Before(next) {
			return overdue
		}
		return next
	}
	next := r.Checked.Add(recheck)
	if rest := r.Tried.Add(min(pause, k.Model.MX.Recheck)); rest.After(next) {
		return rest
	}
	return next
}

// within reports whether an event is no older than an age, and not of the
// future: clocks are set back.
func within(now, event time.Time, age time.Duration) bool {
	old := now.Sub(event)
	return old >= 0 && old < age
}

// spread gives between the half and all of a time, by name.
func spread(name string, d time.Duration) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(name))
	const steps = 1 << 16
	return d/2 + d/2/steps*time.Duration(h.Sum32()%steps)
}

// Subject is how mxcheck is asked about a domain.
func Subject(m *inventory.Model, d *inventory.Domain) mxcheck.Subject {
	return mxcheck.Subject{Domain: d.Name, Backup: d.Backup, Skip: m.MXCheckOf(d) == inventory.MXSkip}
}

// Us is what mxcheck recognises this host by.
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

// A Decision is what was decided, for a person.
type Decision struct {
	Held    int  // new domains that the DNS speaks against
	Pending int  // domains that are served, and that it speaks against
	Waiting int  // new domains of which nothing is known
	Overdue int  // domains that are served, and of which nothing was heard for mx.max_unknown_age
	Asked   bool // there were verdicts
	Frozen  bool // nothing moved, because it looks like an accident
	Left    int  // domains that are not served any more, from now on

	reports []report
}

// Decide takes in the verdicts on domains, by index, sets Held of every domain
// of the Model, and brings the Memory up to date.
func (k *Policy) Decide(verdicts map[int]mxcheck.Verdict) Decision {
	d := Decision{Asked: len(verdicts) > 0}
	if lie := lies(verdicts); lie != nil {
		d.Frozen = true
		d.reports = append(d.reports, k.reportLie(lie))
	} else if against, of := k.suddenly(verdicts); k.isAccident(len(against), of) {
		d.Frozen = true
		d.reports = append(d.reports, k.reportAccident(against, of))
	}
	known := make(map[string]*Remembered, len(k.Model.Domains))
	var leaving []int
	before := make([]bool, len(k.Model.Domains))
	for i := range k.Model.Domains {
		domain := &k.Model.Domains[i]
		if before[i] = k.served(domain); !domain.Enabled {
			continue
		}
		r := k.remembered(domain)
		known[domain.Name] = r
		v, asked := verdicts[i]
		if asked {
			k.hear(domain, r, before[i], &v, d.Frozen)
		}
		domain.Held = !k.serves(domain, r, before[i], asked && v.Action != mxcheck.Keep, d.Frozen)
		if domain.Held && before[i] {
			leaving = append(leaving, i)
		}
	}
	k.Memory.Domains = known
	k.guardLeaving(&d, leaving, before)
	k.settle(&d, before)
	return d
}

// hear remembers what was said of a domain. What is said against one that is
// served does not count while it looks like an accident.
func (k *Policy) hear(d *inventory.Domain, r *Remembered, served bool, v *mxcheck.Verdict, frozen bool) {
	switch {
	case v.Action == mxcheck.Keep:
		r.miss(v, k.Now)
	case frozen && served && v.Level == mxcheck.Error:
		r.Silent, r.Tried, r.Doubted = nil, k.Now, true
	default:
		r.take(v, k.Now)
		if v.Level == mxcheck.Error && Decides(k.Model, d) {
			r.speakAgainst(v, k.Now)
		}
	}
}

// serves gives whether a domain is served from now on.
func (k *Policy) serves(d *inventory.Domain, r *Remembered, served, answered, frozen bool) bool {
	switch {
	case !Decides(k.Model, d):
		return true
	case !answered || frozen:
		return served
	case r.Against == nil:
		return true
	}
	return served && !(k.Model.MX.RemoveAuto && r.Against.confirmed(k.Now))
}

// guardLeaving lets no more domains leave at once than guards.max_removed.
func (k *Policy) guardLeaving(d *Decision, leaving []int, before []bool) {
	of := 0
	for i := range k.Model.Domains {
		if before[i] && Decides(k.Model, &k.Model.Domains[i]) {
			of++
		}
	}
	if len(leaving) == 0 || !k.isAccident(len(leaving), of) {
		return
	}
	for _, i := range leaving {
		k.Model.Domains[i].Held = false
	}
	d.Frozen = true
	d.reports = append(d.reports, k.reportLeaving(leaving, of))
}

// settle remembers what was decided, and counts it.
func (k *Policy) settle(d *Decision, before []bool) {
	for i := range k.Model.Domains {
		domain := &k.Model.Domains[i]
		if !domain.Enabled {
			continue
		}
		r := k.Memory.Domains[domain.Name]
		r.Served = !domain.Held
		if domain.Held && before[i] {
			d.Left++
			r.Left = k.Now
		}
		d.reports = append(d.reports, k.reportOne(d, domain, r)...)
	}
}

// lies gives the verdict of a resolver that lies.
func lies(verdicts map[int]mxcheck.Verdict) *mxcheck.Verdict {
	for _, v := range verdicts {
		if v.ID() == mxcheck.ResolverLies {
			return &v
		}
	}
	return nil
}

// suddenly gives the domains that are served and that the DNS speaks against
// since less than a day, and of how many. It has not happened at once where it
// was said before.
func (k *Policy) suddenly(verdicts map[int]mxcheck.Verdict) (against []int, of int) {
	for i := range k.Model.Domains {
		d := &k.Model.Domains[i]
		if !Decides(k.Model, d) || !k.served(d) {
			continue
		}
		of++
		v, asked := verdicts[i]
		r := k.remembered(d)
		spoken := v.Level == mxcheck.Error
		if !asked || v.Action == mxcheck.Keep {
			spoken = r.Doubted // until an answer says otherwise
		}
		if spoken && (r.Against == nil || k.Now.Sub(r.Against.Since) < leaveAfter) {
			against = append(against, i)
		}
	}
	return against, of
}

func (k *Policy) isAccident(against, of int) bool {
	g := k.Model.Guards
	return of >= g.MinSize && against*100 > of*g.MaxRemovedPercent
}
