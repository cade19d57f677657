package opensmtpd

import (
	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// Server is OpenSMTPD.
var Server = &mta.Server{
	Name:        "opensmtpd",
	Dir:         DefaultDir,
	Maps:        mapTypes,
	Files:       Files,
	Words:       words,
	Checks:      checks,
	Explained:   catalogue,
	Compile:     func(m *inventory.Model, faults *diag.List) mta.Build { return Compile(m, faults) },
	Open:        open,
	Check:       Check,
	Find:        find,
	Conf:        readConf,
	Audit:       func(a mta.Audited) ([]mta.Complaint, error) { return mta.AuditConf(readConf, a) },
	AuditUsers:  auditUsers,
	Ask:         ask,
	MapType:     func(string) (string, error) { return mapTypes[0], nil },
	ImportLists: importLists,
	Import:      importServer,
	Lists:       listKinds,
}

// DefaultDir is the folder of the files.
const DefaultDir = "/etc/mail/virtmap"

// mapTypes are the types of maps that OpenSMTPD can read.
var mapTypes = []string{"text"}

var words = mta.Words{
	Config: "smtpd.conf", Own: "the mail name", Served: "the domains of match lines", Changed: "config",
	Reload:  "restart smtpd",
	Restart: "restart smtpd",
	Rebuild: "smtpd -n, and restart smtpd, once smtpd.conf includes virtmap.conf before its first match line (docs/opensmtpd.md)",
	Renew:   UpdateAll,
}

// UpdateAll is the command that lets smtpd read all tables again, in the order that opens
// nothing. A table with a fault keeps its old rows. That of senders may not be there.
const UpdateAll = "smtpctl update table virtmap_senders >/dev/null 2>&1; for t in mailboxes addresses detail empty_detail local_listed local_detail local_empty_detail backups local_domains domains; do smtpctl update table virtmap_$t; done"
