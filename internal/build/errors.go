package build

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"virtmap/internal/change"
	"virtmap/internal/publish"
)

// A Kind is the cause of an Error.
type Kind uint8

// Kinds of errors.
const (
	IO       Kind = iota // the machine could not read or write
	NoInput              // an input of the run is missing or cannot be read
	TryAgain             // the same run may succeed later
	Bug                  // a fault of virtmap
)

// An Error stops a run. Err may have the details, such as another run at work, or a
// missing permission.
type Error struct {
	Kind   Kind
	Option string // the option of the run that Err is about; empty: no option
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// as wraps an error with a kind. An error that has a kind is not changed.
func as(kind Kind, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Kind: kind, Err: err}
}

// Errors without details.
var (
	ErrFaults       = errors.New("the inventory has faults") // Events have received them
	ErrNoGeneration = errors.New("there is no such generation; virtmap history lists them")
	errMoved        = errors.New("the inventory was edited meanwhile and names another mail_dir; run it again")
)

// An Accident is a change that guards refuse.
type Accident struct{ Alarms []change.Alarm }

// Guards returns the words of the guards, each once.
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

// A Foreign lists files that a person made, and what would be lost if they were
// replaced.
type Foreign struct {
	*publish.Foreign
	Compared *change.Change // nil: nothing could be compared
}

// An OtherHost says that the inventory is for another machine.
type OtherHost struct {
	Here   string // the name of this machine
	Called string // the name in the configuration of its mail server; empty: not known
	Wanted string // the host name in the inventory
	Config string // the name of that configuration
}

func (e *OtherHost) Error() string {
	return fmt.Sprintf("this machine is %q and the inventory is for %q", e.Here, e.Wanted)
}

// Own returns the name of the server, as far as it is known.
func (e *OtherHost) Own() string { return cmp.Or(e.Called, e.Here) }

// An OtherPlan says where a build differs from the reviewed plan.
type OtherPlan struct{ Differing []string }

func (e *OtherPlan) Error() string {
	return "this is not what was reviewed: " + strings.Join(e.Differing, "; ")
}

// A NoPlan says that a file is not a plan.
type NoPlan struct{ Path string }

func (e *NoPlan) Error() string { return fmt.Sprintf("%q is no plan", e.Path) }

// A Disproved says how many addresses do not keep the promise of the inventory. Events
// have received each.
type Disproved struct{ Failed int }

func (e *Disproved) Error() string {
	return fmt.Sprintf("the staged files and the inventory disagree about %d addresses", e.Failed)
}

// A CommandFailed is the failure of the command of OnChange.
type CommandFailed struct {
	Failure error
	Undone  bool  // the old files were to be put back
	Undoing error // why the old files could not be put back; nil: they are in place
}

func (e *CommandFailed) Error() string {
	return fmt.Sprintf("the command failed: %v", e.Failure)
}

// An Unread says that with a generation the server would refuse mail, because its rows and
// what the server reads do not fit together.
type Unread struct {
	Generation int
	File       string // about which the server and the generation do not agree
	Missing    []string
}

func (e *Unread) Error() string {
	return fmt.Sprintf("generation %d and the server do not fit together at %s: %s", e.Generation, e.File, strings.Join(e.Missing, "; "))
}
