package sendmail

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/mta/sendmail/safefile"
)

// Unsafe returns the files of a set, and the folders above them, that sendmail would
// refuse to read, or makemap to write. trusted is the user ID of TrustedUser.
func (b Build) Unsafe(dir string, trusted int) []safefile.Complaint {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	judge := safefile.Judge{Trusted: trusted, Blame: blame(dir)}
	typ, _ := mapfile.ByName(string(b.Model.Host.Map))
	var faults []safefile.Complaint
	seen := map[safefile.Complaint]bool{}
	add := func(found []safefile.Complaint) {
		for _, f := range found {
			if !seen[f] { // several files have the same folder
				seen[f] = true
				faults = append(faults, f)
			}
		}
	}
	tables := []string{mcfile.Aliases, mcfile.Virtusertable}
	if b.Model.Submission.Authorise {
		tables = append(tables, mcfile.Senders)
	}
	for _, table := range tables {
		add(judge.Map(filepath.Join(dir, table+typ.Suffix)))
	}
	add(judge.Names(filepath.Join(dir, mcfile.HostNames)))
	if relay := filepath.Join(dir, mcfile.RelayDomains); b.relays() || exists(relay) {
		add(judge.Names(relay))
	}
	return faults
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// blame returns the words of DontBlameSendmail.
func blame(dir string) (words []string) {
	c, err := conf.Read(dir)
	if err != nil {
		return nil // the files are checked without these words
	}
	for _, value := range c.Options("DontBlameSendmail") {
		words = append(words, strings.Split(value, ",")...)
	}
	return words
}

// SiteAlias reports whether the server's own alias files have a name. known is false if
// the configuration beside the set names no alias file that can be read.
func SiteAlias(dir, name string) (has, known bool, err error) {
	l, err := ReadLayout(dir)
	if err != nil {
		return false, false, err
	}
	set := Installed{at: l.Place}
	defer set.Close() // nothing was written
	for _, a := range l.Aliases {
		if a.Path == "" || l.ours(a.Path, mcfile.Aliases) {
			continue
		}
		file, _, err := set.table(a.Path, set.aliasType(a, false), aliasRows)
		if err != nil {
			return false, known, err
		}
		known = true
		if _, ok := file.Alias(name); ok {
			has = true
		}
	}
	return has, known, nil
}
