package resolve

import (
	"slices"

	"github.com/miekg/dns"

	"virtmap/mxcheck"
)

// besideCNAME are the types that may stand beside an alias (RFC 4035 2.5,
// RFC 2181 10.1).
var besideCNAME = []uint16{dns.TypeCNAME, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeKEY, dns.TypeNXT}

// checkNodes reports what a name server would refuse or leave out.
func (l *zoneLoader) checkNodes() {
	reported := map[string]bool{}
	for _, p := range l.read {
		n := l.zone.names[p.name]
		if n == nil || reported[p.name] {
			continue
		}
		aliases, others := 0, 0
		for _, r := range n.records {
			switch {
			case r.Type == mxcheck.TypeCNAME:
				aliases++
			case !slices.Contains(besideCNAME, uint16(r.Type)):
				others++
			}
		}
		text := ""
		switch {
		case aliases > 0 && others > 0:
			text = "is an alias (CNAME) and has other records beside it; name servers refuse such a zone"
		case aliases > 1:
			text = "is an alias of two names"
		}
		if text != "" {
			reported[p.name] = true
			l.fault(0, "%s %s", p.name, text).at(p).help("keep the CNAME or the other records (RFC 1034 3.6.2)")
		}
		l.occluded(p)
	}
	for _, p := range l.read {
		if p.rr.Header().Rrtype == dns.TypeSOA && p.name != l.zone.apex {
			l.fault(0, "a second SOA record, of %s", p.name).at(p).help("one zone a file")
		}
	}
}

// occluded reports a record that nobody gets to see, because its name is given
// to another zone above it.
func (l *zoneLoader) occluded(p placed) {
	kind := p.rr.Header().Rrtype
	for _, above := range l.zone.path(p.name) {
		n := l.zone.names[above]
		glue := kind == dns.TypeA || kind == dns.TypeAAAA
		here := above == p.name
		switch {
		case n == nil || above == l.zone.apex && n.dname.Target == "":
		case above != l.zone.apex && n.has(mxcheck.TypeNS) && !glue && (!here || kind == dns.TypeMX || kind == dns.TypeCNAME):
			l.fault(0, "%s is delegated away by the NS records of %s; this record is left out", p.name, above).at(p).warn().
				help("put it into the zone %s", above)
			return
		case n.dname.Target != "" && !here:
			l.fault(0, "%s is below the DNAME record of %s; this record is left out", p.name, above).at(p).warn().
				help("the DNAME renames everything below %s (RFC 6672 2.4)", above)
			return
		}
	}
}
