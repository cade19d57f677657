package hostnames

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"virtmap/internal/diag"
	"virtmap/inventory"
	"virtmap/mxcheck"
)

var (
	checkHeld = &diag.Check{ID: "VM070", Name: "mx-held", Severity: diag.Warning,
		Rule: "A new domain is served when its MX leads to this server."}
	checkPending = &diag.Check{ID: "VM071", Name: "mx-pending", Severity: diag.Warning,
		Rule: "The MX of a domain that is served leads to this server."}
	checkSilent = &diag.Check{ID: "VM072", Name: "mx-silent", Severity: diag.Warning,
		Rule: "The DNS answers for a domain that is served at least every mx.max_unknown_age."}
	checkAdvisory = &diag.Check{ID: "VM073", Name: "mx-advisory", Severity: diag.Warning,
		Rule: "A domain with mx_check: advisory is served also when its MX leads elsewhere."}
	checkAccident = &diag.Check{ID: "VM074", Name: "mx-accident", Severity: diag.Warning,
		Rule: "When the DNS speaks against more than guards.max_removed of the domains at once, no domain enters or leaves."}
	checkLies = &diag.Check{ID: "VM075", Name: "mx-resolver-lies", Severity: diag.Warning,
		Rule: "A resolver that answers for names that cannot exist is not believed."}
	checkLeft = &diag.Check{ID: "VM076", Name: "mx-left", Severity: diag.Warning,
		Rule: "With remove: auto a domain leaves whose MX was seen elsewhere often enough."}
)

// A report is a fault with a key. A report with the same key as in the last run is
// the same report, even if its text has another date.
type report struct {
	fault diag.Fault
	key   string
}

// reportOne counts a domain in the Decision, and returns a report if a person should
// look at the domain.
func (p *Policy) reportOne(d *Decision, domain *inventory.Domain, r *Remembered) []report {
	say := func(c *diag.Check, id, help, format string, args ...any) []report {
		f := c.At(domain.Pos, len(domain.Name), format, args...).WithHelp("%s", help)
		return []report{{f, fmt.Sprintf("%s %s %s %v", c.ID, domain.Name, id, domain.Backup)}}
	}
	against := fmt.Sprintf("%s (%s)", r.Text, r.ID)
	switch p.state(d.Frozen, domain, r) {
	case StateHeld:
		d.Held++
		if !r.Left.IsZero() {
			return say(checkLeft, r.ID, r.Advice+", or take it out of the inventory", "%s is not served any more, since %s: %s", domain.Name, r.Left.Format(time.DateOnly), against)
		}
		return say(checkHeld, r.ID, r.Advice, "%s is held back: %s", domain.Name, against)
	case StateWaiting:
		d.Waiting++
		if d.Frozen || r.Silent == nil {
			return say(checkHeld, "", "it comes in when the accident is over", "%s is held back as long as no domain may move", domain.Name)
		}
		return say(checkHeld, "", "run it again, or write mx_check: skip to serve it without looking", "%s is held back until the DNS answers: %s", domain.Name, r.silentText())
	case StatePending:
		d.Pending++
		return say(checkPending, r.ID, r.Advice+"; "+p.howItLeaves(r), "%s is served and its mail is delivered here, but %s, since %s", domain.Name, against, since(r))
	case StateOverdue:
		d.Overdue++
		return say(checkSilent, "", "nothing is changed; ask with virtmap mx "+domain.Name, "%s is served, and the DNS has not answered for it since %s%s: %s",
			domain.Name, r.Silent.Since.Format(time.DateOnly), r.lastGood(), r.silentText())
	}
	if r.Verdict == mxcheck.Error.String() && p.Model.MXCheckOf(domain) == inventory.MXAdvisory {
		return say(checkAdvisory, r.ID, r.Advice, "%s is served as mx_check: advisory asks, and %s", domain.Name, against)
	}
	return nil
}

