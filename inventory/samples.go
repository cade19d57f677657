package inventory

import "strings"

// Samples makes addresses that keys match.
type Samples struct {
	User   string // is used for any user
	Detail string // is used for any detail
}

// Of returns a local part that a key matches. A key for one address is this address.
// The empty key is the catch-all, which any user matches.
func (s Samples) Of(key string) string {
	user, _, _ := strings.Cut(key, "+")
	switch form := ParseForm(key); {
	case key == "":
		return s.User
	case form == SomeDetail || form == AnyDetail:
		return user + "+" + s.Detail
	case form == SomeUser || form == AnyUser:
		return s.User + "+" + s.Detail
	}
	return key
}

// Unlisted returns a name that is not listed, so that only the catch-all takes it.
func Unlisted(listed func(name string) bool) string {
	name := "anything"
	for listed(name) {
		name += "x"
	}
	return name
}
