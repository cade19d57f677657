package mta

import (
	"io/fs"
	"os"
)

// A Stamp tells one state of a file from another.
type Stamp struct {
	Path string
	info fs.FileInfo // nil: the file is not there
}

// StampOf takes the stamp of a file. It is taken before the file is opened: what
// changes meanwhile is noticed later.
func StampOf(path string) Stamp {
	info, err := os.Stat(path)
	if err != nil {
		info = nil
	}
	return Stamp{path, info}
}

// Found reports whether the file was there.
func (s Stamp) Found() bool { return s.info != nil }

// Holds reports whether the file is as it was.
func (s Stamp) Holds() bool {
	now := StampOf(s.Path).info
	if s.info == nil || now == nil {
		return s.info == nil && now == nil
	}
	return os.SameFile(s.info, now) && s.info.Size() == now.Size() && s.info.ModTime().Equal(now.ModTime())
}
