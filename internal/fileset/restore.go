package fileset

import (
	"fmt"
	"path/filepath"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/publish"
)

// Restored gives the outputs that bring a kept generation back, in the order of
// Outputs. content gives a file that is stored; a map that is not is made of
// its text, also where the generation had none and there is one now.
func Restored(m publish.Meta, content func(name string) ([]byte, error), dir string, owner int) ([]publish.Output, error) {
	b := builder{dir: dir, owner: owner}
	for _, file := range []struct {
		name  string
		lines func([]byte) []string
		rows  func([]byte) mapfile.Rows // of a text that has a map
	}{
		{mcfile.Aliases, aliasLines, aliasTextRows},
		{mcfile.Virtusertable, rowLines, virtuserTextRows},
		{mcfile.RelayDomains, nameLines, nil},
		{mcfile.HostNames, nameLines, nil},
		{mcfile.Include, plainLines, nil},
	} {
		var text []byte
		if _, kept := m.Files[file.name]; kept {
			var err error
			if text, err = content(file.name); err != nil {
				return nil, err
			}
			b.text(file.name, text, file.lines)
		} else if file.name == mcfile.RelayDomains {
			b.text(file.name, nil, file.lines) // sendmail.cf may name it
			b.last().IfKnown = true
		}
		if n := len(b.outputs); file.name == mcfile.RelayDomains && n > 0 {
			b.last().Bridge = bridgeNames(text)
		}
		if file.rows == nil {
			continue
		}
		if err := b.restoreMaps(m, content, file.name, text, file.rows); err != nil {
			return nil, err
		}
	}
	if len(b.outputs) == 0 {
		return nil, fmt.Errorf("generation %d has no files", m.Number)
	}
	return b.outputs, nil
}

// restoreMaps gives the maps of a text: those that are stored byte for byte,
// others anew.
func (b *builder) restoreMaps(m publish.Meta, content func(string) ([]byte, error), name string, text []byte, rows func([]byte) mapfile.Rows) error {
	for _, typ := range mapfile.Types {
		kept, ok := m.Files[name+typ.Suffix]
		left := !ok && text != nil && exists(filepath.Join(b.dir, name+typ.Suffix))
		if typ.Suffix == "" || !ok && !left {
			continue
		}
		b.typ = typ
		mapped := rows(text)
		if kept.Stored {
			image, err := content(name + typ.Suffix)
			if err != nil {
				return err
			}
			b.image(name+typ.Suffix, filepath.Join(b.dir, name), image)
			mapped = imageRows(image)
		} else {
			b.table(name, mapped, rows)
		}
		if name == mcfile.Aliases {
			b.bridgeAliases(text, mapped)
		}
	}
	return nil
}

// image adds a map byte for byte.
func (b *builder) image(name, source string, image []byte) {
	out := textOutput(filepath.Join(b.dir, name), image, mapLines)
	out.Mode, out.UID, out.Source, out.Damaged = mapMode, b.owner, source, damagedMap
	b.outputs = append(b.outputs, out)
}
