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
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
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
		return a.openServer(kind, dir, account)
	}
	host, err := a.host("")
	if err != nil {
		return nil, err
	}
	if kind.ImportLists == nil {
		return nil, usage(fmt.Errorf("lists cannot be imported for %s", kind.Name))
	}
	var sources []importer.List
	for _, spec := range a.from.Value() {
		kind, file, _ := strings.Cut(spec, ":")
		text, err := readList(file, stdio.In, regular.MaxBytes)
		if err != nil {
			return nil, machineExit(err, exitNoInput)
		}
		sources = append(sources, importer.List{Kind: kind, Name: file, Text: string(text)})
	}
	server, err = importer.From(kind, host, a.base, sources, account)
	if err != nil {
		return nil, exit(exitProblems, err)
	}
	return server, nil
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

// openServer opens the files of a server.
func (a *importArgs) openServer(kind *mta.Server, dir string, account func(string) bool) (*importer.Server, error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	if kind.Import == nil {
		return nil, usage(a.cannotImport(kind))
	}
	var site mta.Site
	if kind.Site != nil {
		var err error
		if site, err = kind.Site(dir); err != nil {
			return nil, machineExit(err, exitNoInput)
		}
	}
	host, err := a.host(site.Name)
	if err != nil {
		return nil, err
	}
	for _, file := range a.aliases.Value() {
		if !isAliasFile(kind, file) {
			return nil, exit(exitNoInput, fmt.Errorf("--aliases %q: there is no such file, nor a map of it", file))
		}
	}
	from, err := kind.Import(dir, mta.Host{Name: host, Account: account}, a.aliases.Value())
	if err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	server, err := importer.New(kind, from)
	if err != nil {
		return nil, machineExit(errors.Join(err, from.Close()), exitNoInput)
	}
	return server, nil
}

// cannotImport says that the files of a server cannot be imported, and what can be.
func (a *importArgs) cannotImport(kind *mta.Server) error {
	text := fmt.Sprintf("a whole %s server cannot be imported yet", kind.Name)
	if a.server {
		text += ", nor be asked here with --server"
	}
	if slices.Contains(importer.Kinds, kind.Name) {
		text += fmt.Sprintf("; --from %s:FILE imports a table of its virtual addresses", kind.Name)
	}
	return errors.New(text)
}

// isAliasFile reports whether a file, or a map of it that the server reads, is there.
func isAliasFile(kind *mta.Server, path string) bool {
	return slices.ContainsFunc(mapfile.Named(kind.Maps), func(typ mapfile.Type) bool {
		_, err := os.Stat(mapfile.WithoutSuffix(path) + typ.Suffix)
		return err == nil
	})
}
