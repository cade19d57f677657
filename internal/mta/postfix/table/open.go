package table

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/regular"
)

// An Opener opens tables. It opens a table once, however often Open is called.
type Opener struct {
	At      func(path string) string // returns where the file of a path is read; nil: at the path
	Account func(name string) bool   // for unix:passwd.byname; nil: there are no accounts
	// Text returns the text that is read instead of the file of a path; nil: every file is
	// read.
	Text func(path string) (text []byte, ok bool)

	mu    sync.Mutex
	open  map[string]*Table
	files []*mapfile.File
	seen  []mta.Stamp
}

// Open opens the table of a specification. Without a colon the specification is the
// path of a file with names, for a list of domains. The error is an *Unread for a table
// that virtmap cannot read. Every other error is one for which Postfix too would answer
// all mail with a temporary error, such as a missing file.
func (o *Opener) Open(spec string) (*Table, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t := o.open[spec]; t != nil {
		return t, nil
	}
	t, err := o.opened(spec)
	if err != nil {
		return nil, err
	}
	t.Spec = spec
	if o.open == nil {
		o.open = map[string]*Table{}
	}
	o.open[spec] = t
	return t, nil
}

// OpenText opens the text of a map as postmap(1) reads it: the first row of a key counts.
func (o *Opener) OpenText(path string) (*Table, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	text, err := o.read(path)
	if err != nil {
		return nil, err
	}
	t, _ := readTextHash(path, text, Fold)
	t.Spec, t.Type, t.Path = "texthash:"+path, "texthash", path
	return t, nil
}

// Seen returns the states that the files had before they were opened.
func (o *Opener) Seen() []mta.Stamp {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen
}

// Close closes all files. No table may be used after that.
func (o *Opener) Close() (err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.files {
		err = errors.Join(err, f.Close())
	}
	o.files, o.open = nil, nil
	return err
}

func (o *Opener) opened(spec string) (*Table, error) {
	direct, proxied := strings.CutPrefix(spec, "proxy:")
	typ, name, ok := strings.Cut(direct, ":")
	if !ok {
		return o.names(spec)
	}
	fold := Fold
	if proxied { // proxymap(8) leaves the keys of a text as they are, so that one with a capital is never found
		fold = func(key string) string { return key }
	}
	open, known := map[string]func(name string) (*Table, error){
		"hash": o.mapped(".db"), "btree": o.mapped(".db"), "cdb": o.mapped(".cdb"), "lmdb": o.mapped(".lmdb"),
		"texthash": o.textHash(fold), "regexp": o.rules(readPOSIX, true), "pcre": o.rules(readPCRE, false),
		"inline": inline, "static": static, "fail": failing, "unix": o.accounts, "nis": unset,
	}[typ]
	if !known {
		return nil, &Unread{Spec: spec}
	}
	t, err := open(name)
	if u := (*Unread)(nil); errors.As(err, &u) {
		u.Spec = spec
	}
	if err != nil {
		return nil, err
	}
	for _, made := range []*Table{t, t.plain} {
		if made != nil {
			made.Type, made.Path, made.Spec = typ, name, spec
		}
	}
	return t, nil
}

// place returns where a file is read, and remembers its state.
func (o *Opener) place(path string) string {
	if o.At != nil {
		path = o.At(path)
	}
	o.seen = append(o.seen, mta.StampOf(path))
	return path
}

func (o *Opener) read(path string) (string, error) {
	if o.Text != nil {
		if text, ok := o.Text(path); ok {
			return string(text), nil
		}
	}
	text, err := regular.Read(o.place(path), regular.NoLimit)
	return string(text), err
}

// names opens a file of names. Each of its lines is read as a list (match_list(3)).
func (o *Opener) names(path string) (*Table, error) {
	text, err := o.read(path)
	if err != nil {
		return nil, err
	}
	lines := []string{}
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return &Table{Type: "file", Path: path, Lines: lines, Find: none}, nil
}

func none(string) (string, bool, error) { return "", false, nil }

// mapped returns a function that opens the map of a text, which has the suffix behind
// its name.
func (o *Opener) mapped(suffix string) func(name string) (*Table, error) {
	return func(name string) (*Table, error) {
		f, err := mapfile.Open(o.place(name + suffix))
		if errors.Is(err, mapfile.ErrType) {
			return nil, &Unread{Why: err.Error()}
		}
		if err != nil {
			return nil, err
		}
		o.files = append(o.files, f)
		return ofFile(f), nil
	}
}

// ofFile returns the table of an open map. Keys and values may end in a NUL. Postfix
// tries both forms until it finds a key, and from then on only the form of that key: a
// map has one form.
func ofFile(f *mapfile.File) *Table {
	withNUL := false
	_ = f.Each(func(key, _ []byte) error { // an error is the one of every later lookup
		withNUL = len(key) > 0 && key[len(key)-1] == 0
		return errEnough
	})
	find := func(key string) (string, bool, error) {
		buf := make([]byte, 0, 128)
		if withNUL {
			key = mapfile.WithNUL(key)
		}
		value, ok, err := f.Append(buf, []byte(key))
		return string(mapfile.WithoutNUL(value)), ok, err
	}
	each := func(row func(key, value string) bool) error {
		err := f.Each(func(key, value []byte) error {
			if !row(string(mapfile.WithoutNUL(key)), string(mapfile.WithoutNUL(value))) {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	}
	return &Table{Indexed: true, Find: folding(find), Each: each}
}

var errEnough = errors.New("enough rows")

func static(value string) (*Table, error) {
	if inner, ok := braced(value); ok {
		value = strings.TrimSpace(inner)
	}
	return &Table{Indexed: true, Find: func(string) (string, bool, error) { return value, true, nil }}, nil
}

// unset opens a table of NIS, which is part of the usual alias_maps. Without an NIS domain
// it has no rows.
func unset(name string) (*Table, error) {
	return &Table{Indexed: true, Find: none, Warnings: []string{"nis:" + name + " is taken as empty"}}, nil
}

func failing(name string) (*Table, error) {
	err := fmt.Errorf("the table fail:%s answers every key with an error", name)
	return &Table{Find: func(string) (string, bool, error) { return "", false, err }}, nil
}

func (o *Opener) accounts(name string) (*Table, error) {
	if name != "passwd.byname" {
		return nil, &Unread{}
	}
	find := func(key string) (string, bool, error) {
		if o.Account != nil && o.Account(key) {
			return key, true, nil
		}
		return "", false, nil
	}
	return &Table{Indexed: true, Find: folding(find)}, nil
}
