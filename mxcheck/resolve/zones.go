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

// A zone is the content of one zone file.
type zone struct {
	apex    string // name of the zone
	file    string
	names   map[string]*node // also names without records that have names below them
	proof   mxcheck.Proof
	divided bool // parts of it are delegated or renamed
}

// A node is a name of a zone.
type node struct {
	records []mxcheck.Record        // also of types that mxcheck does not need, without data
	seen    map[mxcheck.Record]bool // the set of records, when they are many
	dname   mxcheck.Record          // the DNAME record, as the alias that it makes
	cut     bool                    // it has NS records
	aliases int                     // number of CNAME records
	others  int                     // number of records that are not allowed beside a CNAME
	clash   bool                    // it has both, and there is a fault about that
}

// fewRecords is the number of records up to which a search in a slice is as fast
// as a set.
const fewRecords = 16

// add adds a record, and reports whether it is new. The records of a name and type
// are a set, and have one time to live (RFC 2181 5).
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

// makeNode returns the node of a name. If there is none, it makes the node, and the
// nodes of the names above.
func (z *zone) makeNode(name string) *node {
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

// above returns the name above a name. Above a name of one label is the root.
func above(name string) string {
	if _, parent, ok := strings.Cut(name, "."); ok && parent != "" {
		return parent
	}
	return "."
}

// below returns a name with labels in front.
func below(labels, name string) string {
	if name == "." {
		return labels
	}
	return labels + "." + name
}

// Covers reports whether a name is in one of the zones.
func (z *Zones) Covers(name string) bool { return z.find(name) != nil }

// find returns the zone of a name: of several, the one with the longest apex.
func (z *Zones) find(name string) *zone {
	for {
		if found := z.zones[name]; found != nil || name == "." {
			return found
		}
		name = above(name)
	}
}

// Ask answers as a name server of the zone would. It does not follow an alias.
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

// answer answers from one zone.
func (z *zone) answer(q mxcheck.Question) mxcheck.Answer {
	a := mxcheck.Answer{Authoritative: true, Server: z.file}
	if z.divided {
		if whole, done := z.delegated(q.Name, a); done {
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

// delegated answers for a name under a delegation or a DNAME record. done is false
// for other names.
func (z *zone) delegated(name string, a mxcheck.Answer) (answer mxcheck.Answer, done bool) {
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

// answer answers from the records of one name.
func (n *node) answer(a mxcheck.Answer, q mxcheck.Question, proof *mxcheck.Proof) mxcheck.Answer {
	for _, r := range n.records {
		r.Name = q.Name // records of a wildcard get the name in the question
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

// path returns the names from the apex down to a name of the zone.
func (z *zone) path(name string) []string {
	path := []string{name}
	for name != z.apex {
		name = above(name)
		path = append(path, name)
	}
	slices.Reverse(path)
	return path
}

// wildcard returns the wildcard for a name that does not exist: the one at its
// closest encloser, and no other (RFC 4592 3.3.1).
func (z *zone) wildcard(name string) *node {
	for name != z.apex {
		name = above(name)
		if z.names[name] != nil {
			return z.names[below("*", name)]
		}
	}
	return nil
}
