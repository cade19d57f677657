package postfix

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/dkim"
	"virtmap/inventory"
)

// A Build is an inventory in the form of Postfix. It implements mta.Build.
type Build struct {
	Model *inventory.Model

	compiled  *compiler
	aliases   mapfile.Pairs // the rows of virtmap-aliases
	senders   *rowText      // of virtmap-senders
	canonical *rowText      // of virtmap-sender-canonical
	needs     needs
	leaving   []string                 // domains that leave, whose rows stay
	more      map[string]mapfile.Pairs // by file: what the rows of these domains lead to
}

// A needs says which files and lines an inventory needs. It does not depend on which
// domains are held back, because DNS must not change main.cf.
type needs struct {
	mode                                                                         behaviour
	detail, access, accessDetail, local, transport, mailboxes, aliases, noParent bool
	senders, canonical                                                           bool
}

// Compile makes the build of an inventory. What Postfix cannot do is a fault.
func Compile(m *inventory.Model, faults *diag.List) Build {
	Check(m, faults)
	all := compile(unheld(m), neutral, quietIf(held(m), faults))
	b := Build{Model: m, compiled: all, needs: all.needs(), senders: sendersText(m, faults), canonical: canonicalText(m, faults)}
	if held(m) {
		b.compiled = compile(m, b.needs.mode, faults)
	}
	b.aliases = b.compiled.aliasRows()
	return b
}

// held reports whether a domain of an inventory is held back.
func held(m *inventory.Model) bool {
	return slices.ContainsFunc(m.Domains, func(d inventory.Domain) bool { return d.Held })
}

// unheld returns an inventory in which no domain is held back.
func unheld(m *inventory.Model) *inventory.Model {
	if !held(m) {
		return m
	}
	all := *m
	all.Domains = slices.Clone(m.Domains)
	for i := range all.Domains {
		all.Domains[i].Held = false
	}
	return &all
}

// quietIf returns a list whose faults are not used if quiet is true, and otherwise the
// list itself.
func quietIf(quiet bool, faults *diag.List) *diag.List {
	if quiet {
		return &diag.List{}
	}
	return faults
}

// needs returns what the compiled tables need.
func (c *compiler) needs() needs {
	n := needs{
		mode: c.mode, detail: c.rules.rules > 0, access: c.access.Len() > 0, accessDetail: c.accessRules.rules > 0,
		local: len(localNames(c.m)) > 0, transport: len(c.privates)+len(c.deferrals) > 0, mailboxes: c.mailboxes(), aliases: len(c.aliasRows()) > 0,
	}
	n.noParent = relays(c.m)
	n.senders, n.canonical = c.m.Submission.Authorise, rewrites(c.m)
	for key := range mapfile.All(c.access) {
		n.noParent = n.noParent || !bytes.Contains(key, []byte("@"))
	}
	return n
}

// relays reports whether an inventory has enabled backup domains.
func relays(m *inventory.Model) bool {
	return slices.ContainsFunc(m.Domains, func(d inventory.Domain) bool { return d.Enabled && d.Backup })
}

// localNames returns the names that mydestination must have and does not have by
// default: local_names, and domains whose unlisted addresses are accounts.
func localNames(m *inventory.Model) (names []string) {
	for _, n := range m.Host.LocalNames {
		if m.Meant(n.Text) == n.Text {
			names = append(names, n.Text)
		}
	}
	classes := newDomains(m)
	for i := range m.Domains {
		if d := &m.Domains[i]; classes.local(i) && !m.IsHostName(d.Name) {
			names = append(names, namesOf(d.Name)...)
		}
	}
	slices.Sort(names)
	return names
}

// Texts returns the text of each file, in the order of Files.
func (b Build) Texts() []mta.Text {
	c, m := b.compiled, b.Model
	lists := newDomains(m)
	mailboxes, uids, gids := b.mailboxRows()
	table := func(r *rowText, used bool) mta.Text { return mta.Text{Bytes: r.Bytes(), Rows: r, Unused: !used} }
	return []mta.Text{
		table(aliasText(m, b.aliases), b.needs.aliases),
		table(mailboxes, b.needs.mailboxes), table(uids, b.needs.mailboxes), table(gids, b.needs.mailboxes),
		table(b.transport(), b.needs.transport),
		table(c.access, b.needs.access),
		{Bytes: []byte(c.accessRules.text.String()), Unused: !b.needs.accessDetail},
		{Bytes: []byte(c.rules.text.String()), Unused: !b.needs.detail},
		table(c.virtual, true),
		table(lists.rows("Backup domains", lists.relayed), relays(m)),
		table(lists.rows("Further names of the server", lists.local, localNames(m)...), b.needs.local),
		table(lists.rows("Virtual domains", lists.virtual), true),
		table(b.senders, b.needs.senders),
		table(b.canonical, b.needs.canonical),
		dkim.KeyTable(m), dkim.SigningTable(m),
		{Bytes: []byte(b.mainText())},
	}
}

// mailboxRows returns the rows of the mailboxes that are elsewhere, and of the users
// who own them. Paths are relative to virtual_mailbox_base, which is the root.
func (b Build) mailboxRows() (mailboxes, uids, gids *rowText) {
	mailboxes, uids, gids = newRows(b.Model, "Mailboxes"), newRows(b.Model, "Users of the mailboxes"), newRows(b.Model, "Groups of the mailboxes")
	for i := range b.Model.Users {
		u := &b.Model.Users[i]
		if u.Mailbox.Text == "" {
			continue
		}
		name, pos := u.Name.Text, u.Name.Pos
		mailboxes.Add(name, mailboxDomain, strings.TrimPrefix(u.Mailbox.Text, "/"), pos)
		uids.Add(name, mailboxDomain, strconv.FormatUint(uint64(u.UID.N), 10), pos)
		gids.Add(name, mailboxDomain, strconv.FormatUint(uint64(u.GID.N), 10), pos)
	}
	mailboxes.AddMissing(b.more[fileMailboxes])
	uids.AddMissing(b.more[fileUIDs])
	gids.AddMissing(b.more[fileGIDs])
	return mailboxes, uids, gids
}

// transport returns the ends of refused mail that no client of SMTP brings.
func (b Build) transport() *rowText {
	r := newRows(b.Model, "Ends of refused mail")
	rows := map[string]reply{}
	for name, refused := range b.compiled.privates {
		rows[name+"@"+refusedDomain] = refused
	}
	for name, w := range b.compiled.deferrals {
		rows[b.compiled.account(name)] = w.reply
	}
	for _, address := range slices.Sorted(maps.Keys(rows)) {
		r.AddKey(address, rows[address].transport(), 0)
	}
	r.AddMissing(b.more[fileTransport])
	if len(b.compiled.privates) > 0 && !mta.HasRow(r, refusedDomain) {
		r.AddKey(refusedDomain, "error:"+unknown.status+" "+unknown.text, 0)
	}
	return r
}

// MapType returns the type of the maps.
func (b Build) MapType() string { return string(b.Model.Host.Map) }

// Inventory returns the inventory of the build.
func (b Build) Inventory() *inventory.Model { return b.Model }

// Size returns the number of rows of virtmap-virtual, and the bytes of its text.
func (b Build) Size() (rows int, bytes int64) {
	return b.compiled.virtual.Len(), int64(len(b.compiled.virtual.Bytes()))
}

// Place returns the place in the inventory from which a row of virtmap-virtual was made.
func (b Build) Place(key string) (diag.Pos, bool) {
	i, ok := mta.FindRow(b.compiled.virtual, []byte(key))
	if !ok {
		return 0, false
	}
	return b.compiled.virtual.Pos(i), true
}
