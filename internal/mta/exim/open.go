package exim

import (
	"errors"
	"path/filepath"
	"strings"

	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/before"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/regular"
)

// An opener opens the files of a folder.
type opener struct {
	before.Reader
	own      bool // the server's own aliases are read too
	warnings []string
}

// open opens the files that builds write. Which type the maps have is written in main.
func open(at mta.Place, host mta.Host) (mta.Set, error) {
	o := &opener{Reader: before.Reader{Place: at}, own: true}
	set, err := o.open(host)
	if err != nil {
		return &Set{seen: o.Seen}, err
	}
	return set, nil
}

// open opens all files.
func (o *opener) open(host mta.Host) (*Set, error) {
	main, err := o.Read(fileMain)
	if err != nil {
		return nil, err
	}
	relay, err := o.Read(fileRelay)
	if err != nil {
		return nil, err
	}
	c := contents{host: host.Name, relayed: rowtext.PlainLines(relay), account: host.Account}
	if path := ownAliases(o.Dir); o.own && path != "" {
		if c.own, err = readAliases(o.Path(path)); err != nil {
			return nil, err
		}
	}
	macros := macrosOf(main)
	c.local = namesIn(macros["MAIN_LOCAL_DOMAINS"], host.Name)
	typ := typeOfMain(macros)
	for name, to := range map[string]*source{fileDomains: &c.domains, fileAddresses: &c.addresses, fileMailboxes: &c.mailboxes} {
		if *to, err = o.table(name, typ); err != nil {
			return nil, errors.Join(err, (&Set{contents: c}).Close())
		}
	}
	if err := o.senders(&c, typ); err != nil {
		return nil, errors.Join(err, (&Set{contents: c}).Close())
	}
	set := newSet(c)
	set.seen, set.warnings = o.Seen, o.warnings
	return set, nil
}

// table opens a table.
func (o *opener) table(name, typ string) (source, error) {
	suffix := tables[typ].suffix
	if _, instead := o.Texts[name]; instead || suffix == "" {
		text, err := o.Read(name)
		return sortedRows(rowtext.Parse(text)), err
	}
	path := o.Path(filepath.Join(o.Dir, name+suffix))
	if o.Empty && !mta.StampOf(path).Found() {
		return sortedRows(mapfile.Pairs{}), nil
	}
	file, err := mapfile.Open(path)
	if err != nil {
		return source{}, err
	}
	if warning := fileset.Ages(o.Path(filepath.Join(o.Dir, name)), path); warning != "" {
		o.warnings = append(o.warnings, warning)
	}
	return source{file: file}, nil
}

// macrosOf returns the macros and lists of a main, by name.
func macrosOf(text []byte) map[string]string {
	all := map[string]string{}
	for _, line := range rowtext.PlainLines(text) {
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
