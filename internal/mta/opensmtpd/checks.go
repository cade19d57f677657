package opensmtpd

import (
	_ "embed"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// catalogue explains the checks of this server.
//
//go:embed catalogue.txt
var catalogue string

// checks are the checks of Compile and Check, without those of package follow, which
// every server has.
var checks = []*diag.Check{checkPath, checkKeep, checkParameter, checkDomain, checkBounces, checkLong, checkUID, checkAddress, checkTooMany, checkRoot, checkSenders}

var (
	checkPath = &diag.Check{ID: "VM120", Name: "opensmtpd-path", Severity: diag.Error,
		Rule: "A path has only characters that smtpd.conf and the tables take literally."}
	checkKeep = &diag.Check{ID: "VM121", Name: "opensmtpd-detail", Severity: diag.Error,
		Rule: "No detail is kept: a right side of OpenSMTPD has no parameters."}
	checkParameter = &diag.Check{ID: "VM122", Name: "opensmtpd-parameter", Severity: diag.Error,
		Rule: "A target with %1, %2 or %3 is the same for every address of its key: a right side of OpenSMTPD has no parameters."}
	checkDomain = &diag.Check{ID: "VM123", Name: "opensmtpd-domain", Severity: diag.Error,
		Rule: "A target {domain: d} names a domain whose addresses are known: a right side of OpenSMTPD has no parameters."}
	checkBounces = &diag.Check{ID: "VM124", Name: "opensmtpd-bounces", Severity: diag.Error,
		Rule: "No list has bounces_to: OpenSMTPD cannot set the sender of the copies."}
	checkLong = &diag.Check{ID: "VM125", Name: "opensmtpd-long-list", Severity: diag.Error,
		Rule: "A right side has at most 2,047 bytes, or some 80 recipients: OpenSMTPD defers the mail of a longer one."}
	checkUID = &diag.Check{ID: "VM126", Name: "opensmtpd-uid", Severity: diag.Error,
		Rule: "A user with a mailbox has a uid, with which OpenSMTPD writes the mailbox."}
	checkAddress = &diag.Check{ID: "VM127", Name: "opensmtpd-address", Severity: diag.Error,
		Rule: "A local part has no dot at its begin or end, and no two in a row, and a recipient is no file or program to OpenSMTPD."}
	checkTooMany = &diag.Check{ID: "VM128", Name: "opensmtpd-too-many-rows", Severity: diag.Error,
		Rule: "An inventory with its copies has at most 10,000,000 rows."}
	checkRoot = &diag.Check{ID: "VM129", Name: "opensmtpd-root", Severity: diag.Warning,
		Rule: "No user is root: OpenSMTPD does not deliver as root."}
	checkSenders = &diag.Check{ID: "VM130", Name: "opensmtpd-senders", Severity: diag.Error,
		Rule: "Who may send from the addresses of a domain that are not listed, or from an address, may also send from the listed ones, or from those with a detail."}
)

// paths are those that smtpd.conf and the tables take literally: smtpd.conf splits at
// blanks and has quotes and macros, a table splits at colons, and %{ begins a format.
var paths = mta.Paths{Check: checkPath, Signs: "._+=@~-", Acts: "smtpd.conf or a table"}

// Check adds the faults of Compile that need no rows.
func Check(m *inventory.Model, faults *diag.List) {
	mta.CheckMap(m, mapTypes, faults)
	senders.Refuse(m, "its enqueuer takes the sender from the account", "", faults)
	paths.Take(m, "mail_dir", m.Host.MailDir, faults)
	if i, ok := m.User("root"); ok && m.Users[i].Forward.Kind == inventory.NoTarget && m.Users[i].Mailbox.Text == "" {
		name := m.Users[i].Name
		faults.Add(checkRoot.At(name.Pos, len(name.Text), "OpenSMTPD does not deliver as root: without an alias of root its mail is taken, and comes back").
			WithHelp("give root an alias in /etc/aliases, and list it under local_aliases instead"))
	}
	for i := range m.Users {
		u := &m.Users[i]
		paths.Take(m, "mailbox", u.Mailbox, faults)
		mta.CheckUID(u, checkUID, "OpenSMTPD", faults)
	}
}

// checkDots reports an address with dots that OpenSMTPD refuses at RCPT (501 5.1.3).
func (c *compiler) checkDots(a *inventory.Address, domain string) {
	user := a.User()
	whole := a.Form == inventory.Plain || a.Form == inventory.ExactDetail
	odd := strings.HasPrefix(user, ".") || strings.Contains(a.Local, "..") || whole && strings.HasSuffix(a.Local, ".")
	if !odd || c.told[a.Pos] {
		return
	}
	c.told[a.Pos] = true
	c.faults.Add(checkAddress.At(a.Pos, len(a.Local), "OpenSMTPD refuses mail for %s@%s, because of its dots", a.Local, domain).
		WithHelp("leave it out; RFC 5321 section 4.1.2 has no such address"))
}
