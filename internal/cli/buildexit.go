package cli

import (
	"errors"
	"fmt"
	"strings"

	"virtmap/internal/build"
)

// resultExit returns the exit code of a build that did its work. A missing answer of
// the DNS comes first, because the other results may be different after an answer.
func resultExit(r *build.Result) error {
	switch {
	case r.Waits():
		return exit(exitTryAgain, nil)
	case r.Holds():
		return exit(exitHeld, nil)
	case r.Overdue():
		return exit(exitTryAgain, nil)
	case r.Reads.Lacking:
		return exit(exitHeld, nil)
	}
	return nil
}

// buildExit gives an error of a build its exit code, and adds the flags that accept the
// change. If files would be replaced, it prints what would be lost.
func buildExit(err error, stdio Stdio) error {
	var (
		known    *exitError
		foreign  *build.Foreign
		accident *build.Accident
		noPlan   *build.NoPlan
		other    *build.OtherPlan
		host     *build.OtherHost
		lies     *build.Disproved
		command  *build.CommandFailed
	)
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, build.ErrFaults):
		return exit(exitProblems, nil)
	case errors.As(err, &noPlan):
		return exit(exitNoInput, fmt.Errorf("%q is no plan of diff --save", noPlan.Path))
	case errors.As(err, &command):
		return exit(exitIO, commandFailed(command))
	case errors.As(err, &foreign):
		sayLosses(foreign.Files, foreign.Compared, "would lose", stdio)
		return exit(exitRefused, fmt.Errorf("%w; nothing was written. --adopt replaces them", foreign))
	case errors.As(err, &accident):
		return exit(exitRefused, errors.New(accidentText(accident)))
	case errors.As(err, &other):
		return exit(exitRefused, fmt.Errorf("this is not what was reviewed, and nothing was written: %s; review it anew with diff --save, or build without --plan", strings.Join(other.Differing, "; ")))
	case errors.As(err, &host):
		return exit(exitRefused, errors.New(otherHostText(host, "nothing was written")))
	case errors.As(err, &lies):
		return exit(exitProblems, fmt.Errorf("the staged files and the inventory disagree about %s, and nothing was written; please report it", addresses(lies.Failed)))
	}
	return machineExit(err, exitIO)
}

// kindExits are the exit codes of the kinds of errors. A more exact code of the machine
// wins.
var kindExits = map[build.Kind]int{build.IO: exitIO, build.NoInput: exitNoInput, build.TryAgain: exitTryAgain, build.Bug: exitSoftware}

// maxAlarms is the largest number of alarms that are printed.
const maxAlarms = 20

func accidentText(a *build.Accident) string {
	var lines []string
	for i, alarm := range a.Alarms {
		if i == maxAlarms {
			lines = append(lines, fmt.Sprintf("and %d more", len(a.Alarms)-maxAlarms))
			break
		}
		lines = append(lines, alarm.Text)
	}
	return fmt.Sprintf("this looks like an accident, and nothing was written: %s. --allow %s lets it pass", strings.Join(lines, "; "), strings.Join(a.Guards(), " --allow "))
}

// otherHostText says that the inventory is for another machine, and what was not done.
func otherHostText(h *build.OtherHost, undone string) string {
	called := ""
	if h.Called != "" {
		called = fmt.Sprintf(", which its %s calls %q,", h.Config, h.Called)
	}
	return fmt.Sprintf("this machine is %q%s and the inventory is for %q, so that %s. If it is that server, write \"host: {name: %s}\" into the inventory, or put %s beside %s in /etc/hosts; if it is not, write the files elsewhere with -o DIR",
		h.Here, called, h.Wanted, undone, h.Own(), h.Wanted, h.Here)
}

func commandFailed(c *build.CommandFailed) error {
	switch {
	case !c.Undone:
		return fmt.Errorf("the files are in place, and the command of --on-change failed: %w; the next build runs it again", c.Failure)
	case c.Undoing != nil:
		return fmt.Errorf("the command of --on-change failed: %w; and the old files could not be put back: %w", c.Failure, c.Undoing)
	}
	return fmt.Errorf("the command of --on-change failed: %w; the old files are in place again", c.Failure)
}
