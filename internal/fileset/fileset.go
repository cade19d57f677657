// Package fileset is the one list of the files that an inventory becomes:
//
//	virtmap-aliases        aliases of several recipients, mailboxes, kept copies
//	virtmap-aliases.db     their map, in the form newaliases gives it
//	virtusertable          the rows as text
//	virtusertable.db       their map
//	virtmap-relay-domains  the backup domains that are served, when there are any
//	local-host-names       class w
//	virtmap.mc             the lines for sendmail.mc
//
// With map: cdb the maps end in .cdb; with map: text there are none.
package fileset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/publish"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// Modes of files that are new. A map gets what makemap would give it.
const (
	textMode fs.FileMode = 0o644
	mapMode  fs.FileMode = 0o640
)

// A Source is what the files are made from.
type Source struct {
	Model    *inventory.Model
	Compiled *virtuser.Compiled
}

// Settings gives what the lines for sendmail.mc depend on.
func (s Source) Settings() mcfile.Settings {
	host := s.Model.Host
	return mcfile.Settings{MailDir: host.MailDir.Text, Map: string(host.Map), Relay: s.relays()}
}

// relays reports whether there are backup domains, also such that are held
// back: DNS must not change what sendmail.cf has to say.
func (s Source) relays() bool {
	return slices.ContainsFunc(s.Model.Domains, func(d inventory.Domain) bool { return d.Enabled && d.Backup })
}

// Outputs gives the files for a folder, in the order they must appear there:
// an alias before the row that names it, or its mail is refused; a text before
// its map, or the system's own make takes the map for outdated and rebuilds
// it; all tables before class w, because a name without rows is open to every
// local account; and virtmap.mc, which names them all, last, because a named
// alias file that is missing holds up all local mail.
//
// owner is the user that new maps belong to, -1 for the one who runs us.
func Outputs(s Source, dir string, owner int) ([]publish.Output, error) {
	typ, ok := mapfile.ByName(string(s.Model.Host.Map))
	if !ok {
		return nil, fmt.Errorf("map type %q", s.Model.Host.Map)
	}
	b := builder{dir: dir, owner: owner, typ: typ}
	table := s.Compiled.Table
	aliases, aliasRows := s.Compiled.Aliases.Text(), s.Compiled.Aliases.MapRows()
	b.text(mcfile.Aliases, aliases, aliasLines)
	b.table(mcfile.Aliases, aliasRows, aliasTextRows)
	b.bridgeAliases(aliases, aliasRows)
	b.text(mcfile.Virtusertable, table.Text(), rowLines)
	b.table(mcfile.Virtusertable, table, virtuserTextRows)
	b.text(mcfile.RelayDomains, hostnames.Relayed(s.Model).Text(), nameLines)
	// A file that the running sendmail.cf may name is emptied, not left out.
	relay := b.last()
	relay.IfKnown = !s.relays()
	relay.Bridge = bridgeNames(hostnames.Relayed(s.Model).Text())
	relay.Alike = alike(hostnames.Relayed(s.Model).Text(), nameLines)
	b.text(mcfile.HostNames, hostnames.ClassW(s.Model).Text(), nameLines)
	b.last().Alike = alike(hostnames.ClassW(s.Model).Text(), nameLines)
	lines := mcfile.Text(s.Settings(), s.Model.Name)
	b.text(mcfile.Include, lines, plainLines)
	b.last().Alike = alike(lines, plainLines)
	return b.outputs, nil
}

// TrustedUser gives the owner of new maps by the sendmail.cf of a folder: the
// user of its TrustedUser option, as makemap does; -1 where it does not say.
func TrustedUser(dir string, lookup func(name string) (uid int, err error)) int {
	c, err := conf.Read(dir)
	if err != nil || c.Option("TrustedUser") == "" {
		return -1
	}
	uid, err := lookup(c.Option("TrustedUser"))
	if err != nil {
		return -1
	}
	return uid
}

// MC gives the output that keeps our block in a sendmail.mc. Faults of the
// file are in the list.
func MC(s Source, files publish.FS, path string, sources *diag.Sources, faults *diag.List) (publish.Output, error) {
	text, err := files.ReadFile(path)
	if err != nil {
		return publish.Output{}, err
	}
	src, err := sources.Add(path, string(text))
	if err != nil {
		return publish.Output{}, err
	}
	out := textOutput(path, []byte(mcfile.Edit(src, s.Settings(), faults)), plainLines)
	out.Shared, out.Base = true, text
	return out, nil
}

