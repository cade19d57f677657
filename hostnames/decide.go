package hostnames

import (
	"hash/fnv"
	"time"

	"virtmap/internal/diag"
	"virtmap/inventory"
	"virtmap/mxcheck"
)

// A Desk decides which domains of an inventory are served, by what is
// installed, what is remembered and what the DNS says now:
//
//   - No answer moves a domain, in or out.
//   - A new domain is served when the DNS speaks for it, and held back while it
//     speaks against it.
//   - A domain that is served is pending while the DNS speaks against it, and
//     is served all the same. It leaves with remove: auto, when that was
//     confirmed: in three runs, over a day and the time that the answers may
//     be kept, by two servers.
//   - When many domains are spoken against at once, nothing moves.
//
// The addresses of a domain that is served are no matter of this: they are
// always written as the inventory has them.
type Desk struct {
	Model  *inventory.Model
	Memory *Memory
	// Installed and Relaying are the names of the installed local-host-names
	// and virtmap-relay-domains: what is served, whatever the memory says.
	Installed, Relaying map[string]bool
	Now                 time.Time
	Zones               bool // the verdicts come from zone files
}

// gated reports whether the verdict on a domain decides about it. The host's
// own names are local whatever DNS says: without rows they would be open.
func (k *Desk) gated(d *inventory.Domain) bool {
	return d.Enabled && k.Model.MXCheckOf(d) == inventory.MXRequired && !k.Model.IsHostName(d.Name)
}

// remembered gives what is known of a domain; nothing, when its role was
// another.
func (k *Desk) remembered(d *inventory.Domain) *Remembered {
	r := k.Memory.Domains[d.Name]
	if r == nil || r.Backup != d.Backup {
		return &Remembered{Backup: d.Backup}
	}
	return r
}

// served reports whether a domain is served now.
func (k *Desk) served(d *inventory.Domain) bool {
	if d.Backup {
		return k.Relaying[d.Name] || k.remembered(d).Served
	}
	return k.Installed[d.Name] || k.remembered(d).Served
}

// pause is how long a domain that is served is left alone after a question
// that was not answered.
const pause = 15 * time.Minute

// Due gives the domains to ask about, by their index: new ones, those that are
// held back or pending, and those whose verdict is older than mx.recheck. When
// that is depends on the name too, between the half and all of it, so that
// domains that came in together do not stay together.
func (k *Desk) Due() []int {
	var due []int
	for i := range k.Model.Domains {
		if d := &k.Model.Domains[i]; d.Enabled && k.Model.MXCheckOf(d) != inventory.MXSkip && k.due(d) {
			due = append(due, i)
		}
	}
	return due
}

func (k *Desk) due(d *inventory.Domain) bool {
	r := k.remembered(d)
	if k.Zones || r.Zones || k.gated(d) && !k.served(d) || r.Against != nil {
		return true
	}
	if r.Silent != nil && within(k.Now, r.Silent.Tried, min(pause, k.Model.MX.Recheck)) {
		return false
	}
	return r.Verdict == "" || !within(k.Now, r.Checked, spread(d.Name, k.Model.MX.Recheck))
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
	Frozen  bool // nothing moved, because it looks like an accident
	Entered int  // domains that are served from now on
	Left    int  // and that are not any more

	// Reports says so with places. It is empty when all of it was said less
	// than a day ago.
	Reports []diag.Fault
}

// Decide takes in the verdicts on domains, by index, sets Held of every domain
// of the Model, and brings the Memory up to date.
func (k *Desk) Decide(verdicts map[int]mxcheck.Verdict) Decision {
	var d Decision
	var reports []report
	if lie := lies(verdicts); lie != nil {
		d.Frozen = true
		reports = append(reports, k.reportLie(lie))
	} else if against, of := k.suddenly(verdicts); k.isAccident(len(against), of) {
		d.Frozen = true
		reports = append(reports, k.reportAccident(against, of))
	}
	known := make(map[string]*Remembered, len(k.Model.Domains))
	for i := range k.Model.Domains {
		domain := &k.Model.Domains[i]
		if !domain.Enabled {
			continue
		}
		v, asked := verdicts[i]
		before := k.served(domain)
		r := k.remembered(domain)
		known[domain.Name] = r
		after := k.decideOne(domain, r, before, v, asked, d.Frozen)
		domain.Held = !after
		if after != before && after {
			d.Entered++
		} else if after != before {
			d.Left++
		}
		r.Served = after
		reports = append(reports, k.reportOne(&d, domain, r)...)
	}
	k.Memory.Domains = known
	d.Reports = k.announce(reports)
	return d
}

// decideOne gives whether a domain is served from now on, and remembers what
// was heard of it.
func (k *Desk) decideOne(d *inventory.Domain, r *Remembered, served bool, v mxcheck.Verdict, asked, frozen bool) bool {
	if asked && v.Action == mxcheck.Keep {
		r.miss(&v, k.Now)
	}
	if !k.gated(d) {
		if asked && v.Action != mxcheck.Keep {
			r.take(&v, k.Now, k.Zones)
		}
		return true
	}
	if !asked || v.Action == mxcheck.Keep || frozen {
		return served
	}
	r.take(&v, k.Now, k.Zones)
	switch {
	case v.Level < mxcheck.Error:
		return true
	case !served:
		return false
	}
	return !k.Model.MX.RemoveAuto || !r.Against.confirmed(k.Now)
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
// now, and of how many. Those that it has spoken against for so long that they
// might have left are no surprise.
func (k *Desk) suddenly(verdicts map[int]mxcheck.Verdict) (against []int, of int) {
	for i := range k.Model.Domains {
		d := &k.Model.Domains[i]
		if !k.gated(d) || !k.served(d) {
			continue
		}
		of++
		v, asked := verdicts[i]
		old := k.remembered(d).Against
		if asked && v.Level == mxcheck.Error && v.Action != mxcheck.Keep && (old == nil || !old.confirmed(k.Now)) {
			against = append(against, i)
		}
	}
	return against, of
}

func (k *Desk) isAccident(against, of int) bool {
	g := k.Model.Guards
	return of >= g.MinSize && against*100 > of*g.MaxRemovedPercent
}
