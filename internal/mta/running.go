package mta

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"virtmap/internal/regular"
)

// FindConfig reads the main configuration for a folder: the file with a name in the folder
// or above it, otherwise the first of further paths. path is empty if there is none.
func FindConfig(dir, name string, further ...string) (path string, text []byte, err error) {
	for _, path := range append([]string{filepath.Join(dir, name), filepath.Join(filepath.Dir(dir), name)}, further...) {
		if text, err := regular.ReadIfThere(path); err != nil || text != nil {
			return path, text, err
		}
	}
	return "", nil, nil
}

// OfPidFile returns the process of a pid file, whose first line is its number, and when the
// file was written. runs is false without the file, or if no such process runs.
func OfPidFile(path string) (pid int, written time.Time, runs bool) {
	const room = 4096 // for a number and a command line
	text, err := regular.Read(path, room)
	info, missing := os.Stat(path)
	if err != nil || missing != nil {
		return 0, written, false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return 0, written, false
	}
	return pid, info.ModTime(), true
}
