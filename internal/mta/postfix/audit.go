package postfix

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
)

// audit returns the gaps of the configuration, the settings of the site that change what
// the inventory promises, and the installed files that Postfix does not read or does not
// see again.
func audit(a mta.Audited) (all []mta.Complaint, err error) {
	read, err := readConf(a.Dir, a.Here)
	if err != nil {
		return nil, err
	}
	b := a.Build.(Build)
	c := read.(*configuration).of(b)
	defer c.tables.Close() // nothing was written
	all = c.files(a, b)
	if c.config.Path == "" {
		return all, nil
	}
	for _, p := range c.config.Problems {
		all = append(all, mta.Complaint{Place: at(p.Path, p.Line), Text: p.Text})
	}
	s := c.serving(b, time.Time{}, mta.Remembered{})
	for _, g := range s.gaps {
		all = append(all, mta.Complaint{Place: at(g.Path, g.Line), Text: g.What, Mend: g.Write})
	}
	all = append(all, s.advice()...)
	daemon, runs := c.Daemon(!a.Here)
	if runs && a.Live && daemon.Started.Before(c.changed) {
		all = append(all, mta.Complaint{Place: c.config.Path, Text: "main.cf or master.cf was changed since the running Postfix read them", Mend: words.Reload})
	}
	return all, nil
}

// files returns the faults of installed files.
func (c *configuration) files(a mta.Audited, b Build) (all []mta.Complaint) {
	typ, _ := mapfile.ByName(b.MapType())
	texts := b.Texts()
	for i, file := range Files {
		text := filepath.Join(a.Dir, file.Name)
		if texts[i].Unused {
			continue
		}
		all = append(all, c.file(text)...)
		if file.Rows == nil || typ.Suffix == "" {
			continue
		}
		all = append(all, c.file(text+typ.Suffix)...)
		all = append(all, aged(text, text+typ.Suffix)...)
	}
	return all
}

// file returns the faults of a file. Postfix opens it as root, or by proxymap(8) as the
// user postfix.
func (c *configuration) file(path string) (all []mta.Complaint) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return []mta.Complaint{{Place: path, Text: "it is not there, and Postfix answers mail with a temporary error if main.cf names it", Mend: "virtmap build"}}
	}
	if err != nil {
		return []mta.Complaint{{Place: path, Text: err.Error()}}
	}
	add := func(text, mend string) { all = append(all, mta.Complaint{Place: path, Text: text, Mend: mend}) }
	mode := info.Mode()
	switch {
	case mode&fs.ModeSymlink != 0:
		return nil // a build refuses it
	case !mode.IsRegular():
		add("it is no regular file", "")
		return all
	case mode.Perm()&0o022 != 0:
		add("users other than its owner may write to it, and so decide where mail goes", "chmod go-w "+path)
	case c.proxied(path) && mode.Perm()&0o004 == 0:
		add("main.cf names it with proxy:, and proxymap reads it as the user postfix, who may not", "chmod a+r "+path)
	}
	// Of a hash or cdb file, Postfix also compares the time, which a build changes.
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && stat.Nlink > 1 && filepath.Ext(path) == ".lmdb" {
		add("it has a second name (a hard link), so that Postfix does not see when a build replaces it", "remove the other name, or run "+words.Reload+" after each build")
	}
	return all
}

// proxied reports whether the configuration names a file by way of proxymap(8).
func (c *configuration) proxied(path string) bool {
	for _, name := range tableParams {
		for _, element := range c.config.List(name) {
			if at := strings.IndexByte(element, '/'); strings.HasPrefix(element, "proxy:") && at > 0 && filepath.Base(element) == mapfile.WithoutSuffix(filepath.Base(path)) {
				return true
			}
		}
	}
	return false
}

// aged returns a fault if a map is older than its text. Postfix only warns of it.
func aged(text, made string) []mta.Complaint {
	of, err := os.Stat(text)
	at, missing := os.Stat(made)
	if err != nil || missing != nil || !at.ModTime().Before(of.ModTime()) {
		return nil
	}
	return []mta.Complaint{{Place: made, Text: "it is older than " + text + ", of which it is made", Mend: "virtmap build"}}
}
