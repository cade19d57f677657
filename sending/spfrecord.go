package sending

import (
	"net/netip"
	"strings"

	"virtmap/mxcheck"
	"virtmap/sending/spf"
)

// A recordCheck is the check of one SPF record, while it is made.
type recordCheck struct {
	*domainCheck
	domain string
	record spf.Record
	found  []Finding
	mended mendedSPF
}

// check checks a record, and says whether our mail passes.
func (c *recordCheck) check(text string) state {
	record, faults := spf.Parse(text)
	c.record, c.mended = record, mendedSPF{record: record, idle: map[int]bool{}, before: map[int][]string{}}
	result := fails
	if c.faults(faults) {
		c.spfSays = spf.PermError.String()
		c.mended.text = c.complete(c.domain, fixSPF(text, faults))
	} else {
		costly := c.cost()
		result = c.permitted(costly)
		c.weak()
		if result == passes && !costly {
			c.found = append(c.found, c.ok())
		}
		c.mended.text = c.mended.build()
	}
	c.add(c.withLine()...)
	return result
}

// withLine returns the findings. The worst one has the line that mends all that a line can
// mend: two lines would be two records.
func (c *recordCheck) withLine() []Finding {
	if c.mended.text == "" || c.mended.text == c.record.Text {
		return c.found
	}
	worst := -1
	for i, f := range c.found {
		if f.mendable() && (worst < 0 || f.Level > c.found[worst].Level) {
			worst = i
		}
	}
	if worst >= 0 {
		c.found[worst] = c.found[worst].publish(txtLine(c.domain, c.mended.text))
	}
	return c.found
}

// mendable reports whether a line in the domain's own zone can mend a finding.
func (f *Finding) mendable() bool { return f.ID == SPFSyntax || f.ID == SPFNotUs || f.ID == SPFWeak }

// faults adds the mistakes of the record, and reports whether one is fatal.
func (c *recordCheck) faults(faults []spf.Fault) (fatal bool) {
	for _, f := range faults {
		found := finding(SPFSyntax, "SPF: %q at octet %d: %s", f.Term, f.Offset+1, f.Text).advise("%s", f.Help)
		if !f.Fatal {
			found = found.lowered(mxcheck.Warning)
			c.mended.idle[f.Offset] = true
		}
		fatal = fatal || f.Fatal
		c.found = append(c.found, found)
	}
	return fatal
}

// cost adds what receivers stumble over when they evaluate the whole record, and reports
// whether there is something. It counts for the addresses of both families.
func (c *recordCheck) cost() (costly bool) {
	var worst spf.Cost
	for _, addr := range oneOfEach(c.Host.Addresses) {
		cost := c.query(c.domain, addr).Cost(c.ctx)
		if worst.Record.Text == "" || cost.Lookups > worst.Lookups || len(cost.Voids) > len(worst.Voids) {
			worst = cost
		}
	}
	for _, p := range worst.Problems {
		if p.Failure.Failure != "" {
			c.found = append(c.found, noAnswer(SPFUnknown, "SPF: "+p.Own, p.Failure))
			continue
		}
		costly = true
		advice := "take " + p.Own + " out"
		if strings.Contains(p.Own, "include:") || strings.Contains(p.Own, "redirect=") {
			advice += ", or ask whoever runs the record to mend it"
		}
		c.found = append(c.found, finding(SPFSyntax, "SPF: %q leads to permerror: %s", p.Own, p.Why).advise("%s", advice))
	}
	if f, over := overLimit(worst); over {
		costly = true
		c.found = append(c.found, f)
	}
	return costly
}

// overLimit returns the finding of a record that needs more lookups than receivers make.
func overLimit(cost spf.Cost) (Finding, bool) {
	if len(cost.Voids) > spf.MaxVoids {
		var terms []string
		for _, v := range cost.Voids {
			terms = append(terms, v.Term)
		}
		return finding(SPFLookups, "SPF has %d names without records, %d are allowed", len(terms), spf.MaxVoids).
			advise("take them out: %s", strings.Join(terms, ", ")), true
	}
	most := spf.TermCost{}
	for _, t := range cost.Terms {
		if t.Lookups > most.Lookups {
			most = t
		}
	}
	return finding(SPFLookups, "SPF needs %s, %d are allowed", lookups(cost.Lookups), spf.MaxLookups).
		advise("write ip4: and ip6: in place of %s, which needs %d", most.Term, most.Lookups), cost.Lookups > spf.MaxLookups
}

