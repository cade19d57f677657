package postfix

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/fileset"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// leavingMark begins the comment in virtmap-virtual that names a domain whose rows stay
// although the inventory no longer has the domain. A running smtpd takes mail for the
// domain until Postfix is reloaded.
const leavingMark = "# leaving: "

// becomingMark begins the comment that names a domain whose catch-all has become local.
// Its row @domain stays until Postfix is reloaded: a running smtpd may not know yet that
// the domain is in mydestination, and would refuse unlisted addresses.
const becomingMark = "# becoming local: "

// A texts reads installed texts of a folder.
type texts struct {
	mta.Folder
	instead map[string]string // by path: what was read instead of a damaged text
}

// read returns an installed text; nil if there is none. Instead of a damaged text it
// returns virtmap's copy.
func (t *texts) read(name string) ([]byte, error) {
	path := filepath.Join(t.Dir, name)
	text, err := regular.ReadIfThere(path)
	if err != nil || text == nil || fileset.DamagedText(text) == nil {
		return text, err
	}
	t.Tell("guards: " + path + " is damaged")
	if t.Copies == nil {
		return nil, nil
	}
	if copied, ok := t.Copies(name); ok {
		t.instead[path] = "virtmap's copy of it"
		return regular.ReadIfThere(copied)
	}
	return nil, nil
}

// Keep returns a build with the rows of domains that leave. Only the installed files tell
// which domains these are: the lists of domains tell which domains leave now, a comment in
// virtmap-virtual tells which ones left earlier, and the time of virtmap-domains tells
// since when.
func (f *found) Keep(next mta.Build, l mta.Leave) (mta.Build, []string, error) {
	b, err := f.keepWaiting(next.(Build), l.Now)
	if err != nil {
		return next, nil, err
	}
	leaving, becoming, err := f.leaving(b, l)
	if err != nil || len(leaving)+len(becoming) == 0 {
		return b, nil, err
	}
	k := keeper{texts: &f.texts, leaving: leaving, becoming: becoming, from: "@" + b.Model.Host.Name.Text, to: "@" + b.compiled.host}
	kept, err := k.keep(b)
	return kept, kept.leaving, err
}

// leaving returns the domains whose rows stay, if they have any, and the domains whose
// row for unlisted addresses stays.
func (f *found) leaving(b Build, l mta.Leave) (leaving, becoming map[string]bool, err error) {
	leaving, becoming = map[string]bool{}, map[string]bool{}
	stays, local := classesOf(b.Model)
	for _, name := range []string{fileDomains, fileLocal} {
		text, err := f.read(name)
		if err != nil {
			return nil, nil, err
		}
		for key := range mapfile.All(readRows(text)) {
			switch domain := aLabel(string(key)); {
			case !stays[domain]:
				leaving[domain] = true
			case name == fileDomains && local[domain]:
				becoming[domain] = true
			}
		}
	}
	info, err := os.Stat(filepath.Join(f.Dir, fileDomains))
	if err != nil || l.Restarted.After(info.ModTime()) || l.Now.Sub(info.ModTime()) > l.Grace {
		return leaving, becoming, nil
	}
	text, err := f.read(fileVirtual)
	if err != nil {
		return nil, nil, err
	}
	for line := range bytes.Lines(text) {
		line := strings.TrimSpace(string(line))
		if domain, ok := strings.CutPrefix(line, leavingMark); ok && !stays[domain] {
			leaving[domain] = true
		}
		if domain, ok := strings.CutPrefix(line, becomingMark); ok && local[domain] {
			becoming[domain] = true
		}
	}
	return leaving, becoming, nil
}

// classesOf returns the domains that an inventory serves or relays, and those of them
// that are in mydestination.
func classesOf(m *inventory.Model) (stays, local map[string]bool) {
	stays, local = map[string]bool{}, map[string]bool{}
	lists := newDomains(m)
	for i := range m.Domains {
		name := m.Domains[i].Name
		stays[name] = lists.tables.HasRows(i) || lists.relayed(i)
		local[name] = lists.local(i)
	}
	return stays, local
}

// aLabel returns a domain as A-labels; one that cannot be converted stays.
func aLabel(domain string) string {
	if folded, problem := mailaddr.FoldDomain(domain); problem == nil {
		return folded
	}
	return domain
}

// A keeper adds the rows of domains that leave to a build.
type keeper struct {
	*texts
	leaving  map[string]bool // all rows of these domains stay
	becoming map[string]bool // the rows @domain of these domains stay
	from, to string          // ends of the recipients that are accounts, as they were written and as the build writes them
}

