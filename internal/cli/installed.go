package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// passwd is the file with the accounts of a machine.
const passwd = "/etc/passwd"

// installedArgs are the flags for installed files and their server.
type installedArgs struct {
	maps, accounts, host string
	kind                 string
	live                 bool   // without maps, the files are those of the server on this machine
	inventory            string // if given, host name and accounts come from it
}

func (a *installedArgs) flags(usage string) []cli.Flag {
	return append([]cli.Flag{mapsFlag(&a.maps, "", usage)}, a.serverFlags()...)
}

// serverFlags returns the flags that say what the files of a server do not.
func (a *installedArgs) serverFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "accounts", Value: passwd, Destination: &a.accounts, TakesFile: true, EnvVars: []string{"VIRTMAP_ACCOUNTS"},
			Usage: "take the local accounts of installed files from the passwd `FILE`"},
		&cli.StringFlag{Name: "host", Destination: &a.host, EnvVars: []string{"VIRTMAP_HOST"}, DefaultText: "what sendmail.cf beside the files says, or this machine's name",
			Usage: "the server whose files are installed calls itself `NAME`"},
		kindFlag(&a.kind),
	}
}

func mapsFlag(maps *string, standard, usage string) cli.Flag {
	return &cli.StringFlag{Name: "maps", DefaultText: standard, Destination: maps, TakesFile: true, EnvVars: []string{"VIRTMAP_MAPS"}, Usage: usage}
}

// A mailServer is a server to which addresses belong.
type mailServer struct {
	kind *mta.Server
	host mta.Host
	dir  string // of the files
}

// check refuses flags that have no effect without --maps.
func (a installedArgs) check(c *cli.Context) error {
	for _, name := range []string{"accounts", "host", "kind"} {
		switch {
		case !c.IsSet(name):
		case a.inventory != "":
			return usage(fmt.Errorf("--%s and --inventory exclude each other: the inventory says it", name))
		case a.maps == "" && !a.live:
			return usage(fmt.Errorf("--%s goes with --maps", name))
		}
	}
	return nil
}

// server returns the server of the files.
func (a installedArgs) server(stdio Stdio) (mailServer, error) {
	if a.inventory != "" {
		source, err := faultless(a.inventory, stdio)
		if err != nil {
			return mailServer{}, err
		}
		kind := serverOf(source)
		return mailServer{kind, hostOf(source.Inventory()), cmp.Or(a.maps, kind.Dir)}, nil
	}
	kind, err := kindOf(a.kind, a.maps, build.Folders{Out: a.maps}.Installed(defaultServer).State)
	if err != nil {
		return mailServer{}, err
	}
	dir := cmp.Or(a.maps, kind.Dir)
	accounts, err := readAccounts(a.accounts)
	if err != nil {
		return mailServer{}, machineExit(err, exitNoInput)
	}
	host := strings.ToLower(a.host)
	if host == "" {
		if host, err = build.HostOf(kind, dir); err != nil {
			return mailServer{}, machineExit(err, exitNoInput)
		}
	}
	return mailServer{kind, mta.Host{Name: host, Account: func(name string) bool { return accounts[name] }}, dir}, nil
}

// open opens the files as the server reads them, and prints the warnings.
func (a installedArgs) open(stdio Stdio) (set mta.Set, of mailServer, err error) {
	if of, err = a.server(stdio); err != nil {
		return nil, of, err
	}
	if set, err = of.kind.Open(mta.Place{Dir: of.dir}, of.host); err != nil {
		return nil, of, machineExit(err, exitNoInput)
	}
	warn(stdio, set.Warnings())
	return set, of, nil
}

// hostOf returns the host of an inventory. Its accounts are the users and local
// aliases.
func hostOf(m *inventory.Model) mta.Host {
	return mta.Host{Name: m.Host.Name.Text, Account: build.Account(m)}
}

// readAccounts returns the names of a passwd file.
func readAccounts(path string) (map[string]bool, error) {
	text, err := regular.Read(path, regular.MaxBytes)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if name, _, ok := strings.Cut(line, ":"); ok && name != "" {
			names[name] = true
		}
	}
	return names, nil
}

func warn(stdio Stdio, warnings []string) {
	for _, warning := range warnings {
		fmt.Fprintf(stdio.Err, "virtmap: %s\n", diag.Printable(warning))
	}
}
