package mta

import (
	"io/fs"
	"os"
)

// A Stamp is one state of a file, as os.Stat returns it.
type Stamp struct {
	Path string
	info fs.FileInfo // nil: there was no file, or os.Stat failed
}

// StampOf takes the stamp of a file. Take the stamp before the file is opened: then
// Holds also notices a change while the file is read.
func StampOf(path string) Stamp {
	info, err := os.Stat(path)
	if err != nil {
		info = nil
	}
	return Stamp{path, info}
}

// Found reports whether the file was there.
func (s Stamp) Found() bool { return s.info != nil }

// Holds reports whether the file is still as it was.
func (s Stamp) Holds() bool {
	now := StampOf(s.Path).info
	if s.info == nil || now == nil {
		return s.info == nil && now == nil
	}
	return os.SameFile(s.info, now) && s.info.Size() == now.Size() && s.info.ModTime().Equal(now.ModTime())
}
