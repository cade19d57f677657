package regular

import (
	"io/fs"
	"syscall"
	"time"
)

// Changed is when the inode of a file was changed last: by a write, a rename, or
// another mode, owner or time. No program can set it, but by setting the clock. It
// is zero where the system does not tell.
func Changed(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Ctim.Unix())
	}
	return time.Time{}
}
