package publish

import "syscall"

// syncRangeWrite is SYNC_FILE_RANGE_WRITE of linux/fs.h: begin to write dirty
// pages, and do not wait for them.
const syncRangeWrite = 2

// beginWriteback asks the kernel to begin to write a file to the disk, so that a
// later sync has less to do.
func beginWriteback(fd uintptr) {
	_ = syscall.SyncFileRange(int(fd), 0, 0, syncRangeWrite) // an error costs only time
}
