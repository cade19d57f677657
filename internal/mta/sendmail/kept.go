package sendmail

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
)

// unread says why the running sendmail does not read the aliases that rows of a
// generation lead to. The result is nil if sendmail reads the aliases, if no row leads
// to an alias, or if sendmail reads no file of the folder.
func unread(k mta.Kept) (*mta.Unread, error) {
	rows, err := k.Content(mcfile.Virtusertable)
	if err != nil || !strings.Contains(string(rows), "\tvirtmap-") {
		return nil, err
	}
	read, err := readConf(k.Dir, k.Here)
	if err != nil {
		return nil, err
	}
	config := read.(configuration)
	if !slices.ContainsFunc(config.Paths(), func(path string) bool { return regular.SamePath(filepath.Dir(path), k.Dir) }) {
		return nil, nil
	}
	include, _ := k.Content(mcfile.Include) // an old generation may have no such file
	settings := mcfile.Settings{MailDir: k.Dir, Map: cmp.Or(mcfile.MapType(string(include)), readTypes[0].Name)}
	v := config.Serving(settings, k.Started(config, k.Before), k.Before)
	if v.Reads(conf.Aliases) {
		return nil, nil
	}
	v.Gaps = slices.DeleteFunc(v.Gaps, func(g conf.Gap) bool { return g.Need != conf.Aliases })
	if says := v.Says(); len(says) > 0 {
		return &mta.Unread{File: mcfile.Aliases, Why: says}, nil
	}
	return nil, errors.New("it is not known why the aliases are not read") // must not happen: Reads is false only with a reason
}

// stillNamed returns which of some files a configuration of the folder names, and the
// paths of the configurations. A person must not remove these files: if a named alias
// file is missing, all local mail waits. ok is false if the configuration cannot be
// read.
func stillNamed(dir string, files []string) (named, by []string, ok bool) {
	config, err := conf.Read(dir)
	if err != nil {
		return nil, nil, false
	}
	msp, submit := submitPaths(config)
	for _, name := range files {
		if slices.ContainsFunc(msp, func(path string) bool { return mapfile.WithoutSuffix(filepath.Base(path)) == name }) {
			named, by = append(named, name), append(by, submit)
			continue
		}
		if slices.ContainsFunc(config.Paths(), func(path string) bool { return mapfile.WithoutSuffix(filepath.Base(path)) == name }) {
			named, by = append(named, name), append(by, config.Path)
		}
	}
	mc := filepath.Join(dir, conf.MCName)
	text, err := regular.ReadIfThere(mc)
	if err == nil && slices.Contains(files, mcfile.Include) && strings.Contains(string(text), mcfile.Include) {
		named, by = append(named, mcfile.Include), append(by, mc) // sendmail.cf is generated from sendmail.mc
	}
	return named, slices.Compact(by), true
}
