package exim

import (
	"virtmap/internal/diag"
	"virtmap/internal/follow"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// Server is Exim 4.
var Server = &mta.Server{
	Name:        "exim",
	Dir:         DefaultDir,
	Maps:        mapTypes,
	Files:       Files,
	MapMode:     0o644, // Exim opens maps as the user Debian-exim
	Words:       words,
	Checks:      checks,
	Explained:   catalogue,
	Compile:     func(m *inventory.Model, faults *diag.List) mta.Build { return Compile(m, faults) },
	Open:        open,
	Check:       Check,
	Waits:       follow.Waits,
	Find:        find,
	MapType:     mapType,
	Conf:        readConf,
	Audit:       func(a mta.Audited) ([]mta.Complaint, error) { return mta.AuditConf(readConf, a) },
	AuditUsers:  auditUsers,
	Ask:         ask,
	Import:      importServer,
	Lists:       listKinds,
	ImportLists: importLists,
}

// DefaultDir is the folder of the files on Debian.
const DefaultDir = "/etc/exim4/virtmap"

// mapTypes are the types of maps that Exim can read, the default first.
var mapTypes = []string{"cdb", "hash", "text"}

var words = mta.Words{
	Config: "exim4.conf", Own: "primary_hostname", Served: "local_domains", Changed: "config",
	Reload:  "systemctl reload exim4",
	Restart: "systemctl restart exim4",
	Rebuild: "systemctl reload exim4, once Exim reads the files (docs/exim.md)",
}
