package promise

import (
	"slices"
	"strings"

	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// Meets reports whether an outcome is the one that a test of the inventory expects.
// Details do not count, because a test names users: andrei+x is andrei.
func (p *Promises) Meets(o outcome.Outcome, want inventory.Expectation) bool {
	switch {
	case want.NotOurs:
		return o.Keeps(NotOurs)
	case want.Refused:
		class := byte('0' + o.Code/100)
		return !o.Taken && (want.Class == 0 || want.Class == class) &&
			(want.Code == 0 || want.Code == o.Code) && (want.Status == "" || want.Status == o.Status)
	}
	return o.Taken && slices.Equal(withoutDetails(o), withoutDetails(p.members(want.Recipients, 0)))
}

func withoutDetails(o outcome.Outcome) []string {
	var names []string
	for _, recipient := range o.Recipients {
		if !strings.ContainsAny(recipient, "@/") {
			recipient, _, _ = strings.Cut(recipient, "+")
		}
		names = append(names, recipient)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
