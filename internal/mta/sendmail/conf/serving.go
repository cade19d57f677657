package conf

import (
	"fmt"
	"slices"
	"time"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
)

// A Serving says what the running server reads of a set. A sendmail reads its
// configuration when it starts, and at a HUP: what the file says counts only
// from then on.
type Serving struct {
	Gaps  []Gap
	Stale bool // the running sendmail was started before the configuration was changed

	known bool // there is a configuration
	reads []Need
	other bool // the virtusertable is read as a map of another type
}

// Serving works out what is read. started is when the running sendmail read its
// configuration, zero where none runs; m is what was remembered.
func (c *Config) Serving(s mcfile.Settings, started time.Time, m mta.Remembered) Serving {
	v := Serving{Gaps: c.Gaps(s), known: c.Path != ""}
	if m, ok := c.Map(VirtuserMap); ok && m.Path != "" {
		v.other = m.Class != s.Map && regular.SamePath(mapfile.WithoutSuffix(m.Path), s.MailDir+"/"+Table.String())
	}
	for _, n := range needsOf(s) {
		if !v.lacks(n) {
			v.reads = append(v.reads, n)
		}
	}
	if !v.known || started.IsZero() || !started.Before(c.Changed) {
		return v
	}
	remembers := func(n Need) bool { return m.Started.Equal(started) && slices.Contains(m.Reads, n.String()) }
	if !slices.ContainsFunc(v.reads, func(n Need) bool { return !remembers(n) }) && len(v.Gaps) == 0 {
		return v // it reads all of it by the configuration that it was started with
	}
	v.Stale = true
	v.reads = slices.DeleteFunc(v.reads, func(n Need) bool { return !remembers(n) })
	return v
}

func (v *Serving) lacks(n Need) bool {
	return slices.ContainsFunc(v.Gaps, func(g Gap) bool { return g.Need == n })
}

// Reads reports whether the running server reads a file for certain. A folder
// without a configuration counts as one that reads everything.
func (v *Serving) Reads(n Need) bool { return !v.known || slices.Contains(v.reads, n) }

// MayRead reports whether it is not certain that the running server does not read
// a file.
func (v *Serving) MayRead(n Need) bool { return v.Reads(n) || v.Stale }

// OtherType reports whether the virtusertable is read as a map of another type: the
// server's own make builds that of the text.
func (v *Serving) OtherType() bool { return v.other }

// Complete reports whether everything is read.
func (v *Serving) Complete() bool { return len(v.Gaps) == 0 && !v.Stale }

// Remember gives what is to be remembered; ok is false where nothing new is known.
func (v *Serving) Remember(started time.Time) (m mta.Remembered, ok bool) {
	if !v.known || v.Stale || started.IsZero() {
		return m, false
	}
	m.Started = started
	for _, n := range v.reads {
		m.Reads = append(m.Reads, n.String())
	}
	return m, true
}

// Says names what is missing, a line each.
func (v *Serving) Says() (all []string) {
	for _, g := range v.Gaps {
		place := g.Path
		if g.Line > 0 {
			place = fmt.Sprintf("%s:%d", g.Path, g.Line)
		}
		all = append(all, place+": "+g.What)
	}
	if v.Stale {
		all = append(all, "the running sendmail was started before its configuration was changed, and may not read what is named there now")
	}
	return all
}
