package postfix

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/regular"
)

// A question is what a Postfix that is asked reads.
type question struct {
	main, master []byte
	etc          string // the folder of both on the server
	move         func(path string) string
	live         bool     // the files are those of the server on this machine
	set          *siteSet // over the same configuration; nil: the one of the Asking
	problem      error    // of move
}

// noForward are lines for every question: Postfix shall not read the .forward files of
// persons, about which an inventory says nothing.
const noForward = "\nforward_path =\n"

// asItIs returns the question for a folder with a main.cf. The files of a folder that is a
// copy are copied into tables.
func asItIs(l *layout, tables string) (*question, error) {
	q := &question{etc: l.home, live: l.live}
	var err error
	if q.main, err = regular.Read(l.config.Path, regular.NoLimit); err != nil {
		return nil, err
	}
	if q.master, err = regular.ReadIfThere(filepath.Join(l.dir, maincf.MasterName)); err != nil {
		return nil, err
	}
	q.main = append(q.main, noForward...)
	if !l.live {
		q.move = q.copier(l, tables)
		q.main = append(q.main, "\nmyorigin = "+l.config.Param("myorigin")+"\n"...) // the file of Debian may be missing in a copy
	}
	return q, nil
}

// copier returns a function that copies the file of a path with its maps. It returns the
// path of the copy. A missing file is empty in the copy, as it is for the set.
func (q *question) copier(l *layout, tables string) func(path string) string {
	copies := map[string]string{}
	return func(path string) string {
		if to, ok := copies[path]; ok {
			return to
		}
		from := l.place(path)
		if info, err := os.Stat(from); err == nil && !info.Mode().IsRegular() {
			return path
		}
		to := filepath.Join(tables, fmt.Sprintf("%d-%s", len(copies), filepath.Base(path)))
		copies[path] = to
		found, err := copyMaps(from, to)
		if err == nil && !found {
			err = writeEmpty(to)
		}
		if err != nil && q.problem == nil {
			q.problem = err
		}
		return to
	}
}

// suffixes are those of a text and of its maps.
var suffixes = []string{"", ".db", ".cdb", ".lmdb"}

// longAgo is the time of copies: Postfix waits for a text that was just written.
func longAgo() time.Time { return time.Now().Add(-time.Hour) }

// copyMaps copies a text and its maps. Missing files are no error.
func copyMaps(from, to string) (found bool, err error) {
	for _, suffix := range suffixes {
		content, err := regular.ReadIfThere(from + suffix)
		if err != nil {
			return found, err
		}
		if content == nil {
			continue
		}
		found = true
		if err := os.WriteFile(to+suffix, content, 0o644); err != nil {
			return found, err
		}
		if err := os.Chtimes(to+suffix, longAgo(), longAgo()); err != nil {
			return found, err
		}
	}
	return found, nil
}

// writeEmpty writes an empty text with empty maps.
func writeEmpty(path string) error {
	for _, typ := range mapfile.Named([]string{"hash", "cdb", "lmdb", "texthash"}) {
		file, err := os.Create(path + typ.Suffix)
		if err != nil {
			return err
		}
		if typ.Write != nil {
			err = typ.Write(file, mapfile.Pairs(nil))
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("an empty map %q: %w", path+typ.Suffix, err)
		}
		if err := os.Chtimes(path+typ.Suffix, longAgo(), longAgo()); err != nil {
			return err
		}
	}
	return nil
}

// withBuild returns the question for the files of a build over the server's own
// configuration, as `build --config` would edit it.
func withBuild(a mta.Asking, tables string) (*question, error) {
	b, from := a.Build.(Build), a.Work
	if a.Dir != "" {
		from = a.Dir
	}
	for _, file := range Files {
		if _, err := copyMaps(filepath.Join(from, file.Name), filepath.Join(tables, file.Name)); err != nil {
			return nil, err
		}
	}
	moved := func(path string) string {
		if base := filepath.Base(path); ours(mapfile.WithoutSuffix(base)) {
			return filepath.Join(tables, base)
		}
		return path
	}
	site, text, err := ownMain(b, a.Dir, a.Tell)
	if err != nil {
		return nil, err
	}
	q := &question{etc: site, move: moved}
	if q.master, err = regular.ReadIfThere(filepath.Join(site, maincf.MasterName)); err != nil {
		return nil, err
	}
	lines := edited(filepath.Join(site, maincf.MainName), text, b, a.Tell)
	config, err := maincf.Read(site)
	if err != nil {
		return nil, err
	}
	if config.Path == "" {
		lines = bareLines + lines
	}
	if _, _, ok := config.Set("myhostname"); !ok {
		lines += "myhostname = " + a.Host.Name + "\n"
	}
	q.main = []byte(text + "\n" + lines + noForward)
	l := &layout{config: config.Apply([]byte(lines)), dir: site, home: site, live: true, at: moved}
	if err := l.readOrigin(); err != nil {
		return nil, err
	}
	set := newInstalled(l, a.Host, nil)
	q.set = &siteSet{Installed: set, listed: a.Set.(mta.Local).Listed}
	return q, set.start()
}

// ownMain returns the folder and the text of the server's own main.cf: the one in
// host.mail_dir or, if there is none, the one in /etc/postfix. Without both the text is
// empty.
func ownMain(b Build, dir string, tell func(string)) (site, text string, err error) {
	site = b.Model.Host.MailDir.Text
	path, ok := mainOf(site)
	if !ok {
		site = DefaultDir
		path, ok = mainOf(site)
	}
	switch {
	case !ok:
		tell("there is no " + path + ": postfix is asked over a main.cf that virtmap makes")
		return site, "", nil
	case dir != "":
		tell(fmt.Sprintf("%s has no main.cf: postfix is asked over %s with the lines of the inventory", dir, path))
	}
	content, err := regular.Read(path, regular.NoLimit)
	return site, string(content), err
}

// mainOf returns the path of the main.cf of a folder; ok is false without one.
func mainOf(dir string) (name string, ok bool) {
	name = filepath.Join(dir, maincf.MainName)
	_, err := os.Stat(name)
	return name, err == nil
}

// edited returns the lines that `build --config` would write into a main.cf. If a line of
// the site clashes with one of them, tell receives a message, and the line of the inventory
// counts.
func edited(path, text string, b Build, tell func(string)) string {
	return editedBy(maincf.Edit, path, text, b, tell)
}

// editedBy returns the lines that Edit or Adopt of maincf writes into a main.cf.
func editedBy(edit func(*diag.Source, []maincf.Line, *diag.List) string, path, text string, b Build, tell func(string)) string {
	var sources diag.Sources
	var faults diag.List
	result := text
	if src, err := sources.Add(path, text); err == nil {
		result = edit(src, b.Lines(), &faults)
	}
	for _, f := range (diag.Printer{Sources: &sources}).Located(&faults) {
		tell(fmt.Sprintf("%s:%d: %s; postfix is asked with the value of the inventory", f.At.File, f.At.Line, f.Text))
	}
	with := maincf.Parse(path, []byte(result))
	var lines strings.Builder
	for _, l := range b.Lines() {
		value := l.Value
		if !faults.Failed() {
			value, _, _ = with.Set(l.Name)
		}
		lines.WriteString(l.Name + " = " + value + "\n")
	}
	return lines.String()
}

// A siteSet is the set of a build over the configuration of a server, which may serve
// more domains than the inventory knows.
type siteSet struct {
	*Installed
	listed func() []string
}

// Listed returns the domains in the files of the build.
func (s *siteSet) Listed() []string { return s.listed() }
