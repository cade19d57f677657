package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/endtoend"
	"virtmap/internal/fileset"
	"virtmap/internal/mcfile"
	"virtmap/internal/sendmail"
)

// secondOpinion prepares the installed sendmail to be asked over the set of
// files in a folder of its own.
func (a *testArgs) secondOpinion(source fileset.Source, work string, stdio Stdio) (*endtoend.Sendmail, error) {
	settings := source.Settings()
	program, err := installedSendmail(settings.Map, stdio)
	if err != nil {
		return nil, err
	}
	if a.maps != "" {
		if err := copySet(a.maps, work); err != nil {
			return nil, machineExit(err, exitIO)
		}
	}
	settings.MailDir = work
	accounts, err := readAccounts(passwd)
	if err != nil {
		return nil, exit(exitIO, err)
	}
	second, err := endtoend.NewSendmail(program, endtoend.Site{
		Dir: work, Host: source.Model.Host.Name.Text, Include: string(mcfile.Text(settings, source.Model.Name)),
		Names: namesWithout(source, accounts), Alias: aliasNames(source),
	})
	return second, machineExit(err, exitIO)
}

// installedSendmail finds a sendmail that reads maps of a type.
func installedSendmail(typ string, stdio Stdio) (*sendmail.Program, error) {
	if os.Geteuid() != 0 {
		return nil, exit(exitPermission, errors.New("--sendmail needs root: sendmail reads the files as its own user"))
	}
	program, err := sendmail.Find()
	if err != nil {
		return nil, exit(exitIO, fmt.Errorf("--sendmail: %w", err))
	}
	if !program.HasMap(typ) {
		return nil, usage(fmt.Errorf("--sendmail: this sendmail was built without %s maps", typ))
	}
	if name, err := thisHost(); err == nil && !strings.Contains(name, ".") {
		warn(stdio, []string{"this machine's name has no dotted form in /etc/hosts: sendmail waits a minute at every start"})
	}
	return program, nil
}

// withAccountsHere adds the accounts of this machine, which its sendmail knows.
func withAccountsHere(account func(string) bool) (func(string) bool, error) {
	accounts, err := readAccounts(passwd)
	if err != nil {
		return nil, exit(exitIO, err)
	}
	return func(name string) bool { return accounts[name] || account(name) }, nil
}

// namesWithout are the users and local aliases that are no accounts of this
// machine.
func namesWithout(source fileset.Source, accounts map[string]bool) []string {
	var names []string
	for i := range source.Model.Users {
		names = append(names, source.Model.Users[i].Name.Text)
	}
	for i := range source.Model.LocalAliases {
		names = append(names, source.Model.LocalAliases[i].Text)
	}
	return slices.DeleteFunc(names, func(name string) bool { return accounts[name] })
}

func aliasNames(source fileset.Source) func(string) bool {
	ours := map[string]bool{}
	for _, alias := range source.Compiled.Aliases.All {
		ours[alias.Name] = true
	}
	return func(name string) bool { return ours[name] }
}

// copySet copies the files of a set.
func copySet(from, to string) error {
	for _, name := range []string{mcfile.Virtusertable, mcfile.Aliases, mcfile.HostNames, mcfile.RelayDomains} {
		for _, suffix := range []string{"", ".db", ".cdb"} {
			content, err := os.ReadFile(filepath.Join(from, name+suffix))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(to, name+suffix), content, 0o644)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
