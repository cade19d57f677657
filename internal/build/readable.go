package build

import (
	"path/filepath"

	"virtmap/internal/mta"
	"virtmap/internal/publish"
	"virtmap/internal/regular"
)

// readable refuses a generation whose rows lead to a file that the running server does
// not read. The server would refuse the mail of these rows.
func (r *Restoring) readable(m publish.Meta, content func(name string) ([]byte, error)) error {
	table, ok := r.Server.Of(mta.Addresses)
	if _, kept := m.Files[table.Name]; !ok || !kept || m.Number == 0 || r.Unwired || r.Server.Unread == nil {
		return nil // a person may restore files that a person made
	}
	dir, err := filepath.Abs(r.Out)
	if err != nil {
		return err
	}
	f := Folders{dir, r.State}
	unread, err := r.Server.Unread(mta.Kept{Dir: dir, Here: f.onServer(), Content: content, Started: f.started, Before: recalled(f.State).Remembered})
	if err != nil || unread == nil {
		return err
	}
	return &Unread{m.Number, unread.File, unread.Why}
}

// namesIn returns the names in the installed lists of served domains.
func namesIn(server *mta.Server, dir string) (names []string) {
	for _, file := range server.WithRole(mta.Served) {
		text, _ := regular.ReadIfThere(filepath.Join(dir, file.Name)) // an error of reading was reported before
		names = append(names, file.Domains(text)...)
	}
	return names
}
