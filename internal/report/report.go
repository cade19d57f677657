// Package report prints the results of tests, one file a format: text for
// people, JSON, JUnit XML and TAP for programs. Results come one by one and
// are printed as they come, but for JUnit, which wants its counts first.
package report

import "io"

// A Case is one thing that was tried.
type Case struct {
	Group   string   // what it belongs to, such as a domain
	Name    string   // what was tried
	Failure string   // what is wrong, in a line; empty when it passed
	Details []string // of a failure
	Data    any      // the same for JSON
}

// A Writer prints cases.
type Writer interface {
	Case(c Case) error
	// Close ends the output; it prints what is still to be printed.
	Close() error
}

// Formats are the formats by name, each for a suite of tests.
var Formats = map[string]func(w io.Writer, suite string) Writer{
	"text":  newText,
	"json":  newJSON,
	"junit": newJUnit,
	"tap":   newTAP,
}
