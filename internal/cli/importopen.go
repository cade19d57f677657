package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"virtmap/internal/build"
	"virtmap/internal/importer"
	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// open opens what is imported.
func (a *importArgs) open(kind *mta.Server, dir string, stdio Stdio) (server *importer.Server, err error) {
	if a.accounts, err = readAccounts(a.installed.accounts); err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	account := func(name string) bool { return a.accounts[name] }
	if len(a.from.Value()) == 0 {
		return a.openServer(kind, kind, dir, account)
	}
	if judge, folder, ok := serverFolder(a.from.Value()); ok {
		return a.openServer(judge, kind, folder, account)
	}
	host, err := a.host("")
	if err != nil {
		return nil, err
	}
	from := mta.Lists{Host: host, Account: account, Base: a.base}
	judge := judgeOf(a.from.Value())
	readAs := lists.Read
	if judge.Lists != nil {
		readAs = lists.ReadData
	}
	for _, spec := range a.from.Value() {
		listKind, name, _ := strings.Cut(spec, ":")
		list, err := readAs(listKind, name, func(path string) ([]byte, error) { return readList(path, stdio.In, regular.MaxBytes) }, fileNames)
		if err != nil {
			return nil, machineExit(err, exitNoInput)
		}
		from.Lists = append(from.Lists, list)
	}
	return a.openLists(judge, kind, from, stdio)
}

// besideLists are kinds of lists that say the same for every server.
var besideLists = []string{"aliases", "domains"}

// judgeOf returns the server by whose rules lists are judged: the one whose form they have,
// or else the one that takes every kind.
func judgeOf(from []string) *mta.Server {
	var all []string
	for _, spec := range from {
		if kind, _, _ := strings.Cut(spec, ":"); !slices.Contains(besideLists, kind) {
			all = append(all, kind)
		}
	}
	judges := func(s *mta.Server) bool {
		foreign := func(kind string) bool { return !slices.Contains(s.Lists, kind) }
		return s.ImportLists != nil && len(all) > 0 && !slices.ContainsFunc(all, foreign)
	}
	at := slices.IndexFunc(servers.All, judges)
	if at < 0 {
		at = slices.IndexFunc(servers.All, func(s *mta.Server) bool { return s.ImportLists != nil && s.Lists == nil })
	}
	return servers.All[at]
}

// openLists opens lists by the rules of a server.
func (a *importArgs) openLists(judge, kind *mta.Server, from mta.Lists, stdio Stdio) (*importer.Server, error) {
	judged, err := judge.ImportLists(from)
	if err != nil {
		return nil, exit(exitProblems, err)
	}
	if len(judged.Facts().Names) == 0 {
		warn(stdio, judged.Warnings())
		printSome(stdio, notRows(judged.Facts()), "")
		return nil, exit(exitProblems, errors.New("there are no virtual addresses"))
	}
	return importer.New(kind, judged)
}

// notRows returns a line for each line of lists that is no row, with the reason.
func notRows(facts *mta.Facts) (all []string) {
	for _, dead := range facts.Dead {
		line := strings.TrimSpace(dead.Key + "  " + importer.Shorten(dead.Value))
		if line != "" {
			line += ": "
		}
		all = append(all, line+dead.Why)
	}
	return all
}

// serverSuffix is behind the name of a server in a --from that names its folder.
const serverSuffix = "-server"

// serverFolder returns the server and the folder of --from KIND-server:DIR.
func serverFolder(from []string) (kind *mta.Server, dir string, ok bool) {
	for _, spec := range from {
		name, dir, _ := strings.Cut(spec, ":")
		name, isServer := strings.CutSuffix(name, serverSuffix)
		for _, s := range servers.All {
			if isServer && s.Name == name {
				return s, dir, true
			}
		}
	}
	return nil, "", false
}

// fileNames returns the names of the files in a folder. The name of a folder ends in a
// slash, and so is no name of a list.
func fileNames(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	return names, err
}

// readList reads what is behind --from, at most limit bytes.
func readList(file string, stdin io.Reader, limit int64) ([]byte, error) {
	if file == inventory.StdinName {
		return regular.ReadStream(stdin, "stdin", limit)
	}
	text, err := regular.Read(file, limit)
	if errors.Is(err, regular.ErrNotRegular) {
		err = fmt.Errorf("--from: %w; - is standard input", err)
	}
	return text, err
}

// host gives the server's own name: that of --host, of its configuration, or of
// this machine.
func (a *importArgs) host(configured string) (host string, err error) {
	if host = cmp.Or(a.installed.host, configured); host == "" {
		if host, err = build.ThisHost(); err != nil {
			return "", machineExit(err, exitIO)
		}
	}
	if _, problem := mailaddr.FoldDomain(host); problem != nil {
		return "", usage(fmt.Errorf("the server's own name: %s; write it behind --host", problem.Text))
	}
	return host, nil
}

// openServer opens the files of a server, for an inventory of a kind.
func (a *importArgs) openServer(judge, kind *mta.Server, dir string, account func(string) bool) (*importer.Server, error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	if judge.Import == nil {
		return nil, usage(fmt.Errorf("a whole %s server cannot be imported yet", judge.Name))
	}
	var site mta.Site
	if judge.Site != nil {
		var err error
		if site, err = judge.Site(dir); err != nil {
			return nil, machineExit(err, exitNoInput)
		}
	}
	host, err := a.host(site.Name)
	if err != nil {
		return nil, err
	}
	for _, file := range a.aliases.Value() {
		if !isAliasFile(judge, file) {
			return nil, exit(exitNoInput, fmt.Errorf("--aliases %q: there is no such file, nor a map of it", file))
		}
	}
	from, err := judge.Import(dir, mta.Host{Name: host, Account: account}, a.aliases.Value())
	if err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	server, err := importer.New(kind, from)
	if err != nil {
		return nil, machineExit(errors.Join(err, from.Close()), exitNoInput)
	}
	return server, nil
}

// isAliasFile reports whether a file, or a map of it that the server reads, is there.
func isAliasFile(kind *mta.Server, path string) bool {
	return slices.ContainsFunc(mapfile.Named(kind.Maps), func(typ mapfile.Type) bool {
		_, err := os.Stat(mapfile.WithoutSuffix(path) + typ.Suffix)
		return err == nil
	})
}
