package conf

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is when a file was written, or put in its place: a rename and cp -p keep
// the time of writing, and move the other.
func changed(info fs.FileInfo) time.Time {
	last := info.ModTime()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		if placed := time.Unix(stat.Ctim.Unix()); placed.After(last) {
			return placed
		}
	}
	return last
}
