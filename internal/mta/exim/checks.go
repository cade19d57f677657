package exim

import (
	_ "embed"

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
var checks = []*diag.Check{checkPath, checkDetail, checkRoot, checkTooMany, checkKeyLong}

var (
	checkPath = &diag.Check{ID: "VM110", Name: "exim-path", Severity: diag.Error,
		Rule: "host.mail_dir has only characters that Exim takes literally in every place."}
	checkDetail = &diag.Check{ID: "VM111", Name: "exim-detail", Severity: diag.Note,
		Rule: "A detail that is kept for an account ends at the account: Exim delivers to account+detail without the detail."}
	checkRoot = &diag.Check{ID: "VM112", Name: "exim-root", Severity: diag.Warning,
		Rule: "No user is root: Exim does not deliver as root."}
	checkTooMany = &diag.Check{ID: "VM113", Name: "exim-too-many-rows", Severity: diag.Error,
		Rule: "An inventory with its copies has at most 10,000,000 rows."}
	checkKeyLong = &diag.Check{ID: "VM115", Name: "exim-key-too-long", Severity: diag.Error,
		Rule: "A key of a hash map has at most 255 bytes."}
)

// paths are those that Exim takes literally in every place: it expands $, splits lists at
// colons, and ends a look-up at a brace.
var paths = mta.Paths{Check: checkPath, Signs: "._+=@~-", Acts: "Exim"}

// Check adds the faults of Compile that need no rows.
func Check(m *inventory.Model, faults *diag.List) {
	mta.CheckMap(m, mapTypes, faults)
	senders.Refuse(m, "the site's own rewriting rules do it (rewriting in exim.conf)", "", faults)
	paths.Take(m, "mail_dir", m.Host.MailDir, faults)
	if i, ok := m.User("root"); ok && m.Users[i].Forward.Kind == inventory.NoTarget {
		name := m.Users[i].Name
		faults.Add(checkRoot.At(name.Pos, len(name.Text), "the mailbox of root is not root's: Exim does not deliver as root, and Debian writes it as the user mail").
			WithHelp("give root an alias in /etc/aliases, and list it under local_aliases instead"))
	}
}
