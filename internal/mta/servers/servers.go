// Package servers is the table of the mail servers that virtmap knows. To add one,
// make its room beside this one and add a line to All.
package servers

import (
	"virtmap/internal/lint"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail"
)

// All are the mail servers, the default first.
var All = []*mta.Server{sendmail.Server}

// Checks are the checks of all mail servers.
func Checks() (known lint.Known) {
	for _, s := range All {
		known.Compile, known.Edit = append(known.Compile, s.Checks...), append(known.Edit, s.EditChecks...)
	}
	return known
}

// ByName finds the server that host.server names.
func ByName(name string) (*mta.Server, bool) {
	for _, s := range All {
		if s.Name == name {
			return s, true
		}
	}
	return nil, false
}
