package postfix

import (
	"bytes"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
)

// A crossing finds rows of lists that have the same recipients in the files of another
// server. Of a plain row both sides have recipients that only depend on its targets. A row is
// the same when its targets end at the same accounts and addresses on both sides, and both
// sides were asked about a row with each account, with each domain elsewhere, and at each
// domain of the lists.
type crossing struct {
	s    *imported
	pair mta.Pair
	rows mapfile.Rows // of the other server
	ends func(name string) []string

	served   map[string]bool // domains that the other server takes or relays mail for
	accounts map[string]bool // names that are no aliases there
	foreign  map[string]bool // by domain: its mail leaves both servers
	seen     map[string]bool // by account or @domain: both sides were asked, and it is the same

	was, is []string // where a row ends
}

// Limits of rows that are followed. Beyond them, both sides are asked.
const (
	mostCrossed = 100 // recipients
	mostChained = 6   // targets that lead to further rows
)

// crossed makes a pair settle rows of lists. The other set has to know local names.
func (s *imported) crossed(pair *mta.Pair, built mta.Set) error {
	local, ok := built.(mta.Local)
	if !ok || s.found == nil || s.found.refuses {
		return nil
	}
	rows, err := built.Rows()
	if err != nil {
		return err
	}
	c := &crossing{s: s, pair: *pair, rows: rows, ends: local.Ends, served: map[string]bool{}, accounts: map[string]bool{}, foreign: map[string]bool{}, seen: map[string]bool{}}
	for name := range mta.Domains(built) {
		c.served[name] = true
	}
	pair.SameRow, pair.SameUnlisted = c.sameRow, c.sameUnlisted
	return nil
}

// sameRow reports whether the rows of a key lead to the same recipients.
func (c *crossing) sameRow(key, was, is []byte) bool {
	at := bytes.LastIndexByte(key, '@')
	if c.s.odd[string(key)] || c.s.class[string(key[at+1:])] != aliasClass || at > 0 && !isPlainLocal(key[:at]) {
		return false
	}
	c.was, c.is = c.was[:0], c.is[:0]
	if !c.follow(was, 0) || !c.followNext(is, 0) {
		return false
	}
	c.was, c.is = sortedOnce(c.was), sortedOnce(c.is)
	return slices.Equal(c.was, c.is) && c.sees(key, at)
}

// follow adds where the targets of a row of the lists end.
func (c *crossing) follow(value []byte, depth int) bool {
	for to := range bytes.SplitSeq(value, []byte(", ")) {
		at := bytes.LastIndexByte(to, '@')
		if at <= 0 || !isPlainLocal(to[:at]) || len(c.was) == mostCrossed {
			return false
		}
		switch class := c.s.class[string(to[at+1:])]; {
		case class == aliasClass:
			i, listed := mta.FindRow(&c.s.rows, to)
			if !listed || c.s.odd[string(to)] || depth == mostChained {
				return false
			}
			if _, next := c.s.rows.Row(i); !c.follow(next, depth+1) {
				return false
			}
		case class == elsewhere && c.leaves(to[at+1:]):
			c.was = append(c.was, string(to))
		case string(to[at+1:]) == c.s.facts.Host && !c.s.hostRows && c.s.users[string(to[:at])] == nil:
			c.was = append(c.was, string(to[:at]))
		default:
			return false
		}
	}
	return true
}

// followNext adds where a row of the other server ends.
func (c *crossing) followNext(value []byte, depth int) bool {
	at := bytes.LastIndexByte(value, '@')
	switch {
	case at < 0 && !isPlainLocal(value):
		return false
	case at < 0:
		return c.deliver(string(value))
	case !isPlainLocal(value[:at]):
		return false
	case c.served[string(value[at+1:])]:
		i, listed := mta.FindRow(c.rows, value)
		if !listed || depth == mostChained {
			return false
		}
		_, next := c.rows.Row(i)
		return c.followNext(next, depth+1)
	case !c.leaves(value[at+1:]):
		return false
	}
	c.is = append(c.is, string(value))
	return true
}

// deliver adds where the mail of a local name of the other server ends.
func (c *crossing) deliver(name string) bool {
	if c.accounts[name] {
		c.is = append(c.is, name)
		return true
	}
	ends := c.ends(name)
	if len(ends) == 1 && ends[0] == name {
		c.accounts[name] = true
	}
	for _, end := range ends {
		if !c.isEnd([]byte(end)) || len(c.is) == mostCrossed {
			return false
		}
		c.is = append(c.is, end)
	}
	return true
}

