package mmap

import "syscall"

// release releases the memory of a mapped file.
func release(content []byte) {
	_ = syscall.Madvise(content, syscall.MADV_DONTNEED) // an error costs only memory
}
