package postfix

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/regular"
)

// A configuration is the main.cf and the master.cf of a folder. It implements mta.Conf.
type configuration struct {
	*layout
	text    []byte    // of main.cf
	changed time.Time // when main.cf or master.cf was written or renamed last
	here    bool      // the files are those of the server on this machine
	types   []string  // the types of maps that the installed Postfix opens; nil: not known
	tables  *table.Opener
}

// readConf reads the configuration of a folder. If the folder has no main.cf, but its
// files are those of this machine, the main.cf of /etc/postfix is used if it names a
// file of the folder.
func readConf(dir string, here bool) (mta.Conf, error) {
	c, err := readFolder(dir)
	if err != nil {
		return nil, err
	}
	if c.config.Path == "" && here {
		usual, err := readFolder(DefaultDir)
		if err == nil && slices.ContainsFunc(usual.paths(), func(path string) bool { return regular.SamePath(filepath.Dir(path), dir) }) {
			c = usual
		}
	}
	if c.here = here; here {
		c.types = installedTypes()
	}
	return c, nil
}

// readFolder reads the configuration of a folder as it is.
func readFolder(dir string) (*configuration, error) {
	l, err := readLayout(mta.Place{Dir: dir})
	if err != nil {
		return nil, err
	}
	c := &configuration{layout: l, tables: &table.Opener{At: l.place}}
	if l.config.Path == "" {
		return c, nil
	}
	if c.text, err = regular.Read(l.config.Path, regular.NoLimit); err != nil {
		return nil, err
	}
	c.changed = regular.LastChange(l.config.Path, c.master()) // without master.cf, main.cf counts
	return c, nil
}

// master returns the path of master.cf.
func (c *configuration) master() string {
	return filepath.Join(filepath.Dir(c.config.Path), maincf.MasterName)
}

// installedTypes returns the types of maps of the installed Postfix (postconf -m); nil
// if postconf cannot say them.
func installedTypes() []string {
	root, err := program.Installed()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	types, err := root.MapTypes(ctx)
	if err != nil {
		return nil
	}
	return types
}

// of returns the configuration with a name for a main.cf without myhostname: the name of
// this machine or, for a copy of a folder, the name of the host in the inventory.
func (c *configuration) of(b Build) *configuration {
	name := b.Model.Host.Name.Text
	if here, err := os.Hostname(); err == nil && c.here {
		name = here
	}
	named, config := *c, *c.config
	config.Hostname = name
	l := *c.layout
	l.config = &config
	named.layout = &l
	return &named
}

// Place returns the path of main.cf.
func (c *configuration) Place() string { return c.config.Path }

// Reading works out what the running Postfix reads of a build.
func (c *configuration) Reading(of mta.Build, dir string, started time.Time, before mta.Remembered) mta.Reading {
	b := of.(Build)
	s := c.of(b).serving(b, started, before)
	defer c.tables.Close() // nothing was written
	r := mta.Reading{Stale: s.stale, Says: s.says(), Holds: s.holds(dir), Steps: s.steps}
	for _, g := range s.gaps {
		r.Gaps = append(r.Gaps, g.Gap)
	}
	if s.known && !s.stale && !started.IsZero() {
		r.Remember = &mta.Remembered{Started: started, Reads: s.reads}
	}
	return r
}

// site returns what the main.cf of a folder says about the server. Maps belong to the
// user who runs a build, because the daemons open them as root.
func site(dir string) (mta.Site, error) {
	c, err := maincf.Read(dir)
	if err != nil {
		return mta.Site{}, err
	}
	if _, _, set := c.Set("myhostname"); !set {
		return mta.Site{}, nil
	}
	return mta.Site{Name: c.Param("myhostname")}, nil
}
