package inventory

import "strings"

// Samples make up addresses that keys match.
type Samples struct {
	User   string // stands for any user
	Detail string // stands for any detail
}

// Of gives a local part that a key matches. A key of one address is that
// address; the empty key is the catch-all, and any user is one of its.
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

// Unlisted makes up a name that is not listed, such as only a catch-all takes.
func Unlisted(listed func(name string) bool) string {
	name := "anything"
	for listed(name) {
		name += "x"
	}
	return name
}
