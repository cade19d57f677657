package hostnames

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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

// A report is a fault, and what makes it another one than the last time: not
// its wording, which may have a date in it.
type report struct {
	fault   diag.Fault
	subject string
	id      string
}

// reportOne counts a domain that needs a person, and says why.
func (k *Desk) reportOne(d *Decision, domain *inventory.Domain, r *Remembered) []report {
	fault := func(c *diag.Check, format string, args ...any) diag.Fault {
		return c.At(domain.Pos, len(domain.Name), format, args...)
	}
	say := func(f diag.Fault, id string) []report { return []report{{f, domain.Name, id}} }
	switch {
	case !k.gated(domain):
		if r.Against != nil && k.Model.MXCheckOf(domain) == inventory.MXAdvisory {
			return say(fault(checkAdvisory, "%s is served as mx_check: advisory asks, and %s (%s)", domain.Name, r.Text, r.ID).WithHelp("%s", r.Advice), r.ID)
		}
	case domain.Held && r.Against != nil && !r.LastOK.IsZero():
		d.Held++
		return say(fault(checkLeft, "%s is not served any more: %s (%s), since %s", domain.Name, r.Text, r.ID, r.Against.Since.Format(time.DateOnly)).
			WithHelp("%s, or take it out of the inventory", r.Advice), r.ID)
	case domain.Held && r.Against != nil:
		d.Held++
		return say(fault(checkHeld, "%s is held back: %s (%s)", domain.Name, r.Text, r.ID).WithHelp("%s", r.Advice), r.ID)
	case domain.Held:
		d.Waiting++
		return say(fault(checkHeld, "%s is held back until the DNS answers: %s", domain.Name, r.silentText()).
			WithHelp("run it again, or write mx_check: skip to serve it without looking"), r.silentID())
	case r.Against != nil && !d.Frozen:
		d.Pending++
		return say(fault(checkPending, "%s is served and its mail is delivered here, but %s (%s), since %s", domain.Name, r.Text, r.ID, r.Against.Since.Format(time.DateOnly)).
			WithHelp("%s; %s", r.Advice, k.howItLeaves(r)), r.ID)
	case r.Silent != nil && k.Now.Sub(r.Silent.Since) > k.Model.MX.MaxUnknownAge:
		d.Overdue++
		return say(fault(checkSilent, "%s is served, and the DNS has not answered for it since %s: %s", domain.Name, r.Silent.Since.Format(time.DateOnly), r.silentText()).
			WithHelp("nothing is changed; ask with virtmap mx %s", domain.Name), "")
	}
	return nil
}

// howItLeaves says what it takes for a pending domain to leave.
func (k *Desk) howItLeaves(r *Remembered) string {
	switch {
	case !k.Model.MX.RemoveAuto:
		return "if it has left, write enabled: false"
	case len(r.Against.Servers) < leaveServers:
		return "it leaves by itself once a second resolver has said so too"
	}
	return "it leaves by itself when that is so for a day and three runs"
}

func (r *Remembered) silentID() string {
	if r.Silent == nil {
		return ""
	}
	return r.Silent.ID
}

func (r *Remembered) silentText() string {
	if r.Silent == nil {
		return "it was not asked"
	}
	return fmt.Sprintf("%s (%s)", r.Silent.Text, r.Silent.ID)
}

func (k *Desk) reportLie(v *mxcheck.Verdict) report {
	host := k.Model.Host.Name
	f := checkLies.At(host.Pos, max(1, len(host.Text)), "no domain enters or leaves: %s", v.Text()).WithHelp("%s", v.Findings[0].Advice)
	return report{f, "", string(v.ID())}
}

func (k *Desk) reportAccident(against []int, of int) report {
	const shown = 5
	var names []string
	for _, i := range against[:min(len(against), shown)] {
		names = append(names, k.Model.Domains[i].Name)
	}
	if len(against) > shown {
		names = append(names, "…")
	}
	host := k.Model.Host.Name
	f := checkAccident.At(host.Pos, max(1, len(host.Text)), "no domain enters or leaves: the DNS speaks against %d of %d domains at once, and that looks like an accident: %s",
		len(against), of, strings.Join(names, ", ")).
		WithHelp("see virtmap mx; if they did leave, write enabled: false for them, or raise guards.max_removed (%d%%)", k.Model.Guards.MaxRemovedPercent)
	return report{f, "", ""}
}

// announce gives the reports when they are others than last time, or a day
// old.
func (k *Desk) announce(reports []report) []diag.Fault {
	said := &k.Memory.Announced
	if len(reports) == 0 {
		*said = Announced{}
		return nil
	}
	digest := sha256.New()
	faults := make([]diag.Fault, len(reports))
	for i, r := range reports {
		faults[i] = r.fault
		fmt.Fprintf(digest, "%s %s %s\n", r.fault.Check.ID, r.subject, r.id)
	}
	what := hex.EncodeToString(digest.Sum(nil)[:16])
	if what == said.What && within(k.Now, said.At, 24*time.Hour) {
		return nil
	}
	*said = Announced{At: k.Now, What: what}
	return faults
}
