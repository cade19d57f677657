package build

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/publish"
	"virtmap/internal/regular"
)

// readable refuses a generation whose rows lead to aliases of ours that the
// running server does not read: it would refuse their mail.
func (r *Restoring) readable(m publish.Meta, content func(name string) ([]byte, error)) error {
	if _, kept := m.Files[tableName]; !kept || m.Number == 0 || r.Unwired {
		return nil // what a person made is that person's
	}
	rows, err := content(tableName)
	if err != nil || !strings.Contains(string(rows), "\tvirtmap-") {
		return err
	}
	missing, err := r.unread(content)
	if err != nil || len(missing) == 0 {
		return err
	}
	return &Unread{m.Number, aliasesName, missing}
}

// unread says why the server does not read the aliases of a generation; nothing where
// it does, or reads no file of the folder.
func (r *Restoring) unread(content func(name string) ([]byte, error)) ([]string, error) {
	dir, err := filepath.Abs(r.Out)
	if err != nil {
		return nil, err
	}
	f := Folders{dir, r.State}
	config, err := Configuration(f.Out, f.onServer())
	if err != nil || !slices.ContainsFunc(config.Paths(), func(path string) bool { return conf.SamePath(filepath.Dir(path), dir) }) {
		return nil, err
	}
	include, _ := content(includeName) // a generation may have none
	settings := mcfile.Settings{MailDir: dir, Map: cmp.Or(mcfile.MapType(string(include)), mapfile.Types[0].Name)}
	before := recalled(f.State)
	v := config.Serving(settings, f.started(config, before.Remembered), before.Remembered)
	if v.Reads(conf.Aliases) {
		return nil, nil
	}
	v.Gaps = slices.DeleteFunc(v.Gaps, func(g conf.Gap) bool { return g.Need != conf.Aliases })
	if says := v.Says(); len(says) > 0 {
		return says, nil
	}
	return nil, errors.New("it is not known why the aliases are not read") // Reads is false for one of those
}

// namesIn are the names of an installed local-host-names.
func namesIn(dir string) (names []string) {
	text, _ := regular.ReadIfThere(filepath.Join(dir, localList)) // a file that cannot be read has been told of
	var sources diag.Sources
	if src, err := sources.Add("", string(text)); err == nil {
		names = listedNames(src, &diag.List{})
	}
	return names
}

// StillNamed gives the files of some that a configuration of the folder names, and
// the configurations that do: such a file may not be removed, since a missing alias
// file holds up all local mail. ok is false where it cannot be read.
func (f Folders) StillNamed(files []string) (named, by []string, ok bool) {
	config, err := conf.Read(f.Out)
	if err != nil {
		return nil, nil, false
	}
	for _, name := range files {
		if slices.ContainsFunc(config.Paths(), func(path string) bool { return mapfile.WithoutSuffix(filepath.Base(path)) == name }) {
			named, by = append(named, name), append(by, config.Path)
		}
	}
	mc := filepath.Join(f.Out, conf.MCName)
	text, err := regular.ReadIfThere(mc)
	if err == nil && slices.Contains(files, includeName) && strings.Contains(string(text), includeName) {
		named, by = append(named, includeName), append(by, mc) // sendmail.cf is made of it
	}
	return named, slices.Compact(by), true
}