func (b *builder) last() *publish.Output { return &b.outputs[len(b.outputs)-1] }

type builder struct {
	dir     string
	owner   int
	typ     mapfile.Type
	outputs []publish.Output
}

func (b *builder) text(name string, content []byte, lines func([]byte) []string) {
	b.outputs = append(b.outputs, textOutput(filepath.Join(b.dir, name), content, lines))
}

func textOutput(path string, content []byte, lines func([]byte) []string) publish.Output {
	return publish.Output{
		Path: path, Mode: textMode, UID: -1,
		Write:   func(w io.WriteSeeker) error { _, err := w.Write(content); return err },
		Damaged: func(image *mmap.Image) error { return DamagedText(image.Bytes) },
		Same:    func(image *mmap.Image) bool { return image.Equal(content) },
		Check: func(image *mmap.Image) error {
			if !image.Equal(content) {
				return fmt.Errorf("it differs from what was written")
			}
			return nil
		},
		Lost: func(image *mmap.Image) []string { return missing(lines(image.Bytes), lines(content)) },
	}
}

// alike gives the Alike of an output: an installed file with the same lines, in
// whatever order and with whatever comments, says the same.
func alike(content []byte, lines func([]byte) []string) func(*mmap.Image) bool {
	return func(image *mmap.Image) bool {
		old, next := lines(image.Bytes), lines(content)
		return len(missing(old, next)) == 0 && len(missing(next, old)) == 0
	}
}

// table adds the map of a text, where the type has one. textRows reads the
// rows of an installed text as the map would have them.
func (b *builder) table(name string, rows mapfile.Rows, textRows func([]byte) mapfile.Rows) {
	if b.typ.Write == nil {
		return
	}
	out := Map(filepath.Join(b.dir, name), b.typ, rows, b.owner)
	out.Rebuilt = func(image *mmap.Image, read func(string) ([]byte, error)) bool {
		text, err := read(out.Source)
		if err != nil {
			return false
		}
		installed := textRows(text)
		return sameRows(image, b.typ, installed, mapfile.SumOf(installed)) == nil
	}
	b.outputs = append(b.outputs, out)
}

// Map gives the map of a text: its rows are read back strictly. owner is as in
// Outputs.
func Map(source string, typ mapfile.Type, rows mapfile.Rows, owner int) publish.Output {
	sum := sync.OnceValue(func() mapfile.Sum { return mapfile.SumOf(rows) })
	same := func(image *mmap.Image) error { return sameRows(image, typ, rows, sum()) }
	return publish.Output{
		Path: source + typ.Suffix, Mode: mapMode, UID: owner, Source: source,
		Write:   func(w io.WriteSeeker) error { return typ.Write(w, rows) },
		Damaged: damagedMap,
		Check:   same,
		Same:    func(image *mmap.Image) bool { return same(image) == nil },
		Lost:    func(image *mmap.Image) []string { return missing(mapLines(image.Bytes), rowsAsLines(rows)) },
	}
}

// sameRows reads a map strictly and compares it with rows, whoever wrote it.
func sameRows(image *mmap.Image, want mapfile.Type, rows mapfile.Rows, sum mapfile.Sum) error {
	typ, found, err := mapfile.CheckImage(image)
	switch {
	case err != nil:
		return err
	case typ.Name != want.Name:
		return fmt.Errorf("it is %s, not %s", typ.Name, want.Name)
	case found == sum:
		return nil
	case found.Len() != rows.Len():
		return fmt.Errorf("it has %d rows, not %d", found.Len(), rows.Len())
	}
	m, _, err := mapfile.OpenImage(image.Bytes)
	if err != nil {
		return err
	}
	return firstDifference(m, rows)
}

// firstDifference names a row that a map has not, or has another way.
func firstDifference(m mapfile.Map, rows mapfile.Rows) error {
	for i := range rows.Len() {
		key, value := rows.Row(i)
		found, ok, err := m.Get(key)
		if err != nil {
			return err
		}
		if !ok || !bytes.Equal(found, value) {
			return fmt.Errorf("%q leads to %q, not to %q", key, found, value)
		}
	}
	return errors.New("it has other rows, under keys of which one stands twice")
}
