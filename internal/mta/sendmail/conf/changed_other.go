//go:build !linux

package conf

import (
	"io/fs"
	"time"
)

// changed is when a file was written.
func changed(info fs.FileInfo) time.Time { return info.ModTime() }
