// Package fileset makes the outputs for the files of a mail server. An output says what
// is written, how it is compared with the installed file, and which form serves two
// sets during a swap. The package also makes the outputs that restore a kept
// generation, and finds contradictions between installed files.
//
// It takes the files and their texts as package mta describes them. It has no code for
// a certain server, and no name of a file. The outputs have the order of the files.
package fileset

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
)

// mapMode is the mode of a new map if a server has no other, the same as that of makemap.
const mapMode fs.FileMode = 0o640

// modeOf returns the mode of a new map of a server.
func modeOf(server *mta.Server) fs.FileMode { return cmp.Or(server.MapMode, mapMode) }

// Outputs returns the outputs of a build for a folder, in the order in which the files
// must appear there. The map of a table follows its text. owner is the user ID of the
// owner of new maps; -1: the user who runs the program.
func Outputs(server *mta.Server, build mta.Build, dir string, owner int) ([]publish.Output, error) {
	typ, ok := mapfile.ByName(build.MapType())
	if !ok {
		return nil, fmt.Errorf("map type %q", build.MapType())
	}
	b := builder{dir: dir, owner: owner, mode: modeOf(server), typ: typ}
	texts := build.Texts()
	for i, file := range server.Files {
		b.file(file, texts[i])
	}
	return b.outputs, nil
}

// Shared returns the output of a file of which a build keeps only a part. base is the
// content from which its new text was made.
func Shared(path string, text, base []byte, lines func([]byte) []string) publish.Output {
	out := textOutput(path, 0o644, text, lines)
	out.Shared, out.Base = true, base
	return out
}

type builder struct {
	dir     string
	owner   int
	mode    fs.FileMode // of new maps
	typ     mapfile.Type
	outputs []publish.Output
}

func (b *builder) last() *publish.Output { return &b.outputs[len(b.outputs)-1] }

// file adds the outputs of a file and its map, with their bridges.
func (b *builder) file(file mta.File, text mta.Text) {
	b.text(file, text.Bytes)
	b.last().IfKnown = file.Emptied && text.Unused
	switch {
	case text.Rows == nil:
		b.last().Alike = alike(text.Bytes, file.Lines)
		if file.Union {
			b.last().Bridge = bridgeLines(file, text.Bytes)
		}
		return
	case b.typ.Write != nil:
		unused := b.last().IfKnown
		head, rows := cutHead(text.Bytes)
		sum := sync.OnceValue(func() string { return sumOf(rows) })
		b.last().Sum = func() string { return sumOf(head) + " " + sum() }
		b.table(file, text.Rows)
		b.last().Mode = cmp.Or(file.MapMode, b.mode)
		typ := b.typ.Name
		b.last().IfKnown = unused
		b.last().Sum = func() string { return typ + " " + sum() }
	}
	if file.Union {
		b.bridgeTable(file, text.Bytes, text.Rows)
	}
}

func (b *builder) text(file mta.File, content []byte) {
	b.outputs = append(b.outputs, textOutput(filepath.Join(b.dir, file.Name), file.Mode, content, linesOf(file)))
}

// linesOf returns the function that reads a text of a file as lines.
func linesOf(file mta.File) func([]byte) []string {
	if file.Rows == nil {
		return file.Lines
	}
	return func(text []byte) []string { return mapfile.Lines(file.Rows(text)) }
}

func textOutput(path string, mode fs.FileMode, content []byte, lines func([]byte) []string) publish.Output {
	return publish.Output{
		Path: path, Mode: mode, UID: -1,
		Write:   func(w io.WriteSeeker) error { _, err := w.Write(content); return err },
		Damaged: func(image *mmap.Image) error { return DamagedText(image.Bytes) },
		Same:    func(image *mmap.Image) bool { return image.Equal(content) },
		Sum:     sync.OnceValue(func() string { return sumOf(content) }),
		Check: func(image *mmap.Image) error {
			if !image.Equal(content) {
				return fmt.Errorf("it differs from what was written")
			}
			return nil
		},
		Lost: func(image *mmap.Image) []string { return missing(lines(image.Bytes), lines(content)) },
	}
}

// alike returns the Alike of an output. An installed file is alike if it has the same
// lines, in any order and with any comments.
func alike(content []byte, lines func([]byte) []string) func(*mmap.Image) bool {
	return func(image *mmap.Image) bool {
		old, next := lines(image.Bytes), lines(content)
		return len(missing(old, next)) == 0 && len(missing(next, old)) == 0
	}
}

// table adds the map of a table.
func (b *builder) table(file mta.File, rows mapfile.Rows) {
	out := Map(filepath.Join(b.dir, file.Name), b.typ, rows, b.owner)
	out.Mode = b.mode
	out.Rebuilt = func(image *mmap.Image, read func(string) ([]byte, error)) bool {
		text, err := read(out.Source)
		if err != nil {
			return false
		}
		installed := file.Rows(text)
		return sameRows(image, b.typ, installed, mapfile.SumOf(installed)) == nil
	}
	b.outputs = append(b.outputs, out)
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// cutHead splits a text into the comments at its beginning, which no map has, and the
// rest.
func cutHead(text []byte) (head, rows []byte) {
	rows = text
	for len(rows) > 0 && rows[0] == '#' {
		_, rows, _ = bytes.Cut(rows, []byte("\n"))
	}
	return text[:len(text)-len(rows)], rows
}

// missing returns the lines of old that kept does not have.
func missing(old, kept []string) []string {
	have := make(map[string]bool, len(kept))
	for _, line := range kept {
		have[line] = true
	}
	var lost []string
	for _, line := range old {
		if !have[line] {
			lost = append(lost, line)
		}
	}
	return lost
}
