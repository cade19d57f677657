// Package safefile judges files and folders as sendmail does before it reads
// them (sendmail/libsm, safefile; measured with 8.17.1, which runs as root):
//
//	a folder above the file, as the path is written, that its group or
//	others may write to                      refused, also with the sticky bit
//	the file is no regular file               refused
//	its owner is root                         read when root may
//	its owner is the TrustedUser, and it is a map    read when that may
//	otherwise its group is root's             read when the group may
//	otherwise                                 read when others may
//
// A symbolic link is followed, and what it leads through is not looked at. The
// write bits of the file itself are not looked at either; whoever has them
// decides where mail goes, so that they are named here all the same.
package safefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A Complaint is a reason why sendmail does not read a file, or should not.
type Complaint struct {
	Path string // of the file or the folder
	Text string
	Mend string // a command
}

// A Judge knows what the configuration says.
type Judge struct {
	Trusted int      // the TrustedUser; -1: nobody
	Blame   []string // the words of DontBlameSendmail, which relax the rules
}

// Map judges a map, and makemap's rule for the one it writes: one link only.
func (j Judge) Map(path string) []Complaint {
	faults := j.file(path, true)
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && linksOf(info) > 1 {
		faults = append(faults, Complaint{path, fmt.Sprintf("has %d links, and makemap refuses to write it", linksOf(info)),
			fmt.Sprintf("cp -p %[1]s %[1]s.new && mv %[1]s.new %[1]s", quote(path))})
	}
	return faults
}

// Names judges a file of class names.
func (j Judge) Names(path string) []Complaint { return j.file(path, false) }

func (j Judge) file(path string, isMap bool) []Complaint {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Complaint{{path, "is not there", "virtmap build"}}
	case err != nil:
		return []Complaint{{path, err.Error(), "look at it as root"}}
	case !info.Mode().IsRegular():
		return []Complaint{{path, "is no regular file", "virtmap build, once it is out of the way"}}
	}
	faults := j.folders(path, isMap)
	uid, gid := ownersOf(info)
	mode := info.Mode().Perm()
	readable := uid == 0 && mode&0o400 != 0 || isMap && uid == j.Trusted && mode&0o400 != 0 || uid != 0 && (gid == 0 && mode&0o040 != 0 || gid != 0 && mode&0o004 != 0)
	if !readable {
		faults = append(faults, Complaint{path, "cannot be read by sendmail", "chown root " + quote(path) + "; chmod u+r " + quote(path)})
	}
	for _, bits := range []struct {
		who  string
		mask fs.FileMode
		fix  string
	}{{"its group", 0o020, "g-w"}, {"everybody", 0o002, "o-w"}} {
		if mode&bits.mask != 0 {
			faults = append(faults, Complaint{path, bits.who + " may write to it and decide where mail goes", "chmod " + bits.fix + " " + quote(path)})
		}
	}
	return faults
}

// folders judges every folder above a file.
func (j Judge) folders(path string, isMap bool) []Complaint {
	if isMap && j.blames("mapinunsafedirpath") || !isMap && j.blames("classfileinunsafedirpath") {
		return nil
	}
	var faults []Complaint
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return append(faults, Complaint{dir, err.Error(), "look at it as root"})
		}
		mode := info.Mode().Perm()
		if mode&0o002 != 0 {
			faults = append(faults, Complaint{dir, "everybody may write to it, and sendmail reads nothing below it", "chmod o-w " + quote(dir)})
		}
		if mode&0o020 != 0 && !j.blames("groupwritabledirpathsafe") {
			faults = append(faults, Complaint{dir, "its group may write to it, and sendmail reads nothing below it", "chmod g-w " + quote(dir)})
		}
		if dir == filepath.Dir(dir) {
			return faults
		}
	}
}

func (j Judge) blames(word string) bool {
	for _, w := range j.Blame {
		if strings.EqualFold(strings.TrimSpace(w), word) {
			return true
		}
	}
	return false
}

func ownersOf(info fs.FileInfo) (uid, gid int) {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid), int(stat.Gid)
	}
	return -1, -1
}

func linksOf(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}

// quote makes one word of a path for a shell.
func quote(path string) string {
	if strings.ContainsFunc(path, func(c rune) bool {
		return !strings.ContainsRune("/._-+@", c) && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
