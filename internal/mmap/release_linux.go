package mmap

import "syscall"

func release(content []byte) {
	_ = syscall.Madvise(content, syscall.MADV_DONTNEED) // it saves memory or does not
}
