package imported

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
)

// Beside prepares the comparison of an import with the files of a build for another server,
// which may not deliver to the files of mailboxes: a user is compared, and not the file.
// files have the users by file.
func Beside(old, built mta.Set, files map[string]string) mta.Pair {
	return mta.NewPair(&byUsers{old, files}, &byUsers{built, files})
}

// byUsers is a set of which outcomes have the users of mailboxes in the place of their files.
type byUsers struct {
	mta.Set
	files map[string]string
}

// Route returns the outcome of mail to an address.
func (b *byUsers) Route(addr string) (outcome.Outcome, []outcome.Step) {
	out, steps := b.Set.Route(addr)
	all := slices.Clone(out.Recipients)
	for i, to := range all {
		if user, known := b.files[to]; known {
			all[i] = user
		}
	}
	slices.Sort(all)
	out.Recipients = slices.Compact(all)
	return out, steps
}

// DetailReason says that only the details of recipients differ; empty: more does.
func DetailReason(old, next outcome.Outcome) string {
	switch {
	case !old.Taken || !next.Taken || !slices.Equal(withoutDetails(old.Recipients), withoutDetails(next.Recipients)):
		return ""
	case detailed(next.Recipients) > detailed(old.Recipients):
		return "only the detail behind the + differs, which is passed on now"
	}
	return "only the detail behind the + differs, which the server passed on, and the inventory does not"
}

// withoutDetails returns recipients without their details, each once.
func withoutDetails(all []string) []string {
	plain := make([]string, len(all))
	for i, to := range all {
		local, domain, isAddress := mailaddr.Split(to)
		if !isAddress {
			local = to
		}
		plain[i], _, _ = strings.Cut(local, "+")
		if isAddress {
			plain[i] += "@" + domain
		}
	}
	slices.Sort(plain)
	return slices.Compact(plain)
}

// detailed returns how many recipients have a detail.
func detailed(all []string) (n int) {
	for _, to := range all {
		if name, _, _ := strings.Cut(to, "@"); strings.Contains(name, "+") {
			n++
		}
	}
	return n
}
