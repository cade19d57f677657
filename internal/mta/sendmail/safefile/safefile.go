// Package safefile checks owner and mode of files and folders as sendmail does before
// it reads a file (sendmail/libsm, safefile; measured with 8.17.1, which runs as
// root). The first rule that fits decides:
//
//	its group or others may write to a folder
//	above the file, also with the sticky bit     not read
//	it is no regular file                        not read
//	its owner is root                            read if the owner may read it
//	it is a map of the TrustedUser               read if the owner may read it
//	its group is that of root                    read if the group may read it
//	otherwise                                    read if others may read it
//
// The folders are those of the path as it is written. sendmail follows a symbolic link
// and does not check the folders of its target. It does not check the write bits of the
// file. This package does: a user with write permission decides where mail goes.
//
//	/etc/mail/virtusertable.db: its group may write to it and decide where mail goes
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
	Mend string // the command that corrects it
}

// A Judge checks files with the options of a configuration.
type Judge struct {
	Trusted int      // uid of the TrustedUser; -1: none
	Blame   []string // words of DontBlameSendmail, each of which turns a rule off
}

// Map checks a map. It also complains of a second link, because makemap refuses to
// write such a map.
func (j Judge) Map(path string) []Complaint {
	complaints := j.file(path, true)
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && linksOf(info) > 1 {
		complaints = append(complaints, Complaint{path, fmt.Sprintf("has %d links, and makemap refuses to write it", linksOf(info)),
			fmt.Sprintf("cp -p %[1]s %[1]s.new && mv %[1]s.new %[1]s", quote(path))})
	}
	return complaints
}

// Names checks a file with the names of a class.
func (j Judge) Names(path string) []Complaint { return j.file(path, false) }

// file checks a file, and every folder above it.

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
	complaints := j.folders(path, isMap)
	uid, gid := ownersOf(info)
	mode := info.Mode().Perm()
	readable := uid == 0 && mode&0o400 != 0 || isMap && uid == j.Trusted && mode&0o400 != 0 || uid != 0 && (gid == 0 && mode&0o040 != 0 || gid != 0 && mode&0o004 != 0)
	if !readable {
		complaints = append(complaints, Complaint{path, "cannot be read by sendmail", "chown root " + quote(path) + "; chmod u+r " + quote(path)})
	}
	for _, bits := range []struct {
		who  string
		mask fs.FileMode
		fix  string
	}{{"its group", 0o020, "g-w"}, {"everybody", 0o002, "o-w"}} {
		if mode&bits.mask != 0 {
			complaints = append(complaints, Complaint{path, bits.who + " may write to it and decide where mail goes", "chmod " + bits.fix + " " + quote(path)})
		}
	}
	return complaints
}

// folders checks every folder above a file.
func (j Judge) folders(path string, isMap bool) []Complaint {
	if isMap && j.blames("mapinunsafedirpath") || !isMap && j.blames("classfileinunsafedirpath") {
		return nil
	}
	var complaints []Complaint
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return append(complaints, Complaint{dir, err.Error(), "look at it as root"})
		}
		mode := info.Mode().Perm()
		if mode&0o002 != 0 {
			complaints = append(complaints, Complaint{dir, "everybody may write to it, and sendmail reads nothing below it", "chmod o-w " + quote(dir)})
		}
		if mode&0o020 != 0 && !j.blames("groupwritabledirpathsafe") {
			complaints = append(complaints, Complaint{dir, "its group may write to it, and sendmail reads nothing below it", "chmod g-w " + quote(dir)})
		}
		if dir == filepath.Dir(dir) {
			return complaints
		}
	}
}

// blames reports whether DontBlameSendmail has a word.
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

// quote returns a path as one word of a shell.
func quote(path string) string {
	if strings.ContainsFunc(path, func(c rune) bool {
		return !strings.ContainsRune("/._-+@", c) && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
