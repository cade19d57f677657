// Package servers is the table of the mail servers that virtmap knows. To add one,
// make its room beside this one and add a line to All.
package servers

import (
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail"
)

// All are the mail servers, the default first.
var All = []*mta.Server{sendmail.Server}

// ByName finds the server that host.server names.
func ByName(name string) (*mta.Server, bool) {
	for _, s := range All {
		if s.Name == name {
			return s, true
		}
	}
	return nil, false
}
