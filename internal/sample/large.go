package sample

import (
	"fmt"
	"io"
	"math/rand/v2"
)

// Large writes a plain inventory of n addresses in domains of about fifty, as
// a hosting provider has them: most go to users, some elsewhere, a few are
// lists or refused. The same n gives the same text.
func Large(w io.Writer, n int) error {
	r := rand.New(rand.NewPCG(uint64(n), 50))
	const perDomain = 50
	if _, err := fmt.Fprintf(w, "version: 1\nhost: {name: %s}\nusers:\n", HostName); err != nil {
		return err
	}
	users := max(1, n/20)
	for i := range users {
		fmt.Fprintf(w, "  box%d:\n", i)
	}
	fmt.Fprintf(w, "defaults: {roles: {postmaster: box0}}\ndomains:\n")
	for i := range n {
		if i%perDomain == 0 {
			fmt.Fprintf(w, "  d%d.example.org:\n    addresses:\n", i/perDomain)
		}
		target := fmt.Sprintf("box%d", r.IntN(users))
		switch r.IntN(50) {
		case 0:
			target = fmt.Sprintf("[box%d, someone%d@elsewhere.example]", r.IntN(users), i)
		case 1:
			target = "reject"
		case 2, 3, 4, 5:
			target = fmt.Sprintf("someone%d@elsewhere.example", i)
		}
		if _, err := fmt.Fprintf(w, "      user%d.%08x: %s\n", i, r.Uint32(), target); err != nil {
			return err
		}
	}
	return nil
}
