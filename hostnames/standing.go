package hostnames

import (
	"time"

	"virtmap/inventory"
	"virtmap/mxcheck"
)

// A State says what a Decision means for a domain.
type State string

// States of enabled domains. Mail for a domain in one of the first three states is taken.
const (
	StateServed  State = "served"
	StatePending State = "pending" // served, with an error
	StateOverdue State = "overdue" // served, without an answer for mx.max_unknown_age
	StateHeld    State = "held"    // held back by an error; also a domain that left
	StateWaiting State = "waiting" // held back without a verdict that counts
)

// Taken reports whether mail for the domain is taken.
func (s State) Taken() bool { return s != StateHeld && s != StateWaiting }

// A Standing is the State of one domain, with the reason.
type Standing struct {
	Domain string // in A-labels
	Backup bool
	State  State

	// The reason: the last verdict, or why there is no answer. ID is empty if there was no
	// verdict, or if the domain waits for the others.
	Verdict, ID, Text, Advice string
	Checked                   time.Time // when the last verdict was given; zero: there was none
}

// Standings returns the standing of every enabled domain after a Decision, in the order
// of the Model.
func (p *Policy) Standings(d *Decision) []Standing {
	var all []Standing
	for i := range p.Model.Domains {
		domain := &p.Model.Domains[i]
		r := p.Memory.Domains[domain.Name]
		if !domain.Enabled || r == nil {
			continue
		}
		s := Standing{Domain: domain.Name, Backup: domain.Backup, State: p.state(d.Frozen, domain, r), Verdict: r.Verdict, ID: r.ID, Text: r.Text, Advice: r.Advice, Checked: r.Checked}
		switch {
		case p.Model.MXCheckOf(domain) == inventory.MXSkip:
			s.Verdict, s.ID, s.Text, s.Advice, s.Checked = "", "", "", "", time.Time{} // those of before it was skipped
		case s.State == StateWaiting && (d.Frozen || r.Silent == nil):
			s.Verdict, s.ID, s.Text, s.Advice = "", "", "no domain may move", "it comes in when the accident is over"
		case s.State == StateWaiting, s.State == StateOverdue:
			s.Verdict, s.ID, s.Text, s.Advice = mxcheck.Unknown.String(), r.Silent.ID, r.Silent.Text, ""
		}
		all = append(all, s)
	}
	return all
}

// Unasked returns the standings of an inventory about which no DNS is asked: every
// enabled domain is served.
func Unasked(m *inventory.Model) []Standing {
	var all []Standing
	for i := range m.Domains {
		if d := &m.Domains[i]; d.Enabled {
			all = append(all, Standing{Domain: d.Name, Backup: d.Backup, State: StateServed})
		}
	}
	return all
}

// state returns the state of an enabled domain.
func (p *Policy) state(frozen bool, d *inventory.Domain, r *Remembered) State {
	switch {
	case !Decides(p.Model, d):
		return StateServed
	case d.Held && r.Against != nil:
		return StateHeld
	case d.Held:
		return StateWaiting
	case r.Against != nil && !frozen:
		return StatePending
	case r.Silent != nil && p.Now.Sub(r.Silent.Since) > p.Model.MX.MaxUnknownAge:
		return StateOverdue
	}
	return StateServed
}
