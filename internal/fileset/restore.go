package fileset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
)

// Restored returns the outputs that restore a kept generation, in the order of the
// files. content returns a stored file. A map that is not stored is made from its text.
// So is a map that the generation did not have, if the folder has one now.
func Restored(server *mta.Server, m publish.Meta, content func(name string) ([]byte, error), dir string, owner int) ([]publish.Output, error) {
	b := builder{dir: dir, owner: owner, mode: modeOf(server)}
	for _, file := range server.Files {
		_, kept := m.Files[file.Name]
		var text []byte
		if kept {
			var err error
			if text, err = content(file.Name); err != nil {
				return nil, err
			}
		}
		if kept || file.Emptied {
			b.text(file, text)
			b.last().IfKnown = !kept
		}
		if file.Rows == nil {
			if file.Union && (kept || file.Emptied) {
				b.last().Bridge = bridgeLines(file, text)
			}
			continue
		}
		if err := b.restoreMaps(server, m, content, file, text); err != nil {
			return nil, err
		}
	}
	if len(b.outputs) == 0 {
		return nil, fmt.Errorf("generation %d has no files", m.Number)
	}
	return b.outputs, nil
}

// restoreMaps adds the maps of a text. Stored maps are restored byte for byte, and
// others are made from the text.
func (b *builder) restoreMaps(server *mta.Server, m publish.Meta, content func(string) ([]byte, error), file mta.File, text []byte) error {
	for _, typ := range b.typesOf(server, file.Name) {
		kept, ok := m.Files[file.Name+typ.Suffix]
		left := !ok && text != nil && isThere(filepath.Join(b.dir, file.Name+typ.Suffix))
		emptied := !ok && text == nil && file.Emptied // as its text
		if typ.Suffix == "" || !ok && !left && !emptied {
			continue
		}
		b.typ = typ
		rows := file.Rows(text)
		if kept.Stored {
			image, err := content(file.Name + typ.Suffix)
			if err != nil {
				return err
			}
			b.image(file.Name+typ.Suffix, filepath.Join(b.dir, file.Name), image)
			rows = mapfile.RowsOf(image)
		} else {
			b.table(file, rows)
			b.last().IfKnown = emptied
		}
		if file.Union {
			b.bridgeTable(file, text, rows)
		}
	}
	return nil
}

// typesOf returns the types that the maps of a file may have, one for each suffix. If two
// types have the same suffix, the installed map has one of them.
func (b *builder) typesOf(server *mta.Server, name string) (types []mapfile.Type) {
	for _, typ := range mapfile.Named(server.Maps) {
		same := slices.IndexFunc(types, func(t mapfile.Type) bool { return t.Suffix == typ.Suffix })
		if same < 0 {
			types = append(types, typ)
			continue
		}
		if f, err := mapfile.Open(filepath.Join(b.dir, name+typ.Suffix)); err == nil {
			if f.Type.Name == typ.Name {
				types[same] = typ
			}
			_ = f.Close() // it was only read
		}
	}
	return types
}

// image adds a map, byte for byte.
func (b *builder) image(name, source string, image []byte) {
	out := textOutput(filepath.Join(b.dir, name), b.mode, image, mapLines)
	out.UID, out.Source, out.Damaged = b.owner, source, damagedMap
	b.outputs = append(b.outputs, out)
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
