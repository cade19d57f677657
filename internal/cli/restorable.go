package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/publish"
)

// restorable refuses a generation whose rows lead to aliases of ours that the
// running server does not read: it would refuse their mail.
func (a *keptArgs) restorable(m publish.Meta, content func(name string) ([]byte, error)) error {
	if _, kept := m.Files[mcfile.Virtusertable]; !kept || m.Number == 0 || a.unwired {
		return nil // what a person made is that person's
	}
	rows, err := content(mcfile.Virtusertable)
	if err != nil || !strings.Contains(string(rows), "\tvirtmap-") {
		return err
	}
	missing, err := a.unread(m, content)
	if err != nil || len(missing) == 0 {
		return err
	}
	return exit(exitRefused, fmt.Errorf("rows of generation %d lead to %s, which the server does not read, so that their mail would be refused, and nothing was written: %s. Have it read first; --unwired lets it pass",
		m.Number, mcfile.Aliases, strings.Join(missing, "; ")))
}

// unread says why the server does not read the aliases of a generation; nothing where
// it does, or reads no file of the folder.
func (a *keptArgs) unread(m publish.Meta, content func(name string) ([]byte, error)) ([]string, error) {
	dir, err := filepath.Abs(a.out)
	if err != nil {
		return nil, err
	}
	b := buildArgs{out: dir, state: a.state}
	config, err := b.configuration()
	if err != nil || !slices.ContainsFunc(config.Paths(), func(path string) bool { return conf.SamePath(filepath.Dir(path), dir) }) {
		return nil, err
	}
	include, _ := content(mcfile.Include) // a generation may have none
	settings := mcfile.Settings{MailDir: dir, Map: firstOf(mcfile.MapType(string(include)), mapfile.Types[0].Name)}
	before := recalled(a.state)
	v := config.Serving(settings, b.started(config, before.Remembered), before.Remembered)
	if v.Reads(conf.Aliases) {
		return nil, nil
	}
	v.Gaps = slices.DeleteFunc(v.Gaps, func(g conf.Gap) bool { return g.Need != conf.Aliases })
	if says := v.Says(); len(says) > 0 {
		return says, nil
	}
	return nil, errors.New("it is not known why the aliases are not read") // Reads is false for one of those
}
