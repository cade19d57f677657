package cli

import (
	"context"
	"errors"
	"fmt"

	"virtmap/internal/build"
	"virtmap/internal/mta"
)

// ask prepares the installed mail server to answer for a set of files.
func (a *testArgs) ask(ctx context.Context, asking mta.Asking, stdio Stdio) (mta.Asked, error) {
	server := serverOf(asking.Build)
	if server.Ask == nil {
		return nil, usage(fmt.Errorf("--server: %s cannot be asked", server.Name))
	}
	asking.Dir = a.maps
	asking.Tell = func(line string) { warn(stdio, []string{line}) }
	asking.Here, _ = build.ThisHost() // without a name nothing is said about it
	accounts, err := readAccounts(passwd)
	if err != nil {
		return nil, exit(exitIO, err)
	}
	asking.Accounts = accounts
	asked, err := server.Ask(ctx, asking)
	if err != nil {
		return nil, askExit(err)
	}
	return asked, nil
}

// askExit gives an error of Ask its exit code.
func askExit(err error) error {
	var why *mta.AskError
	if errors.As(err, &why) {
		switch why.Kind {
		case mta.AskRoot:
			return exit(exitPermission, err)
		case mta.AskMap:
			return usage(err)
		}
		return exit(exitIO, err)
	}
	return machineExit(err, exitIO)
}

// withAccountsHere adds the accounts of this machine, because its mail server knows them.
func withAccountsHere(account func(string) bool) (func(string) bool, error) {
	accounts, err := readAccounts(passwd)
	if err != nil {
		return nil, exit(exitIO, err)
	}
	return func(name string) bool { return accounts[name] || account(name) }, nil
}