func lookups(n int) string { return count(n, "lookup") }

// oneOfEach returns the first IPv4 and the first IPv6 address. Without any, it returns one
// that is for documentation.
func oneOfEach(addrs []netip.Addr) []netip.Addr {
	var all []netip.Addr
	for _, v4 := range []bool{true, false} {
		for _, addr := range addrs {
			if addr.Unmap().Is4() == v4 {
				all = append(all, addr)
				break
			}
		}
	}
	if len(all) == 0 {
		all = append(all, netip.AddrFrom4([4]byte{192, 0, 2, 1}))
	}
	return all
}

// permitted evaluates the record for each address that sends. costly says that there is a
// finding about permerror already.
func (c *recordCheck) permitted(costly bool) state {
	result := passes
	if len(c.Host.Addresses) == 0 {
		result = unsure
	}
	for _, addr := range c.Host.Addresses {
		a := c.query(c.domain, addr).Evaluate(c.ctx)
		switch {
		case a.Result == spf.Pass:
			if a.Term.Name == "ptr" {
				c.mended.insert(c.domain, a, addr)
			}
			continue
		case a.Result == spf.TempError:
			if result == passes {
				result = unsure
			}
			if !c.hasFound(SPFUnknown) {
				c.found = append(c.found, noAnswer(SPFUnknown, c.domain, a.Failure))
			}
			continue
		}
		result, c.spfSays = fails, a.Result.String()
		if a.Result == spf.PermError && costly {
			continue
		}
		c.found = append(c.found, c.notUs(addr, a))
		c.mended.insert(c.domain, a, addr)
	}
	return result
}

func (c *recordCheck) hasFound(id ID) bool {
	v := Verdict{Findings: c.found}
	return v.has(id)
}

// notUs is the finding of an address that does not pass.
func (c *recordCheck) notUs(addr netip.Addr, a spf.Answer) Finding {
	why := "nothing matched"
	switch {
	case a.Result == spf.PermError:
		why = a.Why
	case a.Term != nil && a.Domain != c.domain:
		why = a.Term.Text + " of " + a.Domain + " matched"
	case a.Term != nil:
		why = a.Term.Text + " matched"
	}
	return finding(SPFNotUs, "SPF says %s for %s, which sends for it (%s)", a.Result, addr, why)
}

// weak adds a finding about a record that lets everybody send, or uses ptr.
func (c *recordCheck) weak() {
	all, redirect := c.record.Term("all"), c.record.Term("redirect")
	var why []string
	switch {
	case all == nil && redirect == nil:
		why = append(why, "ends with no all, and says nothing about others")
	case all != nil && all.Result == spf.Pass:
		why = append(why, "ends with "+all.Text+", and lets everybody send")
	case all != nil && all.Result == spf.Neutral:
		why = append(why, "ends with "+all.Text+", and says nothing about others")
	}
	if ptr := c.record.Term("ptr"); ptr != nil {
		why = append(why, "uses "+ptr.Text+", which receivers may not look at")
	}
	if len(why) > 0 {
		c.found = append(c.found, finding(SPFWeak, "SPF %s", strings.Join(why, ", and ")))
	}
}

// ok is the finding of a record that lets all addresses pass.
func (c *recordCheck) ok() Finding {
	most := 0
	for _, addr := range c.Host.Addresses {
		most = max(most, c.query(c.domain, addr).Evaluate(c.ctx).Lookups)
	}
	if n := len(c.Host.Addresses); n > 1 {
		return finding(SPFOK, "SPF permits all %d of our addresses (%s)", n, lookups(most))
	}
	return finding(SPFOK, "SPF permits our address (%s)", lookups(most))
}
