package inventory

import (
	"bytes"
	"slices"
	"strings"

	"virtmap/internal/diag"
)

// Form is which addresses a key stands for.
type Form uint8

const (
	Plain       Form = iota // user: the address, and user+detail by the domain's Detail
	ExactDetail             // user+detail: that very address
	SomeDetail              // user++: any detail but an empty one
	AnyDetail               // user+*: any detail, also an empty one
	SomeUser                // ++: any user with a detail that is not empty
	AnyUser                 // +*: any user with a detail, also an empty one
)

// An Address is one virtual address of a domain, or one key for several.
type Address struct {
	Local    string // the key as folded: user, user+detail, user+*, user++, +*, ++
	Pos      diag.Pos
	Form     Form
	Detail   Detail // DetailUnset: the domain's
	Disabled bool   // refused as if it did not exist, and never the catch-all's
	Noted    bool   // it has a note
	To       Target
}

// User is the key's part before its plus, empty for ++ and +*.
func (a *Address) User() string {
	if a.Form == Plain {
		return a.Local
	}
	user, _, _ := strings.Cut(a.Local, "+")
	return user
}

// Compare orders the keys of a domain: exact ones by name, then those that
// stand for any detail of a user, then those for any user.
func (a *Address) Compare(b *Address) int {
	if c := int(a.Form.rank()) - int(b.Form.rank()); c != 0 {
		return c
	}
	return strings.Compare(a.Local, b.Local)
}

// CompareKeys orders whole keys, local@domain: by domain, then as Compare orders
// those of a domain, the catch-all last.
func CompareKeys(a, b []byte) int {
	atA, atB := bytes.LastIndexByte(a, '@'), bytes.LastIndexByte(b, '@')
	if c := bytes.Compare(a[atA+1:], b[atB+1:]); c != 0 {
		return c
	}
	localA, localB := a[:max(atA, 0)], b[:max(atB, 0)]
	switch {
	case len(localA) == 0 || len(localB) == 0:
		return len(localB) - len(localA)
	case bytes.IndexByte(localA, '+') < 0 && bytes.IndexByte(localB, '+') < 0:
		return bytes.Compare(localA, localB) // as nearly all
	}
	addressA := Address{Local: string(localA), Form: ParseForm(string(localA))}
	addressB := Address{Local: string(localB), Form: ParseForm(string(localB))}
	return addressA.Compare(&addressB)
}

func (f Form) rank() uint8 {
	return [...]uint8{Plain: 0, ExactDetail: 0, SomeDetail: 1, AnyDetail: 1, SomeUser: 2, AnyUser: 2}[f]
}

// Find finds a key among addresses sorted by Compare.
func Find(all []Address, local string, form Form) (*Address, bool) {
	want := Address{Local: local, Form: form}
	i, ok := slices.BinarySearchFunc(all, &want, func(a Address, b *Address) int { return a.Compare(b) })
	if !ok {
		return nil, false
	}
	return &all[i], true
}

// ParseForm tells the form of a folded key.
func ParseForm(key string) Form {
	_, detail, plus := strings.Cut(key, "+")
	switch {
	case !plus:
		return Plain
	case key == "++":
		return SomeUser
	case key == "+*":
		return AnyUser
	case detail == "+":
		return SomeDetail
	case detail == "*":
		return AnyDetail
	}
	return ExactDetail
}
