package sendmail

import (
	"path/filepath"
	"slices"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
)

// A configuration is a sendmail.cf. It implements mta.Conf.
type configuration struct{ *conf.Config }

// readConf reads the sendmail.cf of a folder. If the folder has none, but its files are
// those of this machine, the sendmail.cf of /etc/mail is used if it names a file of the
// folder.
func readConf(dir string, here bool) (mta.Conf, error) {
	c, err := conf.Read(dir)
	if err != nil {
		return nil, err
	}
	if c.Path == "" && here {
		usual, err := conf.Read(mcfile.DefaultDir)
		if err == nil && slices.ContainsFunc(usual.Paths(), func(path string) bool { return regular.SamePath(filepath.Dir(path), dir) }) {
			c = usual
		}
	}
	return configuration{c}, nil
}

// Daemon returns the running sendmail.
func (c configuration) Daemon(elsewhere bool) (mta.Daemon, bool) {
	d, runs := c.Config.Daemon(elsewhere)
	return mta.Daemon{Started: d.Started, Coarse: d.Coarse}, runs
}

// Place returns the path of the configuration.
func (c configuration) Place() string { return c.Path }

// Reading works out what the running sendmail reads of a build.
func (c configuration) Reading(of mta.Build, dir string, started time.Time, before mta.Remembered) mta.Reading {
	b := of.(Build)
	v := c.Serving(b.Settings(), started, before)
	v.Gaps = b.Needed(v.Gaps)
	r := mta.Reading{
		Stale: v.Stale, Says: v.Says(),
		Holds: b.holds(dir, &v),
		Steps: func() []string { return c.Steps(v, b.Settings()) },
	}
	for _, g := range v.Gaps {
		r.Gaps = append(r.Gaps, mta.Gap{Path: g.Path, Line: g.Line, What: g.What, Write: g.CF})
	}
	if m, ok := v.Remember(started); ok {
		r.Remember = &m
	}
	gap, lacks, err := b.submitGap(c.Config)
	switch {
	case err != nil:
		r.Says = append(r.Says, err.Error())
	case lacks:
		r.Gaps, r.Says = append(r.Gaps, gap), append(r.Says, placeOf(gap)+": "+gap.What)
		serverComplete := v.Complete()
		r.Steps = func() (steps []string) {
			if !serverComplete {
				steps = c.Steps(v, b.Settings())
			}
			return append(b.submitSteps(gap), steps...)
		}
	}
	return r
}

// site returns what the configuration of a folder says about the server.
func site(dir string) (mta.Site, error) {
	c, err := conf.Read(dir)
	if err != nil {
		return mta.Site{}, err
	}
	return mta.Site{Name: c.Host(), Owner: c.Option("TrustedUser")}, nil
}
