package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
)

// kindFlag returns the flag for the kind of server, for a command without an inventory.
func kindFlag(kind *string) cli.Flag {
	return &cli.StringFlag{Name: "kind", Destination: kind, EnvVars: []string{"VIRTMAP_KIND"}, DefaultText: "that of the last build there, or of the files found there",
		Usage: "the files are those of the mail server `NAME`: " + diag.Choice(kindNames()...),
		Action: func(_ *cli.Context, name string) error {
			_, err := kindNamed("kind", name)
			return err
		}}
}

// kindNames returns the names of all mail servers.
func kindNames() (names []string) {
	for _, s := range servers.All {
		names = append(names, s.Name)
	}
	return names
}

// kindDirs are the folders in which mail servers have their files, for a help text.
func kindDirs() string {
	var dirs []string
	for _, s := range servers.All {
		dirs = append(dirs, s.Dir)
	}
	return diag.Choice(dirs...)
}

// kindNamed returns the server that a flag names.
func kindNamed(flag, name string) (*mta.Server, error) {
	server, ok := servers.ByName(name)
	if !ok {
		return nil, usage(fmt.Errorf("--%s %q: it is %s", flag, name, diag.Choice(kindNames()...)))
	}
	return server, nil
}

// kindOf returns the server of a folder with installed files: the one with a name, or
// else the one of the last build that a state folder has, or else the one of which the
// folder has the most files, or else the default. If dir is empty, each server's own
// folder is looked at.
func kindOf(name, dir, state string) (*mta.Server, error) {
	if name != "" {
		return kindNamed("kind", name)
	}
	last, _ := build.Last(state)
	if server, ok := servers.ByName(last); ok {
		return server, nil
	}
	best, most := defaultServer, 0
	for _, s := range servers.All {
		if n := filesIn(s, cmp.Or(dir, s.Dir)); n > most {
			best, most = s, n
		}
	}
	return best, nil
}

// filesIn returns how many files of a server are in a folder, with its main configuration.
func filesIn(s *mta.Server, dir string) (n int) {
	there := func(name string) bool {
		_, err := os.Lstat(filepath.Join(dir, name))
		return err == nil
	}
	if s.Words.Config != "" && there(s.Words.Config) {
		n++
	}
	for _, f := range s.Files {
		if there(f.Name) {
			n++
		}
	}
	return n
}
