//go:build !linux

package mmap

// release does nothing on systems other than Linux.
func release([]byte) {}
