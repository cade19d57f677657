package regular

import (
	"os"
	"time"
)

// LastChange returns when one of several files was written or renamed last; zero if none is
// there. A rename and cp -p keep the time of writing, and change the time of the inode.
func LastChange(paths ...string) (last time.Time) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		for _, at := range []time.Time{info.ModTime(), Changed(info)} {
			if at.After(last) {
				last = at
			}
		}
	}
	return last
}
