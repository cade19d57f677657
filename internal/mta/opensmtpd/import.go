package opensmtpd

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/before"
	"virtmap/internal/mta/imported"
	"virtmap/internal/outcome"
)

// A rebuilt is an OpenSMTPD with the files of a build, of which an inventory is made: an
// mta.Imported. Its rows are those of all three tables of addresses.
type rebuilt struct {
	*imported.Base
	set *Set
}

// importServer reads the files of a folder that virtmap wrote. The name of the server is the
// one in virtmap.conf.
func importServer(dir string, host mta.Host, files []string) (mta.Imported, error) {
	o := &opener{Reader: before.Reader{Place: mta.Place{Dir: dir}}}
	conf, err := o.Read(fileConf)
	if err != nil {
		return nil, fmt.Errorf("only files that virtmap wrote are read (a table of virtual addresses is imported with --from opensmtpd:FILE): %w", err)
	}
	name := hostLine.FindSubmatch(conf)
	if name != nil {
		host.Name = string(name[1])
	}
	s := &rebuilt{Base: imported.New("opensmtpd", host)}
	s.Said.HostKnown = name != nil
	if s.set, err = o.open(mta.Host{Name: host.Name, Account: s.Delivers}); err != nil {
		return nil, err
	}
	if folder := folderLine.FindSubmatch(conf); folder != nil && filepath.Dir(string(folder[1])) != DefaultDir {
		s.Said.MailDir = filepath.Dir(string(folder[1]))
	}
	s.fill()
	if err := s.ReadAliases(files); err != nil {
		return nil, err
	}
	return s, nil
}

// Lines of a virtmap.conf: the name of the server in its head, and the folder of the tables.
var (
	hostLine   = regexp.MustCompile(`(?m)^# Tables and rules of (\S+), written by virtmap `)
	folderLine = regexp.MustCompile(`(?m)^table virtmap_addresses\s+file:(\S+)$`)
)

// fill adds the domains and the rows.
func (s *rebuilt) fill() {
	own := append(localhosts(s.Said.Host), s.Said.Host)
	served, relayed := s.set.Domains()
	for _, name := range served {
		s.Serve(name)
	}
	for _, name := range relayed {
		s.Relay(name)
	}
	s.Said.Names = slices.DeleteFunc(s.Said.Names, func(name string) bool { return slices.Contains(own, name) })
	s.addRows(func(domain string) bool { return domain == s.Said.Host || !slices.Contains(own, domain) })
	s.Finish()
}

// Account reports whether the server has an account. A user with a mailbox elsewhere counts.
func (s *rebuilt) Account(name string) bool {
	return s.Base.Account(name) || s.User(name).File != ""
}

// Delivers reports whether a name counts as an account when outcomes are compared.
func (s *rebuilt) Delivers(name string) bool { return s.Base.Delivers(name) || s.Account(name) }

// User returns the mailbox of a user, and its owner.
func (s *rebuilt) User(name string) (m mta.Mailbox) {
	value, ok := s.set.contents.mailboxes.find(name)
	parts := strings.SplitN(value, ":", 3)
	if !ok || len(parts) < 3 {
		return m
	}
	m = mta.Mailbox{UID: parts[0], GID: parts[1], File: parts[2]}
	if m.GID == m.UID {
		m.GID = ""
	}
	return m
}

// Route returns the outcome of mail to an address.
func (s *rebuilt) Route(addr string) (outcome.Outcome, []outcome.Step) { return s.set.Route(addr) }

// RowOf returns the key of the first row that decided about an address.
func (s *rebuilt) RowOf(_ string, steps []outcome.Step) string {
	for _, step := range steps {
		if key := s.set.RowKey(step); key != "" {
			return key
		}
	}
	return ""
}

// Means returns what a row says.
func (s *rebuilt) Means(_, right string) (m mta.Meaning) {
	all, _ := values(right)
	for _, to := range all {
		if reply, refuses := strings.CutPrefix(to, errorWord); refuses {
			return mta.Meaning{Refuses: true, Reply: replied(reply)}
		}
		local, domain, _ := mailaddr.Split(to)
		if domain == accountsDomain || domain == maildirDomain || domain == mboxDomain {
			to = local
		}
		m.To = append(m.To, withoutParameters(to))
	}
	m.List = len(m.To) > 1
	return m
}

// withoutParameters returns a recipient as an inventory has it, in which % begins a
// parameter.
func withoutParameters(to string) string { return strings.ReplaceAll(to, "%", "%%") }

// Unused says why no row of a key is looked at.
func (s *rebuilt) Unused(key string) string { return s.Unserved(key) }

// Pair prepares the comparison with the files of a build.
func (s *rebuilt) Pair(built mta.Set) (mta.Pair, error) {
	if _, same := built.(*Set); same {
		return mta.NewPair(s.set, built), nil
	}
	files := map[string]string{}
	for name := range mapfile.All(s.set.contents.mailboxes.rows) {
		files[s.User(string(name)).File] = string(name)
	}
	return imported.Beside(s.set, built, files), nil
}

// Reason says why an outcome differs by the files for another server.
func (s *rebuilt) Reason(_ string, old, next outcome.Outcome) string {
	return imported.DetailReason(old, next)
}

// Seen returns the stamp of every file that was opened.
func (s *rebuilt) Seen() []mta.Stamp { return s.set.Seen() }

// Close closes the files.
func (s *rebuilt) Close() error { return s.set.Close() }
