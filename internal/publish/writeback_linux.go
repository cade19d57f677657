package publish

import "syscall"

// syncRangeWrite is SYNC_FILE_RANGE_WRITE of linux/fs.h: begin to write what
// is dirty, and do not wait for it.
const syncRangeWrite = 2

// beginWriteback has the kernel write what a file has so far, so that less is
// left for the sync.
func beginWriteback(fd uintptr) {
	_ = syscall.SyncFileRange(int(fd), 0, 0, syncRangeWrite) // it saves time or does not
}
