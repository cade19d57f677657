package postfix

import (
	"errors"
	"path/filepath"
	"slices"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/regular"
)

// A found is the installed set of a folder. It implements mta.Before.
type found struct {
	texts
	open []*Installed
}

// find returns the installed set of a folder. It opens no file yet.
func find(f mta.Folder) mta.Before {
	return &found{texts: texts{Folder: f, instead: map[string]string{}}}
}

// Pair prepares the comparison with a build. If virtmap wrote files into the folder,
// these files are compared over the server's configuration, otherwise the files that the
// configuration names. On both sides every name is an account, because a build changes
// no account.
func (f *found) Pair(next mta.Build, damaged []string) (mta.Pair, error) {
	b := next.(Build)
	host := mta.Host{Name: b.Model.Host.Name.Text, Account: func(string) bool { return true }}
	lines, err := f.taking(b)
	if err != nil {
		return mta.Pair{}, err
	}
	old, err := f.before(host, damaged, lines != "")
	if err != nil {
		return mta.Pair{}, err
	}
	f.open = append(f.open, old)
	l, err := readLayout(mta.Place{Dir: f.Dir, At: func(path string) string { return path }})
	if err != nil {
		return mta.Pair{}, err
	}
	if lines == "" {
		lines = b.mainText()
	}
	after, err := b.withLines(l, host, lines)
	if err != nil {
		return mta.Pair{}, err
	}
	f.open = append(f.open, after)
	return compared(old, after), nil
}

// taking returns the lines that main.cf gets, if the build takes a server over: no build
// has written yet, or lines of the site go now. Otherwise, and without a main.cf, it is
// empty.
func (f *found) taking(b Build) (lines string, err error) {
	main, ok := mainOf(f.Dir)
	if !ok || f.Known && !f.Adopt {
		return "", nil
	}
	text, err := regular.Read(main, regular.NoLimit)
	if err != nil {
		return "", err
	}
	quiet := func(string) {}
	beside, instead := edited(main, string(text), b, quiet), editedBy(maincf.Adopt, main, string(text), b, quiet)
	switch {
	case !f.Adopt:
		return beside, nil // the site's own lists stay in force
	case f.Known && beside == instead:
		return "", nil
	}
	return instead, nil
}

// before opens the installed set. asIs says that main.cf counts as it is, without the lines
// of virtmap.main.cf.
func (f *found) before(host mta.Host, damaged []string, asIs bool) (*Installed, error) {
	at := mta.Place{Dir: f.Dir}
	if f.Known && !asIs {
		at.At = func(path string) string { return path }
	}
	l, err := readLayout(at)
	if err != nil {
		return nil, err
	}
	texts, err := f.sound(damaged)
	if err != nil {
		return nil, err
	}
	in := newInstalled(l, host, texts)
	in.lenient = true
	return in, in.start()
}

// sound returns the texts that are read instead of damaged files.
func (f *found) sound(damaged []string) (map[string]mta.Text, error) {
	texts := map[string]mta.Text{}
	for _, path := range damaged {
		name := mapfile.WithoutSuffix(filepath.Base(path))
		i := slices.IndexFunc(Files, func(file mta.File) bool { return file.Name == name })
		if i < 0 {
			continue
		}
		text, err := f.read(name)
		if err != nil {
			return nil, err
		}
		f.instead[path] = "its text"
		texts[name] = textOf(Files[i], text)
	}
	return texts, nil
}

// textOf returns the text of a file with its rows.
func textOf(file mta.File, text []byte) mta.Text {
	t := mta.Text{Bytes: text}
	if file.Rows != nil {
		t.Rows = file.Rows(text)
	}
	return t
}

// Instead returns what was compared instead of each damaged file.
func (f *found) Instead() map[string]string { return f.instead }

// Close closes the sets of the last Pair.
func (f *found) Close() (err error) {
	for _, set := range f.open {
		err = errors.Join(err, set.Close())
	}
	f.open = nil
	return err
}