// accounts returns recipients with the accounts among them as the build writes them. If
// the host's own name has rows now, the old form of an account would lead to such a row.
func (k *keeper) accounts(value string) string {
	if k.from == k.to {
		return value
	}
	all := strings.Split(value, ", ")
	for i, to := range all {
		if name, ok := strings.CutSuffix(to, k.from); ok {
			all[i] = name + k.to
		}
	}
	return strings.Join(all, ", ")
}

// keep returns a build with the rows that stay, and with what they lead to.
func (k *keeper) keep(b Build) (Build, error) {
	virtual, err := k.rowsOf(fileVirtual, k.keepsRow)
	if err != nil {
		return b, err
	}
	have, becoming, values := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for key, value := range mapfile.All(virtual) {
		if domain := k.domain(string(key)); k.leaving[domain] {
			have[domain] = true
		} else {
			becoming[domain] = true
		}
		for to := range strings.SplitSeq(string(value), ", ") {
			values[to] = true
		}
	}
	if len(virtual) == 0 {
		return b, nil
	}
	c := *b.compiled
	b.leaving = slices.Sorted(maps.Keys(have))
	c.virtual = c.virtual.Merged(virtual, marks(b.leaving, slices.Sorted(maps.Keys(becoming))))
	access, err := k.rowsOf(fileAccess, k.leaves)
	if err == nil {
		c.access = c.access.Merged(access, nil)
		access, err = k.rowsOf(fileAccess, reserved) // virtmap's own names stay closed
	}
	if err == nil {
		c.access.AddMissing(access)
		err = k.rules(&c)
	}
	if err == nil {
		err = k.addTargets(&b, values)
	}
	b.compiled = &c
	n := &b.needs // main.cf keeps the lines too
	n.detail, n.access, n.accessDetail = n.detail || c.rules.rules > 0, n.access || c.access.Len() > 0, n.accessDetail || c.accessRules.rules > 0
	n.aliases, n.transport, n.mailboxes = n.aliases || len(b.aliases) > 0, n.transport || len(b.more[fileTransport]) > 0, n.mailboxes || len(b.more[fileMailboxes]) > 0
	return b, err
}

// domain returns the domain of a key as A-labels.
func (k *keeper) domain(key string) string { return aLabel(key[strings.LastIndexByte(key, '@')+1:]) }

// leaves reports whether a key is of a domain that leaves.
func (k *keeper) leaves(key string) bool { return k.leaving[k.domain(key)] }

// keepsRow reports whether a row of virtmap-virtual stays.
func (k *keeper) keepsRow(key string) bool {
	return k.leaves(key) || key[0] == '@' && k.becoming[k.domain(key)]
}

// marks returns the comments that name domains whose rows stay.
func marks(leaving, becoming []string) (lines []string) {
	for _, domain := range leaving {
		lines = append(lines, leavingMark+domain)
	}
	for _, domain := range becoming {
		lines = append(lines, becomingMark+domain)
	}
	return lines
}

// rowsOf returns the rows of an installed text for whose keys wanted is true.
func (k *keeper) rowsOf(name string, wanted func(key string) bool) (rows mapfile.Pairs, err error) {
	text, err := k.read(name)
	if err != nil {
		return nil, err
	}
	for key, value := range mapfile.All(readRows(text)) {
		if wanted(string(key)) {
			rows = append(rows, [2]string{string(key), k.accounts(string(value))})
		}
	}
	return rows, nil
}

// addTargets adds the aliases, the mailboxes and the ends of refused mail to which the rows
// lead. values are the recipients of the rows.
func (k *keeper) addTargets(b *Build, values map[string]bool) error {
	names := map[string]bool{}
	for value := range values {
		name, _, _ := strings.Cut(value, "@")
		names[name], names["owner-"+name] = true, true
	}
	aliases, err := k.rowsOf(fileAliases, func(key string) bool { return names[key] })
	if err != nil {
		return err
	}
	for _, row := range aliases {
		for member := range strings.SplitSeq(row[1], ", ") {
			values[member] = true
		}
	}
	b.aliases = withMissing(b.aliases, aliases)
	b.more = map[string]mapfile.Pairs{}
	for _, name := range []string{fileMailboxes, fileUIDs, fileGIDs, fileTransport} {
		if b.more[name], err = k.rowsOf(name, func(key string) bool { return values[key] }); err != nil {
			return err
		}
	}
	return nil
}
