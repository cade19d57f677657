//go:build !linux

package publish

// beginWriteback does nothing on systems without sync_file_range.
func beginWriteback(uintptr) {}
