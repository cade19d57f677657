package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"virtmap/internal/build"
	"virtmap/internal/importer"
	"virtmap/internal/publish"
)

// Exit codes, the same for every command. 2 is not used, because a crashed Go program
// returns it. Codes from 64 on are those of sysexits.h.
const (
	exitOK          = 0
	exitProblems    = 1 // there are problems, and nothing was written
	exitHeld        = 3 // written, but a domain is held back or pending
	exitPending     = 4 // there are changes; only with diff --exit-code
	exitRefused     = 5 // refused by a guard; the message names the flag that allows the change
	exitUsage       = 64
	exitNoInput     = 66
	exitSoftware    = 70
	exitCannotWrite = 73
	exitIO          = 74
	exitTryAgain    = 75
	exitPermission  = 77
)

// An exitError is an error with its exit code.
type exitError struct {
	code int
	err  error // nil: all messages were printed already
}

func (e *exitError) Error() string {
	if e.err == nil {
		return "problems found"
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func exit(code int, err error) error { return &exitError{code, err} }

func usage(err error) error { return exit(exitUsage, err) }

// machineExit gives an error of the machine its exit code. other is the code for an
// error that has none.
func machineExit(err error, other int) error {
	var known *exitError
	var of *build.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.As(err, &of) {
		other = kindExits[of.Kind]
		if of.Option != "" {
			err = fmt.Errorf("--%s: %w", of.Option, err)
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return exit(exitTryAgain, errors.New("interrupted; no file was changed"))
	case errors.Is(err, publish.ErrLocked), errors.Is(err, publish.ErrChanged), errors.Is(err, importer.ErrChanged):
		return exit(exitTryAgain, err)
	case errors.Is(err, publish.ErrNotFile):
		return exit(exitRefused, err)
	case errors.Is(err, publish.ErrRecord):
		return exit(exitIO, err)
	case errors.Is(err, fs.ErrPermission):
		return exit(exitPermission, err)
	case errors.Is(err, publish.ErrCreate):
		return exit(exitCannotWrite, err)
	}
	return exit(other, err)
}

// exitCode returns the exit code for an error of Run.
func exitCode(err error) int {
	var known *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &known):
		return known.code
	}
	return exitUsage // the errors of cli/v2 are about flags
}

// errorText returns the message about an error of Run. It is empty if all messages were
// printed already.
func errorText(err error) string {
	var known *exitError
	if err == nil || errors.As(err, &known) && known.err == nil {
		return ""
	}
	return err.Error()
}
