package sendmail

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
)

// installedType returns the map type that a virtmap.mc names; empty if there is no such
// file.
func installedType(path string) (string, error) {
	text, err := regular.Read(path, regular.NoLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return mcfile.MapType(string(text)), err
}

// load opens the files of a layout. With tell, a file that the layout does not name
// gives a warning.
func (s *Installed) load(l Layout, tell bool) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if tell {
		s.warnings = l.notRead()
	}
	if s.typ = l.Class; l.conf.Path == "" {
		if s.typ, err = installedType(s.at(filepath.Join(l.dir, mcfile.Include))); err != nil {
			return err
		}
	}
	if err := s.loadTable(l); err != nil {
		return err
	}
	if s.Router.Aliases, err = s.aliases(l); err != nil {
		return err
	}
	if err := s.loadSending(l); err != nil {
		return err
	}
	return s.loadNames(l)
}

// loadTable opens the virtusertable.
func (s *Installed) loadTable(l Layout) (err error) {
	s.Router.Rows, s.EachRow = rowSet(mapfile.Pairs{})
	if s.text = l.Table; s.text == "" {
		return nil
	}
	if s.typ != "" && !slices.Contains(mapTypes, s.typ) {
		s.warnings = append(s.warnings, fmt.Sprintf("sendmail reads %s as a map of class %s, which virtmap cannot read; the text is read instead", l.Table, s.typ))
		s.typ, s.foreign = "text", true
	}
	rows, each, err := s.table(s.text, s.typ, virtuserRows)
	if m, _ := l.conf.Map(conf.VirtuserMap); m.Optional() && errors.Is(err, fs.ErrNotExist) {
		s.warnings = append(s.warnings, fmt.Sprintf("%s is not there, and taken for empty (-o)", s.at(s.text)))
		return nil
	}
	if s.empty(s.text, err) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(s.open) > 0 {
		s.rows = s.open[0]
	}
	s.Router.Rows, s.EachRow = rows, each
	return nil
}

// loadNames reads the classes.
func (s *Installed) loadNames(l Layout) error {
	all := map[string][]string{
		conf.ClassW: l.WordsW, conf.ClassR: l.conf.ClassWords(conf.ClassR), conf.VirtHosts: l.conf.ClassWords(conf.VirtHosts), conf.ClassL: l.WordsL,
	}
	var listed []string
	for _, f := range slices.Concat(l.FilesW, l.FilesR, l.conf.ClassFiles(conf.VirtHosts), l.FilesL) {
		if f.Path == "" {
			continue // a warning names the file
		}
		text, err := s.read(f.Path, regular.MaxBytes)
		missing := errors.Is(err, fs.ErrNotExist)
		switch {
		case missing && f.Optional, missing && l.conf.Path == "" && s.empty(f.Path, err):
			continue
		case missing && l.conf.Path != "":
			s.warnings = append(s.warnings, fmt.Sprintf("%s is named for class %s and not there: the server goes on without it", s.at(f.Path), f.Class))
			continue
		case err != nil:
			return err
		}
		names := f.Names(text)
		for i, name := range names {
			names[i] = mailaddr.Lower(name)
		}
		switch {
		case l.ours(f.Path, mcfile.RelayDomains):
			s.relayed = names
			s.ours = append(s.ours, names...)
		case l.ours(f.Path, mcfile.HostNames):
			listed = names
			s.ours = append(s.ours, names...)
		default:
			all[f.Class] = append(all[f.Class], names...)
		}
	}
	s.stays.names, s.virtual, s.stays.relayed = all[conf.ClassW], all[conf.VirtHosts], all[conf.ClassR]
	if l.conf.Holds(conf.ClassR, conf.VirtHosts) {
		s.stays.relayed = append(s.stays.relayed, s.virtual...)
	}
	if l.conf.Holds(conf.ClassW, conf.VirtHosts) {
		s.stays.names = append(s.stays.names, s.virtual...)
	}
	s.names = slices.Concat(s.stays.names, listed)
	finalDot := func(name string) bool { return strings.HasSuffix(name, ".") } // the name never matches
	s.Router.ClassW = lineSet(slices.DeleteFunc(slices.Clone(s.names), finalDot))
	s.Router.Relayed = lineSet(slices.Concat(s.stays.relayed, s.relayed))
	if len(s.virtual) > 0 {
		s.Router.Virtual, s.Router.Entire = lineSet(s.virtual), l.conf.EntireDomain
	}
	if s.Router.Relays = l.Relays; len(all[conf.ClassL]) > 0 {
		s.Router.Relays.Stays = lineSet(all[conf.ClassL])
	}
	s.Router.Ready()
	return nil
}

// empty reports whether a file that could not be read counts as empty. It adds a
// warning.
func (s *Installed) empty(path string, err error) bool {
	if !s.lenient || !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	s.warnings = append(s.warnings, fmt.Sprintf("%s is not there, and taken for empty", s.at(path)))
	return true
}
