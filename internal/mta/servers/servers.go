// Package servers has the table of the mail servers that virtmap knows. To add a
// server, make its package beside this one, and add a line to All.
package servers

import (
	"virtmap/internal/lint"
	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/mta/sendmail"
)

// All is the table of the mail servers, the default first.
var All = []*mta.Server{sendmail.Server, postfix.Server, exim.Server, opensmtpd.Server}

// Checks returns the checks of all mail servers, and their explanations.
func Checks() (known lint.Known) {
	for _, s := range All {
		known.Compile, known.Edit = append(known.Compile, s.Checks...), append(known.Edit, s.EditChecks...)
		known.Explained = append(known.Explained, s.Explained)
	}
	return known
}

// ByName returns the server with a name, as host.server has it.
func ByName(name string) (*mta.Server, bool) {
	for _, s := range All {
		if s.Name == name {
			return s, true
		}
	}
	return nil, false
}
