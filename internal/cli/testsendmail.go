package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/mta/sendmail/program"
)

// secondOpinion prepares the installed sendmail to be asked over the set of
// files in a folder of its own.
func (a *testArgs) secondOpinion(source sendmail.Build, set *sendmail.Installed, work string, stdio Stdio) (*sendmail.Asker, error) {
	settings := source.Settings()
	program, err := installedSendmail(settings.Map, stdio)
	if err != nil {
		return nil, err
	}
	accounts, err := readAccounts(passwd)
	if err != nil {
		return nil, exit(exitIO, err)
	}
	site := sendmail.Site{Dir: work, Host: source.Model.Host.Name.Text, Alias: func(name string) bool { _, ok := set.Router.Aliases.Alias(name); return ok }}
	site.Names = slices.DeleteFunc(namesWithout(source, accounts), site.Alias)
	if a.maps != "" {
		if err := a.ownSite(&site, work, stdio); err != nil {
			return nil, machineExit(err, exitIO)
		}
	}
	if site.CF == "" {
		settings.MailDir = work
		site.Include = string(mcfile.Text(settings, source.Model.Name))
	}
	second, err := sendmail.NewAsker(program, site)
	return second, machineExit(err, exitIO)
}

// ownSite has a site ask over the server's own sendmail.cf, where installed files
// have one beside them, and over copies of the files otherwise.
func (a *testArgs) ownSite(site *sendmail.Site, work string, stdio Stdio) error {
	layout, err := sendmail.ReadLayout(a.maps)
	if err != nil {
		return err
	}
	own, ok, err := layout.OwnConfiguration(sendmail.Own(work, !layout.Live()), work)
	if err != nil {
		return err
	}
	if !ok {
		warn(stdio, []string{fmt.Sprintf("%s has no sendmail.cf with rulesets: sendmail is asked over one that virtmap makes", a.maps)})
		return copySet(a.maps, work)
	}
	if site.CF = own.Of(layout.Configuration().Text); layout.Live() {
		site.Names = nil // its accounts are this machine's
	}
	return os.Chmod(work, 0o755) // sendmail may read as its own user
}

// installedSendmail finds a sendmail that reads maps of a type.
func installedSendmail(typ string, stdio Stdio) (*program.Program, error) {
	if os.Geteuid() != 0 {
		return nil, exit(exitPermission, errors.New("--sendmail needs root: sendmail reads the files as its own user"))
	}
	program, err := program.Find()
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
func namesWithout(source sendmail.Build, accounts map[string]bool) []string {
	var names []string
	for i := range source.Model.Users {
		names = append(names, source.Model.Users[i].Name.Text)
	}
	for i := range source.Model.LocalAliases {
		names = append(names, source.Model.LocalAliases[i].Text)
	}
	return slices.DeleteFunc(names, func(name string) bool { return accounts[name] })
}

// copySet copies the files of a set.
func copySet(from, to string) error {
	for _, name := range []string{mcfile.Virtusertable, mcfile.Aliases, mcfile.HostNames, mcfile.RelayDomains} {
		for _, suffix := range []string{"", ".db", ".cdb"} {
			err := sendmail.CopyFile(filepath.Join(from, name+suffix), filepath.Join(to, name+suffix))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
