package build

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"virtmap/internal/change"
	"virtmap/internal/publish"
)

// A Kind says what an Error is about.
type Kind uint8

// Kinds of errors.
const (
	IO       Kind = iota // the machine could not read or write
	NoInput              // something that the run reads cannot be read, or is not there
	TryAgain             // the same run may do later
	Bug                  // of virtmap
)

// An Error is one that stops a run. Err may say more exactly what it is about:
// another run at work, a missing permission.
type Error struct {
	Kind   Kind
	Option string // the option of the run that Err is about; empty: none
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the error below.
func (e *Error) Unwrap() error { return e.Err }

// as gives an error its kind, unless it has one.
func as(kind Kind, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Kind: kind, Err: err}
}

// Errors without more to say.
var (
	ErrFaults       = errors.New("the inventory has faults") // which Events were given
	ErrNoGeneration = errors.New("there is no such generation; virtmap history lists them")
	errMoved        = errors.New("the inventory was edited meanwhile and names another mail_dir; run it again")
)

// An Accident is a change that guards refuse.
type Accident struct{ Alarms []change.Alarm }

// Guards are the words of the guards, each once.
func (e *Accident) Guards() []string {
	var words []string
	seen := map[string]bool{}
	for _, alarm := range e.Alarms {
		if !seen[alarm.Guard] {
			seen[alarm.Guard], words = true, append(words, alarm.Guard)
		}
	}
	return words
}

func (e *Accident) Error() string {
	lines := make([]string, len(e.Alarms))
	for i, alarm := range e.Alarms {
		lines[i] = alarm.Text
	}
	return "this looks like an accident: " + strings.Join(lines, "; ")
}

// A Foreign error lists files that a person made, and what replacing them would
// lose.
type Foreign struct {
	*publish.Foreign
	Compared *change.Change // nil: nothing could be compared
}

// An OtherHost error says that the inventory is for another machine.
type OtherHost struct {
	Here   string // the name of this machine
	Called string // what its mail server calls itself; empty: that is not known
	Wanted string // the name in the inventory
}

func (e *OtherHost) Error() string {
	return fmt.Sprintf("this machine is %q and the inventory is for %q", e.Here, e.Wanted)
}

// Own is what the server calls itself, as far as that is known.
func (e *OtherHost) Own() string { return cmp.Or(e.Called, e.Here) }

// An OtherPlan error says in what a build differs from the plan that was
// reviewed.
type OtherPlan struct{ Differing []string }

func (e *OtherPlan) Error() string {
	return "this is not what was reviewed: " + strings.Join(e.Differing, "; ")
}

// A NoPlan error says that a file is no plan.
type NoPlan struct{ Path string }

func (e *NoPlan) Error() string { return fmt.Sprintf("%q is no plan", e.Path) }

// A Disproved error says how many addresses do not keep the promise of the
// inventory; Events were given each.
type Disproved struct{ Failed int }

func (e *Disproved) Error() string {
	return fmt.Sprintf("the staged files and the inventory disagree about %d addresses", e.Failed)
}

// A CommandFailed error is that of the command of OnChange.
type CommandFailed struct {
	Failure error
	Undone  bool  // the old files were to be put back
	Undoing error // why that could not be done; nil: they are in place
}

func (e *CommandFailed) Error() string {
	return fmt.Sprintf("the command failed: %v", e.Failure)
}

// An Unread error says that rows of a generation lead to aliases which the server
// does not read.
type Unread struct {
	Generation int
	File       string // of the aliases
	Missing    []string
}

func (e *Unread) Error() string {
	return fmt.Sprintf("rows of generation %d lead to %s, which the server does not read: %s", e.Generation, e.File, strings.Join(e.Missing, "; "))
}
