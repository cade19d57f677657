package sendmail

import (
	"path/filepath"
	"time"

	"virtmap/internal/diag"
	"virtmap/internal/follow"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// Server is sendmail.
var Server = &mta.Server{
	Name:       "sendmail",
	Dir:        mcfile.DefaultDir,
	Maps:       mapTypes,
	Files:      Files,
	Words:      words,
	Checks:     virtuser.Checks,
	EditChecks: mcfile.Checks,
	Explained:  catalogue,
	Compile:    func(m *inventory.Model, faults *diag.List) mta.Build { return Compile(m, faults) },
	Open:       open,
	Check:      Check,
	Waits:      follow.Waits,
	Find:       find,
	Conf:       readConf,
	Site:       site,
	Edit:       edit,
	Unread:     unread,
	Named:      stillNamed,
	Audit:      audit,
	AuditUsers: auditUsers,
	Ask:        ask,
	Import:     importServer,
	MapGap:     2 * time.Second,
	MapType:    func(dir string) (string, error) { return installedType(filepath.Join(dir, mcfile.Include)) },
}

var words = mta.Words{
	Config: "sendmail.cf", Own: "$j", Served: "class w", Changed: "mc",
	Reload:  "restart sendmail, or send it a HUP",
	Restart: "restart sendmail",
	Rebuild: "make sendmail.cf anew and restart sendmail",
}

// open opens files as sendmail will read them once its configuration names the files of
// a build. After an error, the Seen of the set still lists the files that could not be
// read.
func open(at mta.Place, host mta.Host) (mta.Set, error) {
	var set *Installed
	var err error
	if at.At == nil {
		set, err = Open(at.Dir, host.Name, host.Account)
	} else {
		set, err = OpenAt(at.Dir, at.At, host.Name, host.Account)
	}
	if set == nil {
		return nil, err
	}
	return set, err
}