// isEnd reports whether a recipient is a plain account, or a plain address elsewhere.
func (c *crossing) isEnd(to []byte) bool {
	at := bytes.LastIndexByte(to, '@')
	return at < 0 && isPlainLocal(to) || at > 0 && isPlainLocal(to[:at]) && c.leaves(to[at+1:])
}

// leaves reports whether mail for a domain leaves both servers.
func (c *crossing) leaves(domain []byte) bool {
	leaves, known := c.foreign[string(domain)]
	if !known {
		name := string(domain)
		leaves = c.s.class[name] == elsewhere && !c.served[name] && isPlainDomain(name)
		c.foreign[name] = leaves
	}
	return leaves
}

// isPlainLocal reports whether a text is a name or a local part that both servers take as it
// is.
func isPlainLocal(text []byte) bool {
	for i, c := range text {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '-' || c == '_' || c == '='):
		case i > 0 && c == '.' && text[i-1] != '.' && i < len(text)-1:
		default:
			return false
		}
	}
	return len(text) > 0 && len(text) <= 150
}

// isPlainDomain reports whether a domain is a complete name in lower case without A-labels or
// anything else that a server may take for something else.
func isPlainDomain(name string) bool {
	labels := strings.Split(name, ".")
	last := labels[len(labels)-1]
	if len(labels) < 2 || len(name) > 63 || isLocalhost(name) || reserved(name) || last == "" || last[0] < 'a' || last[0] > 'z' {
		return false
	}
	return !slices.ContainsFunc(labels, func(label string) bool {
		return label == "" || strings.HasPrefix(label, "xn--") || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(c rune) bool { return c != '-' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') })
	})
}

// sees reports whether both sides were asked about every end of a row and about its domain. It
// asks about the row itself where they were not.
func (c *crossing) sees(key []byte, at int) bool {
	unseen := []string{}
	c.eachPart(key[at:], func(part string) {
		if _, known := c.seen[part]; !known {
			unseen = append(unseen, part)
		}
	})
	if len(unseen) > 0 {
		same := c.ask(string(key), at)
		for _, part := range unseen {
			c.seen[strings.Clone(part)] = same
		}
	}
	all := true
	c.eachPart(key[at:], func(part string) { all = all && c.seen[part] })
	return all
}

// eachPart calls do with the domain of a key, and with the account or the domain of every end
// of its row. A domain begins with an @.
func (c *crossing) eachPart(domain []byte, do func(part string)) {
	do("@" + string(domain))
	for _, to := range c.is {
		do(to[max(0, strings.LastIndexByte(to, '@')):])
	}
}

// ask asks both sides about the addresses of a key, which end where its row does.
func (c *crossing) ask(key string, at int) bool {
	local := key[:at]
	if local == "" {
		local = unlistedName
	}
	arrives := func(set mta.Set, addr string) bool {
		out, _ := set.Route(addr)
		return out.Taken && slices.Equal(slices.Sorted(slices.Values(out.Recipients)), c.is)
	}
	for _, addr := range []string{local + key[at:], local + "+detail" + key[at:]} {
		if !arrives(c.pair.Old, addr) || !arrives(c.pair.Next, addr) {
			return false
		}
	}
	return true
}

// sameUnlisted reports whether a domain without a catch-all in the lists refuses every name
// that it does not list with the same reply on both sides.
func (c *crossing) sameUnlisted(domain string, value []byte) bool {
	if c.s.class[domain] != aliasClass || !bytes.HasPrefix(value, []byte("error:")) {
		return false
	}
	for _, local := range []string{unlistedName, unlistedName + "+detail"} {
		was, _ := c.pair.Old.Route(local + "@" + domain)
		is, _ := c.pair.Next.Route(local + "@" + domain)
		if was.Taken || is.Taken || !sameReply(was, is) {
			return false
		}
	}
	return true
}

// sameReply reports whether two refusals have the same reply.
func sameReply(a, b outcome.Outcome) bool {
	return a.NotOurs == b.NotOurs && a.Code == b.Code && a.Status == b.Status && a.Text == b.Text
}