// since returns the date of the first error.
func since(r *Remembered) string { return r.Against.Since.Format(time.DateOnly) }

// howItLeaves describes when a pending domain leaves.
func (p *Policy) howItLeaves(r *Remembered) string {
	switch {
	case !p.Model.MX.RemoveAuto:
		return "if it has left, write enabled: false"
	case len(r.Against.Servers) < leaveServers:
		return "it leaves by itself once a second resolver has said so too (--resolver)"
	}
	return fmt.Sprintf("it leaves by itself when that is still so on %s, after %d runs", r.Against.leaves().Format(time.DateOnly), leaveRuns)
}

// lastGood describes when the last good answer was.
func (r *Remembered) lastGood() string {
	if r.LastOK.IsZero() {
		return ""
	}
	return " (it last spoke for it on " + r.LastOK.Format(time.DateOnly) + ")"
}

func (r *Remembered) silentText() string { return fmt.Sprintf("%s (%s)", r.Silent.Text, r.Silent.ID) }

// whole returns a report about all domains.
func (p *Policy) whole(c *diag.Check, help, format string, args ...any) report {
	host := p.Model.Host.Name
	return report{c.At(host.Pos, max(1, len(host.Text)), format, args...).WithHelp("%s", help), c.ID}
}

func (p *Policy) reportLie(v *mxcheck.Verdict) report {
	return p.whole(checkLies, v.Findings[0].Advice, "no domain enters or leaves: %s", v.Text())
}

func (p *Policy) reportAccident(against []int, of int) report {
	return p.whole(checkAccident, fmt.Sprintf("see virtmap mx; if they did leave, write enabled: false for them, or raise guards.max_removed (%d%%)", p.Model.Guards.MaxRemovedPercent),
		"no domain enters or leaves: the DNS speaks against %d of %d domains at once, and that looks like an accident: %s", len(against), of, p.some(against))
}

func (p *Policy) reportLeaving(leaving []int, of int) report {
	return p.whole(checkAccident, fmt.Sprintf("see virtmap mx; if they are to leave, write enabled: false for them, or raise guards.max_removed (%d%%)", p.Model.Guards.MaxRemovedPercent),
		"no domain leaves: %d of %d would at once, and that looks like an accident: %s", len(leaving), of, p.some(leaving))
}

// some returns the names of the first of some domains.
func (p *Policy) some(domains []int) string {
	const shown = 5
	var names []string
	for _, i := range domains[:min(len(domains), shown)] {
		names = append(names, p.Model.Domains[i].Name)
	}
	if len(domains) > shown {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

// repeatAfter is the time after which an unchanged report is announced again.
const repeatAfter = 24 * time.Hour

// mostReports is the most reports of one check.
const mostReports = 20

// Announce returns the reports that were not announced within a day, or all reports.
// further are faults that follow from the decision.
func (p *Policy) Announce(d Decision, further []diag.Fault, all bool) []diag.Fault {
	reports := d.reports
	for _, f := range further {
		reports = append(reports, report{f, f.Check.ID + " " + f.Text})
	}
	announced := map[string]time.Time{}
	if d.Frozen || !d.Asked { // the earlier reports may still be true
		maps.Copy(announced, p.Memory.Announced)
	}
	var faults []diag.Fault
	counts := map[*diag.Check]int{}
	for _, r := range reports {
		at := p.Memory.Announced[r.key]
		recently := within(p.Now, at, repeatAfter)
		if recently {
			announced[r.key] = at
		}
		if recently && !all {
			continue
		}
		announced[r.key] = p.Now
		if counts[r.fault.Check]++; counts[r.fault.Check] <= mostReports {
			faults = append(faults, r.fault)
		}
	}
	for check, n := range counts {
		if n > mostReports {
			faults = append(faults, p.whole(check, "virtmap mx names them all", "and %d more like this", n-mostReports).fault)
		}
	}
	p.Memory.Announced = announced
	return faults
}
