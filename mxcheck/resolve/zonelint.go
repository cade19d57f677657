package resolve

import (
	"slices"

	"github.com/miekg/dns"

	"virtmap/mxcheck"
)

// alongCNAME are the types of records that a name with a CNAME record may have
// (RFC 4035 2.5).
var alongCNAME = []mxcheck.Type{mxcheck.Type(dns.TypeRRSIG), mxcheck.Type(dns.TypeNSEC), mxcheck.Type(dns.TypeKEY), mxcheck.Type(dns.TypeNXT)}

// besideAlias refuses a record that gives a name both a CNAME and another record,
// or two CNAME records.
func (l *zoneLoader) besideAlias(p *placed, n *node) {
	const help = "keep the CNAME or the other records (RFC 1034 3.6.2)"
	switch {
	case n.clash:
	case n.aliases > 0 && n.others > 0:
		n.clash = true
		l.refuse(p, help, "%s is an alias (CNAME) and has other records beside it; name servers refuse such a zone", p.name)
	case n.aliases > 1:
		n.clash = true
		l.refuse(p, help, "%s is an alias of two names; name servers refuse such a zone", p.name)
	}
}

// lint warns of records that a name server leaves out.
func (l *zoneLoader) lint() {
	if !l.zone.names[l.zone.apex].cut {
		l.warn(&l.read[l.soa], "name servers such as BIND do not load it; write @ NS and the name of a name server", "the zone has no NS records")
	}
	if !l.zone.divided {
		return
	}
	for i := range l.read {
		l.occluded(&l.read[i])
	}
}

// occluded warns of a record that is in no answer, because a name above it is
// delegated to another zone or has a DNAME record.
func (l *zoneLoader) occluded(p *placed) {
	if l.zone.names[p.name] == nil {
		return // add has left it out
	}
	kind := p.rr.Header().Rrtype
	addresses := kind == dns.TypeA || kind == dns.TypeAAAA
	for _, above := range l.zone.path(p.name) {
		n := l.zone.names[above]
		switch {
		case above == l.zone.apex && n.dname.Target == "":
		case above != l.zone.apex && n.cut && !addresses && (above != p.name || slices.Contains([]uint16{dns.TypeMX, dns.TypeCNAME}, kind)):
			l.warn(p, "put it into the zone "+above, "%s is delegated away by the NS records of %s; this record is left out", p.name, above)
			return
		case n.dname.Target != "" && above != p.name:
			l.warn(p, "the DNAME renames everything below "+above+" (RFC 6672 2.4); some name servers refuse the zone",
				"%s is below the DNAME record of %s; this record is left out", p.name, above)
			return
		}
	}
}
