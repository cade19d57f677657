package sendmail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/program"
)

// ask prepares the installed sendmail to answer for the files of an Asking.
func ask(_ context.Context, a mta.Asking) (mta.Asked, error) {
	source := a.Build.(Build)
	p, err := Program(source.Settings().Map, a.Here, a.Tell)
	if err != nil {
		return nil, err
	}
	opinion := SecondOpinion{Source: source, Set: a.Set.(*Installed), Maps: a.Dir, Work: a.Work, Program: p, Accounts: a.Accounts}
	asker, notes, err := opinion.Open()
	for _, note := range notes {
		a.Tell(note)
	}
	if err != nil {
		return nil, err
	}
	return asked{asker, a.Set}, nil
}

// An asked is an Asker as the contract has it.
type asked struct {
	*Asker
	set mta.Set
}

// Set returns the set of the Asking.
func (s asked) Set() mta.Set { return s.set }

// Close does nothing: sendmail runs only while it answers.
func (s asked) Close() error { return nil }

// Program returns the installed sendmail if it reads maps of a type. here is the full name
// of this machine; without a dot in it sendmail is slow, which tell receives. An error is
// an mta.AskError.
func Program(typ, here string, tell func(line string)) (*program.Program, error) {
	if os.Geteuid() != 0 {
		return nil, &mta.AskError{Kind: mta.AskRoot, Err: errors.New("--server needs root: sendmail reads the files as its own user")}
	}
	p, err := program.Find()
	if err != nil {
		return nil, &mta.AskError{Err: fmt.Errorf("--server: %w", err)}
	}
	if !p.HasMap(typ) {
		return nil, &mta.AskError{Kind: mta.AskMap, Err: fmt.Errorf("--server: this sendmail was built without %s maps", typ)}
	}
	if here != "" && !strings.Contains(here, ".") {
		tell("this machine's name has no dotted form in /etc/hosts: sendmail waits a minute at every start")
	}
	return p, nil
}
