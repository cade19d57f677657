package exim

import (
	"bytes"

	"virtmap/internal/mta"
	"virtmap/internal/mta/before"
)

// find returns the installed set of a folder. Nothing stays for a server that runs: Exim
// opens the list of domains at every connection.
func find(f mta.Folder) mta.Before {
	return before.Find(f, before.Server{
		Open: func(files before.Reader, host mta.Host) (mta.Set, error) { return (&opener{Reader: files}).open(host) },
		Next: func(b mta.Build, account func(string) bool) mta.Set {
			set := b.Set().(*Set)
			set.router.account = account
			return set
		},
		Same: endsThere,
	})
}

// endsThere reports whether the recipients of a value depend on no other file.
func endsThere(value []byte) bool {
	return !bytes.HasPrefix(value, []byte(onWord)) && !bytes.Equal(value, []byte(localWord)) && !bytes.Contains(value, []byte(mailboxDomain)) &&
		!bytes.HasPrefix(value, []byte("<"))
}
