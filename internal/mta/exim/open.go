package exim

import (
	"errors"
	"path/filepath"
	"strings"

	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/regular"
)

// An opener opens the files of a folder.
type opener struct {
	mta.Place
	texts map[string][]byte // by name: texts that are read instead of files; nil as an element: an empty text
	empty bool              // a missing file counts as empty
	own   bool              // the server's own aliases are read too
	set   Set
}

// open opens the files that builds write. Which type the maps have is written in main.
func open(at mta.Place, host mta.Host) (mta.Set, error) {
	o := &opener{Place: at, own: true}
	set, err := o.open(host)
	if err != nil {
		return &o.set, err
	}
	return set, nil
}

// path returns the path from which a file of the folder is read.
func (o *opener) path(name string) string { return o.at(filepath.Join(o.Dir, name)) }

// at returns the path from which a file is read, and takes its stamp.
func (o *opener) at(path string) string {
	if o.At != nil {
		path = o.At(path)
	}
	o.set.seen = append(o.set.seen, mta.StampOf(path))
	return path
}

// read returns a text.
func (o *opener) read(name string) ([]byte, error) {
	if text, ok := o.texts[name]; ok {
		return text, nil
	}
	path := o.path(name)
	if o.empty {
		return regular.ReadIfThere(path)
	}
	return regular.Read(path, regular.NoLimit)
}

// open opens all files.
func (o *opener) open(host mta.Host) (*Set, error) {
	main, err := o.read(fileMain)
	if err != nil {
		return nil, err
	}
	relay, err := o.read(fileRelay)
	if err != nil {
		return nil, err
	}
	c := contents{host: host.Name, relayed: lines(relay), account: host.Account}
	if path := ownAliases(o.Dir); o.own && path != "" {
		if c.own, err = readAliases(o.at(path)); err != nil {
			return nil, err
		}
	}
	macros := macrosOf(main)
	c.local = namesIn(macros["MAIN_LOCAL_DOMAINS"], host.Name)
	typ := typeOfMain(macros)
	for name, to := range map[string]*source{fileDomains: &c.domains, fileAddresses: &c.addresses, fileMailboxes: &c.mailboxes} {
		if *to, err = o.table(name, typ); err != nil {
			o.set.contents = c
			return nil, errors.Join(err, o.set.Close())
		}
	}
	set := newSet(c)
	set.seen, set.warnings = o.set.seen, o.set.warnings
	return set, nil
}

// table opens a table.
func (o *opener) table(name, typ string) (source, error) {
	suffix := tables[typ].suffix
	if _, instead := o.texts[name]; instead || suffix == "" {
		text, err := o.read(name)
		return sortedRows(rowtext.Parse(text)), err
	}
	path := o.path(name + suffix)
	if o.empty && !mta.StampOf(path).Found() {
		return sortedRows(mapfile.Pairs{}), nil
	}
	file, err := mapfile.Open(path)
	if err != nil {
		return source{}, err
	}
	if warning := fileset.Ages(o.path(name), path); warning != "" {
		o.set.warnings = append(o.set.warnings, warning)
	}
	return source{file: file}, nil
}

// macrosOf returns the macros and lists of a main, by name.
func macrosOf(text []byte) map[string]string {
	all := map[string]string{}
	for _, line := range lines(text) {
		if name, value, ok := strings.Cut(line, " = "); ok {
			all[strings.TrimPrefix(name, "domainlist ")] = value
		}
	}
	return all
}

// typeOfMain returns the type of the maps that a main names; empty if it names none.
func typeOfMain(macros map[string]string) string {
	lookup, _, _ := strings.Cut(macros["virtmap_domains"], ";")
	return typeOf(lookup)
}

// namesIn returns the names in a list of domains that a build has from
// host.local_names.
func namesIn(list, host string) (names []string) {
	for name := range strings.SplitSeq(list, " : ") {
		if name != "" && name != host && name != accountsDomain && !strings.ContainsAny(name, "@+;") {
			names = append(names, name)
		}
	}
	return names
}

// mapType returns the type of the maps of a folder; empty without a main.
func mapType(dir string) (string, error) {
	text, err := regular.ReadIfThere(filepath.Join(dir, fileMain))
	return typeOfMain(macrosOf(text)), err
}
