package sendmail

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/hostnames"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
	"virtmap/virtuser"
)

// KeepLeaving returns the build with the rows of domains that leave, and the names of
// these domains. They are the domains of the installed set that the inventory no longer
// serves, and those that left earlier, as long as sendmail may still have them in class
// w. restarted is the last known restart of sendmail. The rows of earlier domains go
// after this restart, or when class w has not changed for grace. open opens the
// installed set, as OpenSound does for the given damaged files; the caller closes the
// set.
//
// The installed files are the only memory of this. The difference between class w and
// the inventory tells which domains leave now. A comment in the virtusertable tells
// which ones left earlier, and the time of local-host-names tells since when. If one of
// these files is damaged, its copy is read, because a domain of class w without rows
// would take mail for every local account.
func (b Build) KeepLeaving(dir string, open func(damaged []string) (*Installed, error), restarted time.Time, grace time.Duration, now time.Time) (Build, []string, error) {
	set, err := open(nil)
	if err != nil {
		return b, nil, err
	}
	leaving := b.leaving(dir, set, restarted, grace, now)
	if len(leaving) == 0 {
		return b, nil, nil
	}
	if damaged := set.damagedMaps(); damaged != nil {
		if set, err = open(damaged); err != nil {
			return b, nil, err
		}
	}
	rows := map[string][][2]string{}
	err = set.EachRow(func(key, value []byte) error {
		_, domain, _ := strings.Cut(string(mapfile.WithoutNUL(key)), "@")
		if leaving[domain] {
			rows[domain] = append(rows[domain], [2]string{string(mapfile.WithoutNUL(key)), string(mapfile.WithoutNUL(value))})
		}
		return nil
	})
	if err != nil || len(rows) == 0 {
		return b, nil, err
	}
	var domains []string
	var all, aliases [][2]string
	for domain, of := range rows {
		domains, all = append(domains, domain), append(all, of...)
	}
	slices.Sort(domains)
	taken := map[string]bool{}
	for name := range mapfile.All(b.Compiled.Aliases.MapRows()) {
		taken[string(mapfile.WithoutNUL(name))] = true
	}
	for _, row := range all {
		aliases = set.aliasesOf(row[1], taken, aliases)
	}
	if b.Compiled, err = b.Compiled.Keep(domains, all, aliases); err != nil {
		return b, nil, err
	}
	return b, domains, nil
}

// damagedMaps returns the paths of the maps of a set that cannot be read to their end.
func (set *Installed) damagedMaps() (damaged []string) {
	for _, f := range set.open {
		if _, err := f.Sum(); err != nil {
			damaged = append(damaged, f.Path())
		}
	}
	return damaged
}

// leaving returns the domains whose rows stay, if they have any.
func (b Build) leaving(dir string, set *Installed, restarted time.Time, grace time.Duration, now time.Time) map[string]bool {
	stays := named(hostnames.ClassW(b.Model).All)
	leaving := map[string]bool{}
	for _, name := range set.names {
		if !stays(name) {
			leaving[name] = true
		}
	}
	info, err := os.Stat(filepath.Join(dir, mcfile.HostNames))
	if err != nil || restarted.After(info.ModTime()) || now.Sub(info.ModTime()) > grace {
		return leaving
	}
	text, err := regular.Read(set.at(filepath.Join(dir, mcfile.Virtusertable)), regular.NoLimit)
	if err != nil {
		return leaving
	}
	for _, name := range virtuser.Leaving(text) {
		if !stays(name) {
			leaving[name] = true
		}
	}
	return leaving
}

// aliasesOf appends the aliases of virtmap that a right side leads to, without those in
// taken. The right side may end in the detail of the address (%3).
func (set *Installed) aliasesOf(right string, taken map[string]bool, rows [][2]string) [][2]string {
	right = strings.TrimSuffix(right, "%3")
	for _, name := range []string{right, "owner-" + right} {
		if taken[name] || set.own == nil {
			continue
		}
		value, ok, err := set.own([]byte(mapfile.WithNUL(name)))
		if !ok && err == nil {
			value, ok, err = set.own([]byte(name))
		}
		if err != nil || !ok {
			continue
		}
		taken[name] = true
		members := string(mapfile.WithoutNUL(value))
		rows = append(rows, [2]string{name, members})
		for member := range strings.SplitSeq(members, ",") {
			rows = set.aliasesOf(strings.TrimSpace(member), taken, rows)
		}
	}
	return rows
}
