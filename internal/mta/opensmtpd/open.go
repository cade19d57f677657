package opensmtpd

import (
	"virtmap/internal/mta"
	"virtmap/internal/mta/before"
	"virtmap/internal/mta/rowtext"
)

// An opener opens the files of a folder.
type opener struct{ before.Reader }

// open opens the files that builds write.
func open(at mta.Place, host mta.Host) (mta.Set, error) {
	o := &opener{before.Reader{Place: at}}
	set, err := o.open(host)
	if err != nil {
		return &Set{seen: o.Seen}, err
	}
	return set, nil
}

// open opens all files.
func (o *opener) open(host mta.Host) (*Set, error) {
	conf, err := o.Read(fileConf)
	if err != nil {
		return nil, err
	}
	c := contents{host: host.Name, account: host.Account, details: asksDetails(conf), authorises: hasSenders(conf)}
	for name, to := range map[string]*source{
		fileAddresses: &c.tables[plain], fileDetail: &c.tables[withDetail], fileEmpty: &c.tables[emptyDetail], fileMailboxes: &c.mailboxes, fileSenders: &c.senders,
	} {
		if name == fileSenders && !c.authorises {
			continue
		}
		text, err := o.Read(name)
		if err != nil {
			return nil, err
		}
		to.rows = rowtext.Sorted(parse(text))
	}
	for name, to := range map[string]*[]string{
		fileDomains: &c.served, fileLocal: &c.local, fileBackups: &c.relayed, fileListed: &c.listed, fileLocalDetail: &c.detail, fileLocalEmpty: &c.empty,
	} {
		text, err := o.Read(name)
		if err != nil {
			return nil, err
		}
		*to = rowtext.PlainLines(text)
	}
	set := newSet(c)
	set.seen = o.Seen
	return set, nil
}
