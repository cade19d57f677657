package fileset

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mcfile"
	"virtmap/internal/safefile"
)

// Unsafe names the files of a set, and the folders above them, that sendmail
// would not read, or makemap not write. trusted is the uid of its TrustedUser.
func (s Source) Unsafe(dir string, trusted int) []safefile.Fault {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	judge := safefile.Judge{Trusted: trusted, Blame: blame(dir)}
	typ, _ := mapfile.ByName(string(s.Model.Host.Map))
	var faults []safefile.Fault
	seen := map[safefile.Fault]bool{}
	add := func(found []safefile.Fault) {
		for _, f := range found {
			if !seen[f] { // a folder is above several files
				seen[f] = true
				faults = append(faults, f)
			}
		}
	}
	for _, table := range []string{mcfile.Aliases, mcfile.Virtusertable} {
		add(judge.Map(filepath.Join(dir, table+typ.Suffix)))
	}
	add(judge.Names(filepath.Join(dir, mcfile.HostNames)))
	if relay := filepath.Join(dir, mcfile.RelayDomains); s.relays() || exists(relay) {
		add(judge.Names(relay))
	}
	return faults
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func blame(dir string) (words []string) {
	for _, value := range settings(dir, "O DontBlameSendmail=") {
		words = append(words, strings.Split(value, ",")...)
	}
	return words
}

// SiteAlias reports whether the server's own alias files have a name; known is
// false when no sendmail.cf beside the set names one that can be read.
func SiteAlias(dir, name string) (has, known bool, err error) {
	paths, _ := aliasFiles(dir)
	for _, path := range paths[1:] {
		set := Installed{at: func(path string) string { return path }}
		lookup, _, err := set.table(path)
		if err != nil {
			return false, known, err
		}
		known = true
		for _, key := range []string{name, name + "\x00"} {
			_, ok, err := lookup([]byte(key))
			if err == nil && ok {
				has = true
			}
		}
		if err := set.Close(); err != nil {
			return false, known, err
		}
	}
	return has, known, nil
}
