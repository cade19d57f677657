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
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// open opens what is imported.
func (a *importArgs) open(dir string, stdio Stdio) (server *importer.Server, err error) {
	if a.accounts, err = readAccounts(a.installed.accounts); err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	account := func(name string) bool { return a.accounts[name] }
	if len(a.from.Value()) == 0 {
		return a.openServer(dir, account)
	}
	host, err := a.host("")
	if err != nil {
		return nil, err
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
	server, err = importer.From(host, a.base, sources, account)
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

// openServer opens the files of a sendmail server.
func (a *importArgs) openServer(dir string, account func(string) bool) (*importer.Server, error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	layout, err := sendmail.ReadLayout(dir)
	if err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	if layout.Host, err = a.host(layout.Host); err != nil {
		return nil, err
	}
	for _, file := range a.aliases.Value() {
		if !isAliasFile(file) {
			return nil, exit(exitNoInput, fmt.Errorf("--aliases %q: there is no such file, nor a map of it", file))
		}
	}
	a.layout = layout
	server, err := importer.Sendmail(layout, a.aliases.Value(), account)
	return server, machineExit(err, exitNoInput)
}

// isAliasFile reports whether a file, or the map of one, is there.
func isAliasFile(path string) bool {
	return slices.ContainsFunc(mapfile.Types, func(typ mapfile.Type) bool {
		_, err := os.Stat(mapfile.WithoutSuffix(path) + typ.Suffix)
		return err == nil
	})
}
