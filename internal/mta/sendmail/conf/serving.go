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

// A Serving has the files of a set that the running server reads. sendmail reads its
// configuration when it starts and at a HUP. A later change of the configuration does not
// count until then.
type Serving struct {
	Gaps  []Gap
	Stale bool // the running sendmail was started before the configuration was changed

	known bool   // there is a configuration
	reads []Need // files that the running server certainly reads
	other bool   // the virtusertable is read as a map of another type
}

// Serving finds out which files are read. started is when the running sendmail read its
// configuration, or zero when no sendmail runs. m is from an earlier build.
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
		return v // the configuration of its start has all lines already
	}
	v.Stale = true
	v.reads = slices.DeleteFunc(v.reads, func(n Need) bool { return !remembers(n) })
	return v
}

func (v *Serving) lacks(n Need) bool {
	return slices.ContainsFunc(v.Gaps, func(g Gap) bool { return g.Need == n })
}

// Reads reports whether the running server certainly reads a file. Without a
// configuration it counts as reading all files.
func (v *Serving) Reads(n Need) bool { return !v.known || slices.Contains(v.reads, n) }

// MayRead reports whether the running server reads a file, or may do so.
func (v *Serving) MayRead(n Need) bool { return v.Reads(n) || v.Stale }

// OtherType reports whether the virtusertable is read as a map of another type. The make of
// the server builds such a map from the text.
func (v *Serving) OtherType() bool { return v.other }

// Complete reports whether all files are read.
func (v *Serving) Complete() bool { return len(v.Gaps) == 0 && !v.Stale }

// Remember returns what to keep for the next build. ok is false when there is nothing new.
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

// Says returns a line about each gap.
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
