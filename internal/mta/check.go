package mta

import (
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// CheckMap adds a fault if host.map of an inventory is none of the types that a server
// can read. types are the Maps of the server.
func CheckMap(m *inventory.Model, types []string, faults *diag.List) {
	typ, pos := string(m.Host.Map), m.Host.MapPos
	if !slices.Contains(types, typ) {
		faults.Add(inventory.CheckValue.At(pos, m.Sources.Span(pos, typ), "map is %q", typ).
			WithHelp("%s", diag.OneOf(mailaddr.Lower(typ), types...)))
	}
}

// Paths are the paths that the files of a server take literally.
type Paths struct {
	Check *diag.Check
	Signs string // characters beside letters, digits and the slash, which a path may have
	Acts  string // what would act on another character: main.cf or a table
}

// Take adds a fault if a path has another character. what is its key in the inventory.
func (p Paths) Take(m *inventory.Model, what string, name inventory.Name, faults *diag.List) (ok bool) {
	at := strings.IndexFunc(name.Text, func(c rune) bool {
		return c != '/' && !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') && !strings.ContainsRune(p.Signs, c)
	})
	if at < 0 {
		return true
	}
	faults.Add(p.Check.At(name.Pos, m.Sources.Span(name.Pos, name.Text), "%s %q has %q in it, which %s would act on", what, name.Text, []rune(name.Text[at:])[0], p.Acts).
		WithHelp("letters, digits and %s are allowed between the slashes", strings.Join(strings.Split(p.Signs, ""), " ")))
	return false
}

// CheckUID adds a fault of a check if a user with a mailbox has no uid, for a server that
// writes the mailbox itself. server is its name.
func CheckUID(u *inventory.User, check *diag.Check, server string, faults *diag.List) {
	if u.Mailbox.Text == "" || u.UID.N != 0 {
		return
	}
	faults.Add(check.At(u.Name.Pos, len(u.Name.Text), "%s has a mailbox and no uid, and %s must know as whom it writes %s", u.Name.Text, server, u.Mailbox.Text).
		WithHelp("write {mailbox: %s, uid: …} with the number that `id -u %s` prints", u.Mailbox.Text, u.Name.Text))
}

// CheckKey adds a fault of a check if the key of an address is too long for a map of the
// type hash: virtmap writes such maps with keys of at most 255 bytes.
func CheckKey(m *inventory.Model, a *inventory.Address, domain string, check *diag.Check, faults *diag.List) {
	if len(a.Local)+1+len(domain) > maxKey {
		CheckKeyOf(m, a.Local+"@"+domain, a.Pos, len(a.Local), check, faults)
	}
}

// maxKey is the longest key of a map of the type hash, in bytes.
const maxKey = 255

// CheckKeyOf is CheckKey for any key. pos and size are the place of what it was made of.
func CheckKeyOf(m *inventory.Model, key string, pos diag.Pos, size int, check *diag.Check, faults *diag.List) {
	if len(key) > maxKey && m.Host.Map == inventory.MapHash {
		faults.Add(check.At(pos, max(1, size), "the key %s has %d bytes, and a hash map takes %d", key, len(key), maxKey).
			WithHelp("write host: {map: cdb}, or shorten the address"))
	}
}
