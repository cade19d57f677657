package sendmail

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/virtuser"
)

// A Layout says which files sendmail reads, and where they are. These are the files
// that the configuration of a folder names. Without a configuration, they are the files
// that a build writes.
type Layout struct {
	Host    string           // the server's own name; empty: the configuration has none
	Table   string           // the path of the virtusertable without the suffix of a map; empty: none is read
	Class   string           // the class of the map of Table: hash, cdb, text, btree, …; empty: that of the first map that is found
	FilesW  []conf.ClassFile // files of class w
	WordsW  []string         // names of class w in the configuration itself
	FilesR  []conf.ClassFile // files of class R
	Aliases []conf.AliasFile // in the order of their lookups
	Relays  virtuser.Relays  // hosts to which mail is passed on; the names of class L are in FilesL and WordsL
	FilesL  []conf.ClassFile // files of class L
	WordsL  []string         // names of class L in the configuration itself

	conf     *conf.Config
	dir      string // the folder that is read, as it was given
	absolute string // the absolute path of dir
	home     string // the folder of the files on the server
	live     bool   // the folder is the one on the server, and not a copy
	unsent   bool   // the tables for mail that is sent are left out

	damaged map[string]bool // maps that are not read because they are damaged; their texts are read instead
}

// ReadLayout reads the configuration of a folder. The folder may be a copy of a
// server's folder. All files are then looked for in the copy, whatever path the
// configuration gives them.
func ReadLayout(dir string) (l Layout, err error) {
	c, err := conf.Read(dir)
	if err != nil {
		return l, err
	}
	l = Layout{conf: c, dir: dir}
	if l.absolute, err = filepath.Abs(dir); err != nil {
		return l, err
	}
	if c.Path == "" {
		l.unconfigured()
		return l, nil
	}
	l.Host, l.Aliases = c.Host(), c.Aliases
	if m, ok := c.Map(conf.VirtuserMap); ok && m.Path != "" {
		l.Class, l.Table = m.Class, mapfile.WithoutSuffix(m.Path)
	}
	l.FilesW, l.WordsW, l.FilesR = c.ClassFiles(conf.ClassW), c.ClassWords(conf.ClassW), c.ClassFiles(conf.ClassR)
	l.Relays = virtuser.Relays{
		Unknown: c.Relay(conf.LuserRelay), Hub: c.Relay(conf.MailHub), Unqualified: c.Relay(conf.LocalRelay), Smart: c.Relay(conf.SmartHost),
		Sticky: c.Sticky,
	}
	l.FilesL, l.WordsL = c.ClassFiles(conf.ClassL), c.ClassWords(conf.ClassL)
	l.findHome()
	return l, nil
}

// builtLayout returns the layout of the files that a build writes into a folder,
// whatever the configuration of the folder names.
func builtLayout(dir string) Layout {
	l := Layout{conf: conf.Parse(""), dir: dir, absolute: dir}
	l.unconfigured()
	return l
}

// unconfigured fills in the files that a build writes.
func (l *Layout) unconfigured() {
	l.home, l.live = l.absolute, true
	at := func(name string) string { return filepath.Join(l.dir, name) }
	l.Table = at(mcfile.Virtusertable)
	l.FilesW = []conf.ClassFile{{Class: conf.ClassW, Path: at(mcfile.HostNames), Format: conf.EveryWord}}
	l.FilesR = []conf.ClassFile{{Class: conf.ClassR, Path: at(mcfile.RelayDomains), Format: conf.EveryWord, Optional: true}}
	l.Aliases = []conf.AliasFile{{Path: at(mcfile.Aliases)}}
}

// findHome works out where the files are on the server. If the configuration names a
// file of its own folder, this folder is the one on the server. Otherwise the folder is
// a copy. The folder on the server is then the one that has the virtusertable, or else
// the first file of class w, or else the default folder.
func (l *Layout) findHome() {
	inside := func(path string) bool { return strings.HasPrefix(path, l.absolute+"/") }
	if l.absolute == mcfile.DefaultDir || slices.ContainsFunc(l.conf.Paths(), inside) {
		l.home, l.live = l.absolute, true
		return
	}
	l.home = mcfile.DefaultDir
	for _, path := range append([]string{l.Table}, pathsOf(l.FilesW)...) {
		if path != "" {
			l.home = filepath.Dir(path)
			return
		}
	}
}

