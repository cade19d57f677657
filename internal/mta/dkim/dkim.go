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

// KeyTable returns the table of keys. It is unused if there are no keys.
func KeyTable(m *inventory.Model) mta.Text {
	return table(m, "DKIM keys", func(s signer, line func(format string, args ...any)) {
		for _, k := range s.keys {
			line("%s %s:%s:%s", s.name(k), s.domain, k.Selector.Text, k.File.Text)
		}
	})
}

// SigningTable returns the table that says which key signs the mail of a domain.
func SigningTable(m *inventory.Model) mta.Text {
	return table(m, "Signing keys", func(s signer, line func(format string, args ...any)) {
		line("*@%s %s", s.domain, s.name(s.keys[0]))
	})
}

// A signer is a domain whose mail is signed.
type signer struct {
	domain string
	keys   []inventory.DKIMKey
}

// name returns the name of a key in both tables: that of its record in the DNS.
func (s signer) name(k inventory.DKIMKey) string {
	return k.Selector.Text + "._domainkey." + s.domain
}

// signers returns the domains that send and have keys, and before them the host's own name,
// unless it is one of the domains.
func signers(m *inventory.Model) (all []signer) {
	host := signer{m.Host.Name.Text, m.Host.DKIM}
	for i := range m.Domains {
		if d := &m.Domains[i]; d.Enabled && d.Sends.On && len(d.Sends.DKIM) > 0 {
			all = append(all, signer{d.Name, d.Sends.DKIM})
			if d.Name == host.domain {
				host.keys = nil
			}
		}
	}
	if len(host.keys) > 0 {
		return slices.Insert(all, 0, host)
	}
	return all
}

// table returns a table with the lines of each signer.
func table(m *inventory.Model, what string, of func(s signer, line func(format string, args ...any))) mta.Text {
	var text strings.Builder
	text.WriteString(mta.Header(m, what))
	all := signers(m)
	for _, s := range all {
		of(s, func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) })
	}
	return mta.Text{Bytes: []byte(text.String()), Unused: len(all) == 0}
}

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
