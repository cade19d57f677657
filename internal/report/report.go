// Package report prints results in the formats of other programs.
//
// Formats prints the cases of a test: text for people, and JSON, JUnit XML and
// TAP for programs. Each case is printed at once; only JUnit XML is printed at the
// end, because it begins with counts. In text a failed case is a line with its
// details below, and a case that passed is not printed:
//
//	fake@fakemail.test (listed): promised is andrei, but it is 550 5.1.1 User unknown
//	  C: RCPT TO:<fake@fakemail.test>
//	  S: 550 5.1.1 <fake@fakemail.test>... User unknown
//
// Findings prints the faults of an inventory for CI servers and editors: JSON,
// annotations of GitHub, code quality of GitLab, SARIF, JUnit XML and Checkstyle.
// The same results always give the same bytes.
package report

import "io"

// A Case is one case of a test.
type Case struct {
	Group   string   // a domain, for example
	Name    string   // what the case tries
	Failure string   // what is wrong, in one line; empty when the case passed
	Details []string // further lines about the failure
	Data    any      // the case as JSON
}

// A Writer prints cases.
type Writer interface {
	Case(c Case) error
	// Close prints the rest of the output.
	Close() error
}

// Formats are the formats of a test by name. suite is the name of the test.
var Formats = map[string]func(w io.Writer, suite string) Writer{
	"text":  newText,
	"json":  newJSON,
	"junit": newJUnit,
	"tap":   newTAP,
}