func pathsOf(files []conf.ClassFile) (paths []string) {
	for _, f := range files {
		if f.Path != "" {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// Home returns the folder of the tables on the server. known is false without a
// configuration.
func (l *Layout) Home() (dir string, known bool) { return l.home, l.conf.Path != "" }

// Configuration returns the configuration of the folder. Its Path is empty if there is
// none.
func (l *Layout) Configuration() *conf.Config { return l.conf }

// Own returns the layout without the files that a build writes.
func (l Layout) Own() Layout {
	ours := func(f conf.ClassFile) bool {
		return l.ours(f.Path, mcfile.HostNames) || l.ours(f.Path, mcfile.RelayDomains)
	}
	l.Table, l.Class, l.unsent = "", "", true
	l.FilesW, l.FilesR = slices.DeleteFunc(slices.Clone(l.FilesW), ours), slices.DeleteFunc(slices.Clone(l.FilesR), ours)
	l.Aliases = slices.DeleteFunc(slices.Clone(l.Aliases), func(a conf.AliasFile) bool { return l.ours(a.Path, mcfile.Aliases) })
	return l
}

// Live reports whether the folder is the one on the server, and not a copy.
func (l *Layout) Live() bool { return l.live }

// Place returns the file that is read for a path on the server. For a damaged map it
// returns nowhere.
func (l *Layout) Place(path string) string {
	if place := l.place(path); !l.damaged[place] {
		return place
	}
	return nowhere
}

func (l *Layout) place(path string) string {
	if l.live {
		return path
	}
	if root, ok := strings.CutSuffix(l.absolute, l.home); ok && root != "" { // a copy with all folders above it, as of a whole disk
		if place := filepath.Join(root, path); isThere(place) {
			return place
		}
	}
	return filepath.Join(l.dir, filepath.Base(path))
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ours reports whether a path is the one to which a build writes the file with a name.
func (l *Layout) ours(path, name string) bool {
	return path != "" && filepath.Base(path) == name && filepath.Clean(filepath.Dir(path)) == filepath.Clean(l.homeAsGiven())
}

// homeAsGiven returns the folder in the form that the paths of the layout have.
func (l *Layout) homeAsGiven() string {
	if l.conf.Path == "" {
		return l.dir
	}
	return l.home
}

// notRead returns a line for each file that a person would expect sendmail to read, but
// that the configuration does not name.
func (l *Layout) notRead() (all []string) {
	if l.conf.Path == "" {
		return nil
	}
	if l.conf.MC {
		all = append(all, fmt.Sprintf("there is no %s in %s; %s is read instead, and may not be what the server runs with", conf.CFName, l.dir, l.conf.Path))
	}
	for _, line := range l.conf.Unfollowed() {
		all = append(all, line.String())
	}
	if _, asked := l.conf.Map(conf.VirtuserMap); !asked && l.Unread(mcfile.Virtusertable) == "" {
		all = append(all, fmt.Sprintf("%s has no virtusertable: no virtual address is looked up", l.conf.Path))
	}
	for _, name := range []string{mcfile.Virtusertable, mcfile.Aliases, mcfile.HostNames, mcfile.RelayDomains} {
		if l.Unread(name) != "" {
			all = append(all, fmt.Sprintf("%s does not name %s, so that it is not read", l.conf.Path, filepath.Join(l.home, name)))
		}
	}
	return all
}

// Unread returns the path of a file that is there and that the configuration does not
// name; otherwise it returns an empty path. name is one of the names that builds use.
func (l *Layout) Unread(name string) string {
	path := filepath.Join(l.home, name)
	named := slices.ContainsFunc(l.conf.Paths(), func(p string) bool { return mapfile.WithoutSuffix(p) == path })
	if named || l.conf.Path == "" || !slices.ContainsFunc(readTypes, func(typ mapfile.Type) bool { return isThere(l.Place(path) + typ.Suffix) }) {
		return ""
	}
	return l.Place(path)
}
