package postfix

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/regular"
)

// leadsTo are the files to which rows of virtmap-virtual lead, with what such a row has
// in its right side, and the parameter that names the file.
var leadsTo = []struct{ file, mark, param string }{
	{fileAliases, "\t" + aliasPrefix, "alias_maps"},
	{fileMailboxes, "@" + mailboxDomain, "virtual_mailbox_maps"},
	{fileTransport, "@" + refusedDomain, "transport_maps"},
}

// unread says which file the running Postfix does not read, although rows of a generation
// lead to it. The result is nil if there is no such file, or if Postfix reads no file of
// the folder.
func unread(k mta.Kept) (*mta.Unread, error) {
	rows, err := k.Content(fileVirtual)
	if err != nil {
		return nil, err
	}
	read, err := readConf(k.Dir, k.Here)
	if err != nil {
		return nil, err
	}
	c := read.(*configuration)
	if c.config.Path == "" || !slices.ContainsFunc(c.paths(), func(path string) bool { return regular.SamePath(filepath.Dir(path), k.Dir) }) {
		return nil, nil
	}
	if unread, err := c.withoutSenders(k); unread != nil || err != nil {
		return unread, err
	}
	started := k.Started(c, k.Before)
	for _, to := range leadsTo {
		if !strings.Contains(string(rows), to.mark) {
			continue
		}
		if why := c.unreadFile(k, to.param, to.file, started.Before(c.changed) && !started.IsZero()); why != "" {
			return &mta.Unread{File: to.file, Why: []string{why}}, nil
		}
	}
	return nil, nil
}

// withoutSenders refuses a generation without rows of virtmap-senders if the configuration
// names this file: every user who logs in would be refused.
func (c *configuration) withoutSenders(k mta.Kept) (*mta.Unread, error) {
	path, line, named := c.namesSenders()
	if !named {
		return nil, nil
	}
	text, err := k.Content(fileSenders)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || readRows(text).Len() > 0 {
		return nil, err
	}
	why := at(path, line) + ": " + loginMaps + " names " + fileSenders + ", of which the generation has no rows, so that every user who logs in would be refused; take the name out first"
	return &mta.Unread{File: fileSenders, Why: []string{why}}, nil
}

// unreadFile says why the running Postfix does not certainly read a file of a folder;
// empty if it does. changed says that the configuration was changed since Postfix read it.
func (c *configuration) unreadFile(k mta.Kept, param, file string, changed bool) string {
	path := filepath.Join(k.Dir, file)
	names := func(element string) bool {
		at := strings.IndexByte(element, '/')
		return at >= 0 && regular.SamePath(element[at:], path)
	}
	_, line, _ := c.config.Set(param)
	switch {
	case !slices.ContainsFunc(c.config.List(param), names):
		return at(c.config.Path, line) + ": " + param + " does not name " + path
	case changed && !slices.ContainsFunc(k.Before.Reads, func(n string) bool { return strings.HasPrefix(n, param+": ") && names(n) }):
		return "the running Postfix read its configuration before main.cf or master.cf was changed, and may not read " + path
	}
	return ""
}

// stillNamed returns which of some files the main.cf or the master.cf of a folder names,
// and the paths of these configurations. If a named table is missing, Postfix answers all
// mail with a temporary error.
func stillNamed(dir string, files []string) (named, by []string, ok bool) {
	for _, config := range []string{maincf.MainName, maincf.MasterName} {
		path := filepath.Join(dir, config)
		text, err := regular.ReadIfThere(path)
		if err != nil {
			return nil, nil, false
		}
		words := namesIn(text)
		for _, name := range files {
			if words[name] {
				named, by = append(named, name), append(by, path)
			}
		}
	}
	slices.Sort(named)
	return slices.Compact(named), slices.Compact(by), true
}

// namesIn returns the names of all files that a main.cf or master.cf names, without the
// suffixes of maps. Comments name nothing.
func namesIn(text []byte) map[string]bool {
	names := map[string]bool{}
	for _, line := range mainLines(text) {
		for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune(", \t{}:=", r) }) {
			names[mapfile.WithoutSuffix(filepath.Base(word))] = true
		}
	}
	return names
}
