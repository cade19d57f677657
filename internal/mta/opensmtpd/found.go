package opensmtpd

import (
	"bytes"

	"virtmap/internal/mta"
	"virtmap/internal/mta/before"
)

// find returns the installed set of a folder.
func find(f mta.Folder) mta.Before {
	return before.Find(f, before.Server{
		Open: func(files before.Reader, host mta.Host) (mta.Set, error) { return (&opener{Reader: files}).open(host) },
		Next: func(b mta.Build, account func(string) bool) mta.Set {
			set := b.Set().(*Set)
			set.router.of.account = account
			return set
		},
		Same: endsThere,
		Keep: func(next mta.Build, old mta.Set) mta.Build { return next.(Build).with(&old.(*Set).contents) },
	})
}

// endsThere reports whether the recipients of a value depend on no other file.
func endsThere(value []byte) bool {
	return !bytes.Contains(value, []byte(maildirDomain)) && !bytes.Contains(value, []byte(mboxDomain))
}
