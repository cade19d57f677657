package opensmtpd

import (
	"path/filepath"

	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/regular"
)

// An opener opens the files of a folder.
type opener struct {
	mta.Place
	texts map[string][]byte // by name: texts that are read instead of files; nil as an element: an empty text
	empty bool              // a missing file counts as empty
	seen  []mta.Stamp
}

// open opens the files that builds write.
func open(at mta.Place, host mta.Host) (mta.Set, error) {
	o := &opener{Place: at}
	set, err := o.open(host)
	if err != nil {
		return &Set{seen: o.seen}, err
	}
	return set, nil
}

// read returns a text.
func (o *opener) read(name string) ([]byte, error) {
	if text, ok := o.texts[name]; ok {
		return text, nil
	}
	path := filepath.Join(o.Dir, name)
	if o.At != nil {
		path = o.At(path)
	}
	o.seen = append(o.seen, mta.StampOf(path))
	if o.empty {
		return regular.ReadIfThere(path)
	}
	return regular.Read(path, regular.NoLimit)
}

// open opens all files.
func (o *opener) open(host mta.Host) (*Set, error) {
	c := contents{host: host.Name, account: host.Account}
	for name, to := range map[string]*source{
		fileAddresses: &c.tables[plain], fileDetail: &c.tables[withDetail], fileEmpty: &c.tables[emptyDetail], fileMailboxes: &c.mailboxes,
	} {
		text, err := o.read(name)
		if err != nil {
			return nil, err
		}
		to.rows = rowtext.Sorted(parse(text))
	}
	for name, to := range map[string]*[]string{
		fileDomains: &c.served, fileLocal: &c.local, fileBackups: &c.relayed, fileListed: &c.listed, fileLocalDetail: &c.detail, fileLocalEmpty: &c.empty,
	} {
		text, err := o.read(name)
		if err != nil {
			return nil, err
		}
		*to = lines(text)
	}
	conf, err := o.read(fileConf)
	if err != nil {
		return nil, err
	}
	c.details = asksDetails(conf)
	set := newSet(c)
	set.seen = o.seen
	return set, nil
}
