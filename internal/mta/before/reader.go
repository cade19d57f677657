package before

import (
	"path/filepath"

	"virtmap/internal/mta"
	"virtmap/internal/regular"
)

// A Reader reads the files of a place, and takes a stamp of each before it is read.
type Reader struct {
	mta.Place
	// Texts are read instead of files, by name. A nil element is an empty text.
	Texts map[string][]byte
	Empty bool // a missing file counts as empty
	Seen  []mta.Stamp
}

// Path returns the path from which a file is read, and takes its stamp.
func (r *Reader) Path(path string) string {
	if r.At != nil {
		path = r.At(path)
	}
	r.Seen = append(r.Seen, mta.StampOf(path))
	return path
}

// Read returns the text of a file of the folder.
func (r *Reader) Read(name string) ([]byte, error) {
	if text, ok := r.Texts[name]; ok {
		return text, nil
	}
	path := r.Path(filepath.Join(r.Dir, name))
	if r.Empty {
		return regular.ReadIfThere(path)
	}
	return regular.Read(path, regular.NoLimit)
}
