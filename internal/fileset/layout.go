package fileset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mcfile"
	"virtmap/virtuser"
)

// A Layout says where the tables of a mail server are, as its sendmail.cf has
// it, or its sendmail.mc where there is no sendmail.cf.
type Layout struct {
	Host    string   // the server's own name; empty: it does not say
	Table   string   // the virtusertable, without the suffix of a map
	Class   string   // the class of its map: hash, cdb, text, btree, …; empty: it has none
	Names   []string // files of class w
	Words   []string // names of class w in the configuration itself
	Aliases []string // alias files, in the order they are asked

	dir, whole string // the folder that is read, as it was given and from the root
	home       string // where its files live on the server
	configured bool   // the configuration names that place
}

// ReadLayout reads the configuration of a folder, which may be a copy: a file
// that the configuration has elsewhere is then looked for in the copy alone.
func ReadLayout(dir string) (l Layout, err error) {
	l = Layout{dir: dir}
	if l.whole, err = filepath.Abs(dir); err != nil {
		return l, err
	}
	l.home = l.whole
	text, err := configurationText(dir)
	if err != nil {
		return l, err
	}
	for line := range strings.Lines(text) {
		l.line(strings.TrimRight(line, "\r\n"))
	}
	if len(l.Names) > 0 {
		l.home, l.configured = filepath.Dir(l.Names[0]), true
	}
	if l.Table != "" {
		l.home, l.configured = filepath.Dir(l.Table), true
	}
	if l.Table == "" {
		l.Table = filepath.Join(l.home, mcfile.Virtusertable)
	}
	if len(l.Names) == 0 {
		l.Names = []string{filepath.Join(l.home, mcfile.HostNames)}
	}
	return l, nil
}

// configurationText gives the lines of sendmail.cf, or those that a sendmail.mc
// stands for; none where there is neither.
func configurationText(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, configuration))
	if !errors.Is(err, fs.ErrNotExist) {
		return string(text), err
	}
	text, err = os.ReadFile(filepath.Join(dir, "sendmail.mc"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return mcfile.Configuration(string(text)), err
}

// line takes a line of sendmail.cf in.
func (l *Layout) line(line string) {
	if name, ok := strings.CutPrefix(line, "Dj"); ok && name != "" && !strings.Contains(name, "$") {
		l.Host = strings.ToLower(strings.TrimSpace(name))
	}
	if spec, ok := strings.CutPrefix(line, "Kvirtuser "); ok {
		if words := strings.Fields(spec); len(words) > 1 {
			l.Class, l.Table = words[0], mapfile.WithoutSuffix(words[len(words)-1])
		}
	}
	for _, class := range []string{"w", "{w}", "{VirtHost}"} {
		if words, ok := strings.CutPrefix(line, "C"+class); ok {
			for _, word := range strings.Fields(strings.ToLower(words)) {
				if !strings.Contains(word, "$") { // a macro: the host's own name, most likely
					l.Words = append(l.Words, word)
				}
			}
		}
		if file, ok := strings.CutPrefix(line, "F"+class); ok {
			if file, _, _ = strings.Cut(strings.TrimSpace(strings.TrimPrefix(file, "-o")), " "); filepath.IsAbs(file) {
				l.Names = append(l.Names, file)
			}
		}
	}
	if specs, ok := strings.CutPrefix(line, "O AliasFile="); ok {
		l.Aliases = append(l.Aliases, aliasPaths(specs)...)
	}
}

// Home is the folder of the tables on the server; known says that the
// configuration names it.
func (l *Layout) Home() (dir string, known bool) { return l.home, l.configured }

// Place gives the file that is read for a path of the server.
func (l *Layout) Place(path string) string {
	if l.configured && l.whole == l.home {
		return path
	}
	if root, more := strings.CutSuffix(l.whole, l.home); more && root != "" { // the copy has more than the folder
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

// OpenServer opens the files of a server, wherever they are. What is not there
// is empty, with a warning. aliases are read instead of the alias files that
// the configuration names, where there are any.
func OpenServer(l Layout, aliases []string, account func(string) bool) (set *Installed, err error) {
	set = &Installed{Router: &virtuser.Router{Host: l.Host, Account: account}, at: l.Place, typ: l.Class, lenient: true}
	if _, known := mapfile.ByName(l.Class); l.Class != "" && !known {
		set.typ, set.foreign = "text", true
		set.Warnings = append(set.Warnings, fmt.Sprintf("sendmail reads %s as a map of class %s, which virtmap cannot read; the text is read instead", l.Table, l.Class))
	}
	if len(aliases) > 0 {
		for i, path := range aliases {
			aliases[i] = mapfile.WithoutSuffix(path)
		}
		l.Aliases = aliases
		set.at = func(path string) string {
			if slices.Contains(aliases, mapfile.WithoutSuffix(path)) {
				return path
			}
			return l.Place(path)
		}
	}
	ours := filepath.Join(l.home, mcfile.Aliases)
	l.Aliases = append([]string{ours}, slices.DeleteFunc(slices.Clone(l.Aliases), func(path string) bool { return path == ours })...)
	return set, set.load(l, false)
}
