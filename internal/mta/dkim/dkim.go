// Package dkim writes the two tables with which opendkim(8) signs the mail of the domains
// that send (opendkim.conf(5)), for every mail server that gives its mail to a milter:
//
//	virtmap-keytable
//	vm2026._domainkey.fakemail.example fakemail.example:vm2026:/etc/dkimkeys/vm2026.private
//
//	virtmap-signingtable
//	*@fakemail.example vm2026._domainkey.fakemail.example
//
// The key table has every key of a domain; the first key of the inventory signs. In
// opendkim.conf they are named by
//
//	KeyTable     file:/etc/mail/virtmap-keytable
//	SigningTable refile:/etc/mail/virtmap-signingtable
//
// opendkim reads them when it starts, and at the signal USR1.
package dkim

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/inventory"
)

// Names of the files.
const (
	KeyTableName     = "virtmap-keytable"
	SigningTableName = "virtmap-signingtable"
)

// KeyTable returns the table of keys. It is unused if no domain has a key.
func KeyTable(m *inventory.Model) mta.Text {
	return table(m, "DKIM keys", func(d *inventory.Domain, line func(format string, args ...any)) {
		for _, k := range d.Sends.DKIM {
			line("%s %s:%s:%s", keyName(d, k), d.Name, k.Selector.Text, k.File.Text)
		}
	})
}

// SigningTable returns the table that says which key signs the mail of a domain.
func SigningTable(m *inventory.Model) mta.Text {
	return table(m, "Signing keys", func(d *inventory.Domain, line func(format string, args ...any)) {
		line("*@%s %s", d.Name, keyName(d, d.Sends.DKIM[0]))
	})
}

// keyName returns the name of a key in both tables: that of its record in the DNS.
func keyName(d *inventory.Domain, k inventory.DKIMKey) string {
	return k.Selector.Text + "._domainkey." + d.Name
}

// table returns a table with the lines of each domain that has keys.
func table(m *inventory.Model, what string, of func(d *inventory.Domain, line func(format string, args ...any))) mta.Text {
	var text strings.Builder
	text.WriteString(mta.Header(m, what))
	signs := false
	for i := range m.Domains {
		if d := &m.Domains[i]; Signs(d) {
			signs = true
			of(d, func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) })
		}
	}
	return mta.Text{Bytes: []byte(text.String()), Unused: !signs}
}

// Signs reports whether the mail of a domain is signed.
func Signs(d *inventory.Domain) bool { return d.Enabled && d.Sends.On && len(d.Sends.DKIM) > 0 }

// Signed returns the domains that a signing table has, sorted.
func Signed(text []byte) (domains []string) {
	for _, line := range rowtext.PlainLines(text) {
		pattern, _, _ := strings.Cut(line, " ")
		if domain, ok := strings.CutPrefix(pattern, "*@"); ok {
			domains = append(domains, domain)
		}
	}
	slices.Sort(domains)
	return slices.Compact(domains)
}
