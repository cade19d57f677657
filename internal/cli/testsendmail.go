package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"virtmap/internal/build"
	"virtmap/internal/endtoend"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/program"
)

// secondOpinion prepares the installed sendmail to answer for the set of files in a
// folder of its own.
func (a *testArgs) secondOpinion(of mta.Build, set mta.Set, work string, stdio Stdio) (endtoend.Program, error) {
	source, ok := of.(sendmail.Build)
	if !ok {
		return nil, usage(fmt.Errorf("--server: the inventory is for %s", of.Inventory().Host.Server))
	}
	program, err := installedSendmail(source.Settings().Map, stdio)
	if err != nil {
		return nil, err
	}
	accounts, err := readAccounts(passwd)
	if err != nil {
		return nil, exit(exitIO, err)
	}
	opinion := sendmail.SecondOpinion{Source: source, Set: set.(*sendmail.Installed), Maps: a.maps, Work: work, Program: program, Accounts: accounts}
	second, notes, err := opinion.Open()
	warn(stdio, notes)
	if err != nil {
		return nil, machineExit(err, exitIO)
	}
	return second, nil
}

// installedSendmail returns the installed sendmail if it reads maps of a type.
func installedSendmail(typ string, stdio Stdio) (*program.Program, error) {
	if os.Geteuid() != 0 {
		return nil, exit(exitPermission, errors.New("--server needs root: sendmail reads the files as its own user"))
	}
	program, err := program.Find()
	if err != nil {
		return nil, exit(exitIO, fmt.Errorf("--server: %w", err))
	}
	if !program.HasMap(typ) {
		return nil, usage(fmt.Errorf("--server: this sendmail was built without %s maps", typ))
	}
	if name, err := build.ThisHost(); err == nil && !strings.Contains(name, ".") {
		warn(stdio, []string{"this machine's name has no dotted form in /etc/hosts: sendmail waits a minute at every start"})
	}
	return program, nil
}

// withAccountsHere adds the accounts of this machine, because its sendmail knows them.
func withAccountsHere(account func(string) bool) (func(string) bool, error) {
	accounts, err := readAccounts(passwd)
	if err != nil {
		return nil, exit(exitIO, err)
	}
	return func(name string) bool { return accounts[name] || account(name) }, nil
}
