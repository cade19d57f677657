package resolve

import (
	"context"
	"strings"

	"virtmap/mxcheck"
)

// Zones is an mxcheck.Resolver over zone files.
type Zones struct {
	zones map[string]*zone // by apex
}

// A zone is what one zone file holds.
type zone struct {
	apex  string
	file  string
	names map[string]*node // with the names in between that have no records
	proof mxcheck.Proof
}

// A node is a name of a zone.
type node struct {
	records []mxcheck.Record // also of types that nobody asks for, with no data
	dname   mxcheck.Record   // where a DNAME record leads, as the alias it makes
}

func (n *node) has(t mxcheck.Type) bool {
	for _, r := range n.records {
		if r.Type == t {
			return true
		}
	}
	return false
}

// Covers reports whether one of the files is of a zone that the name is in.
func (z *Zones) Covers(name string) bool { return z.find(name) != nil }

// find gives the zone that holds a name: the one with the longest apex.
func (z *Zones) find(name string) *zone {
	for {
		if found := z.zones[name]; found != nil {
			return found
		}
		_, above, ok := strings.Cut(name, ".")
		if !ok {
			return z.zones["."]
		}
		name = above
	}
}

// Ask answers as the zone's own server would. An alias is left to the asker to
// follow.
func (z *Zones) Ask(ctx context.Context, q mxcheck.Question) mxcheck.Answer {
	if ctx.Err() != nil {
		return stopped()
	}
	found := z.find(q.Name)
	if found == nil {
		return mxcheck.Answer{Failure: mxcheck.DNSNoZone, Detail: q.Name}
	}
	return found.answer(q)
}

func (z *zone) answer(q mxcheck.Question) mxcheck.Answer {
	a := mxcheck.Answer{Authoritative: true, Server: z.file}
	for _, above := range z.path(q.Name) {
		n := z.names[above]
		switch {
		case n == nil: // nothing is below it either
		case above != z.apex && n.has(mxcheck.TypeNS):
			a.Failure, a.Detail = mxcheck.DNSNoZone, q.Name+" is delegated away by "+z.file
			return a
		case n.dname.Target != "" && above != q.Name:
			alias := n.dname
			alias.Name, alias.Target = q.Name, strings.TrimSuffix(q.Name, above)+n.dname.Target
			a.Aliases = []mxcheck.Record{alias}
			return a
		}
	}
	n := z.names[q.Name]
	if n == nil {
		n = z.wildcard(q.Name)
	}
	if n == nil {
		a.NoName, a.Proof = true, &z.proof
		return a
	}
	return n.answer(a, q, &z.proof)
}

func (n *node) answer(a mxcheck.Answer, q mxcheck.Question, proof *mxcheck.Proof) mxcheck.Answer {
	for _, r := range n.records {
		r.Name = q.Name // a wildcard's records take the name that was asked for
		switch r.Type {
		case q.Type:
			a.Records = append(a.Records, r)
		case mxcheck.TypeCNAME:
			a.Aliases = append(a.Aliases, r)
		}
	}
	if len(a.Records) == 0 && len(a.Aliases) == 0 {
		a.Proof = proof
	}
	return a
}

// path gives the names from the apex down to a name of the zone.
func (z *zone) path(name string) []string {
	path := []string{name}
	for name != z.apex {
		_, above, ok := strings.Cut(name, ".")
		if !ok {
			above = "."
		}
		name = above
		path = append([]string{name}, path...)
	}
	return path
}

// wildcard finds the wildcard that stands for a name that is not there: the
// one at its closest encloser, and no other (RFC 4592 3.3.1).
func (z *zone) wildcard(name string) *node {
	path := z.path(name)
	for i := len(path) - 2; i >= 0; i-- {
		if z.names[path[i]] != nil {
			return z.names[strings.TrimSuffix("*."+path[i], ".")]
		}
	}
	return nil
}
