package importer

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
)

// sameRecipient compares recipients. The case of a domain does not count.
func sameRecipient(a, b string) bool {
	atA, atB := strings.LastIndexByte(a, '@'), strings.LastIndexByte(b, '@')
	return a == b || atA > 0 && atA == atB && a[:atA] == b[:atB] && strings.EqualFold(a[atA:], b[atB:])
}

// sameButCase compares recipients without the case and the details of names on this server,
// because they are the same mailbox. At another server the case of a local part counts (RFC 5321 2.4), and in a path too.
func sameButCase(a, b []string) bool {
	folded := func(all []string) []string {
		lower := make([]string, len(all))
		for i, recipient := range all {
			lower[i] = foldedName(recipient)
		}
		slices.Sort(lower)
		return slices.Compact(lower)
	}
	return slices.Equal(folded(a), folded(b))
}

// sameButLetters compares recipients without their case.
func sameButLetters(a, b []string) bool {
	lower := func(all []string) []string {
		folded := make([]string, len(all))
		for i, to := range all {
			folded[i] = mailaddr.Lower(to)
		}
		return slices.Sorted(slices.Values(folded))
	}
	return slices.Equal(lower(a), lower(b))
}

// detailed returns how many recipients have a detail, which is behind a + of the name.
func detailed(all []string) (n int) {
	for _, to := range all {
		if name, _, _ := strings.Cut(to, "@"); strings.Contains(name, "+") {
			n++
		}
	}
	return n
}

// foldedName folds a name on this server and cuts off its detail, and folds the domain of
// an address.
func foldedName(recipient string) string {
	switch at := strings.LastIndexByte(recipient, '@'); {
	case at >= 0:
		return recipient[:at] + mailaddr.Lower(recipient[at:])
	case strings.ContainsAny(recipient, `/|:"`):
		return recipient
	}
	name, _, _ := strings.Cut(mailaddr.Lower(recipient), "+")
	return name
}
