package regular

import (
	"io/fs"
	"syscall"
	"time"
)

// Changed returns when the inode of a file changed last: by a write, a rename, or
// another mode, owner or time. A program can set this time only with the clock. On
// systems without this time Changed returns zero.
func Changed(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Ctim.Unix())
	}
	return time.Time{}
}
