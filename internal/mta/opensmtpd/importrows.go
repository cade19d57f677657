package opensmtpd

import (
	"maps"
	"slices"

	"virtmap/internal/mapfile"
)

// A probed has the right sides of three addresses of a user: without a detail, with an empty
// one, and with one that no row names.
type probed struct{ plain, empty, detail string }

// valuesOf returns the right sides that decide about the addresses of a user. One is empty if
// the accounts of the server decide.
func (s *rebuilt) valuesOf(user, domain string) probed {
	return probed{s.valueOf(user, domain), s.valueOf(user+"+", domain), s.valueOf(user+"+"+openDetail, domain)}
}

// unlisted is the right side for an address without a row.
const unlisted = errorWord + "550 5.1.1 User unknown"

func (s *rebuilt) valueOf(local, domain string) string {
	k, row := s.set.router.table(local, domain)
	if !row {
		return ""
	}
	w := walk{router: &s.set.router}
	if value, ok := w.find(k, local, domain); ok {
		return value
	}
	return unlisted
}

// addRows adds rows with the keys of an inventory that say the same as the three tables. A
// table of details has no row of a user who is listed without a detail, if every user has
// the same row there.
func (s *rebuilt) addRows(ours func(domain string) bool) {
	users, exact := map[string]map[string]bool{}, map[string]string{} // users by domain
	for k, t := range s.set.contents.tables {
		for key, value := range mapfile.All(t.rows) {
			local, domain := cutAddress(string(key))
			if !ours(domain) {
				continue
			}
			if users[domain] == nil {
				users[domain] = map[string]bool{}
			}
			if user, detail, plus := cutDetail(local); plus && detail != "" && kind(k) == withDetail {
				exact[string(key)] = string(value)
				users[domain][user] = true
			} else if local != "" {
				users[domain][local] = true
			}
		}
	}
	for _, domain := range slices.Sorted(maps.Keys(users)) {
		s.addDomain(domain, users[domain])
	}
	for _, key := range slices.Sorted(maps.Keys(exact)) {
		s.Add(key, exact[key], nil)
	}
}

// addDomain adds the rows of a domain, of which users are listed. A key is added if its
// addresses would have another right side without it: for an empty detail user+*, and for
// any other user++ (inventory, Form).
func (s *rebuilt) addDomain(domain string, users map[string]bool) {
	at, others := "@"+domain, s.valuesOf(openUser, domain)
	for _, user := range slices.Sorted(maps.Keys(users)) {
		is, without := s.valuesOf(user, domain), others
		if _, listed := s.set.contents.tables[plain].find(user + at); listed {
			s.Add(user+at, is.plain, nil)
			without.empty, without.detail = is.plain, is.plain
		}
		s.addDetails(user, at, is, without)
	}
	without := probed{empty: others.plain, detail: others.plain}
	s.addDetails("", at, others, without)
	if others.plain != "" {
		s.Add(at, others.plain, nil)
	}
}

// addDetails adds the rows of the details of a user, or of every user. without are the right
// sides that count without them.
func (s *rebuilt) addDetails(user, at string, is, without probed) {
	if is.empty != without.empty && is.empty != "" {
		s.Add(user+"+*"+at, is.empty, nil)
		without.detail = is.empty
	}
	if is.detail != without.detail && is.detail != "" {
		s.Add(user+"++"+at, is.detail, nil)
	}
}
