package postfix

import (
	"path/filepath"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/follow"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// Server is Postfix.
var Server = &mta.Server{
	Name:        "postfix",
	Dir:         DefaultDir,
	Maps:        mapTypes,
	Files:       Files,
	MapMode:     0o644,       // virtual(8) opens its maps as the user postfix
	TextEffect:  mta.Restart, // texthash is read once
	Words:       words,
	Checks:      checks,
	EditChecks:  maincf.EditChecks,
	Explained:   catalogue,
	Compile:     func(m *inventory.Model, faults *diag.List) mta.Build { return Compile(m, faults) },
	Open:        open,
	Check:       Check,
	Waits:       follow.Waits,
	Find:        find,
	MapType:     mapType,
	Conf:        readConf,
	Takes:       takes,
	Site:        site,
	Edit:        edit,
	Marked:      maincf.Marked,
	Unread:      unread,
	Named:       stillNamed,
	Audit:       audit,
	AuditUsers:  auditUsers,
	Import:      importServer,
	Ask:         ask,
	ImportLists: importLists,
}

// mapTypes are the types of maps that Postfix can read, the default first.
var mapTypes = []string{"hash", "cdb", "lmdb", "lmdb-1.0", "texthash"}

var words = mta.Words{
	Config: "main.cf", Own: "$myhostname", Served: "virtual_alias_domains", Changed: "config",
	Reload:  "postfix reload",
	Restart: "postfix reload",
	Rebuild: "write the lines of virtmap.main.cf into main.cf (virtmap build --config does it) and run postfix reload",
}

// mapType returns the type of the maps that virtmap.main.cf names; empty without such a
// file. main.cf does not tell the two forms of lmdb apart, but the map does.
func mapType(dir string) (string, error) {
	text, err := regular.ReadIfThere(filepath.Join(dir, fileMain))
	if err != nil || text == nil {
		return "", err
	}
	typ, _, _ := strings.Cut(maincf.Parse("", text).Param("virtual_alias_domains"), ":")
	if typ != string(inventory.MapLMDB) {
		return typ, nil
	}
	f, err := mapfile.Open(filepath.Join(dir, fileDomains+".lmdb"))
	if err != nil {
		return typ, nil
	}
	return f.Type.Name, f.Close()
}
