package resolve

import (
	"context"
	"slices"
	"strings"

	"virtmap/mxcheck"
)

// Zones is an mxcheck.Resolver over zone files.
type Zones struct {
	zones   map[string]*zone // by apex
	reading Reading
}

// A zone is what one zone file holds.
type zone struct {
	apex    string
	file    string
	names   map[string]*node // with the names in between that have no records
	proof   mxcheck.Proof
	divided bool // parts of it are delegated or renamed
}

// A node is a name of a zone.
type node struct {
	records []mxcheck.Record // also of types that nobody asks for, with no data
	seen    map[mxcheck.Record]bool
	dname   mxcheck.Record // where a DNAME record leads, as the alias it makes
	cut     bool           // it has NS records
	aliases int            // CNAME records
	others  int            // records that may not stand beside one
	clash   bool           // both, and that was said
}

// fewRecords is up to where looking through the records of a name is as quick
// as a set.
const fewRecords = 16

// add takes a record, if it is not there yet: the records of a name and type
// are a set, with one time to live (RFC 2181 5).
func (n *node) add(r mxcheck.Record) bool {
	bare := r
	bare.TTL = 0
	if len(n.records) >= fewRecords && n.seen == nil {
		n.seen = map[mxcheck.Record]bool{}
		for _, known := range n.records {
			known.TTL = 0
			n.seen[known] = true
		}
	}
	if n.seen[bare] {
		return false
	}
	for i := range n.records[:min(len(n.records), fewRecords)] {
		known := n.records[i]
		if known.Type == r.Type {
			r.TTL = known.TTL
		}
		if known.TTL = 0; known == bare {
			return false
		}
	}
	if n.seen != nil {
		n.seen[bare] = true
	}
	n.records = append(n.records, r)
	switch {
	case r.Type == mxcheck.TypeCNAME:
		n.aliases++
	case !slices.Contains(alongCNAME, r.Type):
		n.others++
	}
	n.cut = n.cut || r.Type == mxcheck.TypeNS
	return true
}

// reach gives the node of a name, and makes it and those above it where they
// are not there.
func (z *zone) reach(name string) *node {
	made := &node{}
	found, ok := z.names[name]
	if ok {
		return found
	}
	z.names[name] = made
	for name != z.apex {
		name = above(name)
		if z.names[name] != nil {
			break
		}
		z.names[name] = &node{}
	}
	return made
}

// above gives the name above; above the last label is the root.
func above(name string) string {
	if _, parent, ok := strings.Cut(name, "."); ok && parent != "" {
		return parent
	}
	return "."
}

// below puts labels in front of a name.
func below(labels, name string) string {
	if name == "." {
		return labels
	}
	return labels + "." + name
}

// Covers reports whether one of the files is of a zone that the name is in.
func (z *Zones) Covers(name string) bool { return z.find(name) != nil }

// find gives the zone that holds a name: the one with the longest apex.
func (z *Zones) find(name string) *zone {
	for {
		if found := z.zones[name]; found != nil || name == "." {
			return found
		}
		name = above(name)
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
	if z.divided {
		if whole, done := z.given(q.Name, a); done {
			return whole
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

// given answers for a name that is delegated or renamed above.
func (z *zone) given(name string, a mxcheck.Answer) (mxcheck.Answer, bool) {
	for _, above := range z.path(name) {
		n := z.names[above]
		switch {
		case n == nil: // nothing is below it either
			return a, false
		case above != z.apex && n.cut:
			a.Failure, a.Detail = mxcheck.DNSNoZone, name+" is delegated away by "+z.file
			return a, true
		case n.dname.Target != "" && above != name:
			alias := n.dname
			labels, _ := cutName(name, above)
			alias.Name, alias.Target = name, below(labels, n.dname.Target)
			a.Aliases = []mxcheck.Record{alias}
			return a, true
		}
	}
	return a, false
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
		name = above(name)
		path = append(path, name)
	}
	slices.Reverse(path)
	return path
}

// wildcard finds the wildcard that stands for a name that is not there: the
// one at its closest encloser, and no other (RFC 4592 3.3.1).
func (z *zone) wildcard(name string) *node {
	for name != z.apex {
		name = above(name)
		if z.names[name] != nil {
			return z.names[below("*", name)]
		}
	}
	return nil
}
