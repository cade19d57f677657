package inventory

import (
	"bytes"
	"slices"
	"strings"

	"virtmap/internal/diag"
)

// A Form says which addresses a key stands for.
type Form uint8

const (
	Plain       Form = iota // user: the address itself, and user+detail as the domain's Detail says
	ExactDetail             // user+detail: exactly this address
	SomeDetail              // user++: any detail that is not empty
	AnyDetail               // user+*: any detail, also the empty one
	SomeUser                // ++: any user with a detail that is not empty
	AnyUser                 // +*: any user with a detail, also the empty one
)

// An Address is one virtual address of a domain, or a key for several addresses.
type Address struct {
	Local    string // the folded key: user, user+detail, user+*, user++, +*, ++
	Pos      diag.Pos
	Form     Form
	Detail   Detail // DetailUnset: as the domain has it
	Disabled bool   // refused like an address that does not exist; the catch-all does not get it
	Noted    bool   // has a note
	To       Target
}

// User returns the part of the key before the plus; empty for ++ and +*.
func (a *Address) User() string {
	if a.Form == Plain {
		return a.Local
	}
	user, _, _ := strings.Cut(a.Local, "+")
	return user
}

// Compare orders the keys of a domain: first the exact ones by name, then the keys for
// any detail of a user, then the keys for any user.
func (a *Address) Compare(b *Address) int {
	if c := int(a.Form.rank()) - int(b.Form.rank()); c != 0 {
		return c
	}
	return strings.Compare(a.Local, b.Local)
}

// CompareKeys orders whole keys, local@domain: by domain, then as Compare does. The
// catch-all of a domain is the last.
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
		return bytes.Compare(localA, localB) // nearly all keys
	}
	addressA := Address{Local: string(localA), Form: ParseForm(string(localA))}
	addressB := Address{Local: string(localB), Form: ParseForm(string(localB))}
	return addressA.Compare(&addressB)
}

func (f Form) rank() uint8 {
	return [...]uint8{Plain: 0, ExactDetail: 0, SomeDetail: 1, AnyDetail: 1, SomeUser: 2, AnyUser: 2}[f]
}

// Find finds a key among addresses that are sorted by Compare.
func Find(all []Address, local string, form Form) (*Address, bool) {
	want := Address{Local: local, Form: form}
	i, ok := slices.BinarySearchFunc(all, &want, func(a Address, b *Address) int { return a.Compare(b) })
	if !ok {
		return nil, false
	}
	return &all[i], true
}

// ParseForm returns the form of a folded key.
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
