package sending

import (
	"net/netip"

	"virtmap/mxcheck"
	"virtmap/sending/spf"
)

// checkSPF checks the SPF record of the domain, and of the domain in the envelope sender.
func (d *domainCheck) checkSPF() {
	d.spf = d.checkRecord(d.Domain)
	if d.envelope() == d.Domain {
		return
	}
	d.spf = passes
	for _, addr := range d.Host.Addresses {
		switch a := d.query(d.envelope(), addr).Evaluate(d.ctx); a.Result {
		case spf.Pass:
		case spf.TempError:
			d.spf = unsure
			return
		default:
			d.spf, d.spfSays = fails, a.Result.String()
			return
		}
	}
}

// checkRecord checks the SPF record of a domain.
func (d *domainCheck) checkRecord(domain string) state {
	texts, failed := d.txt(domain, spf.IsRecord)
	switch {
	case failed.Failure != "":
		f := noAnswer(SPFUnknown, domain, failed)
		f.Level = mxcheck.Unknown // also without a zone file: then nothing is known of the domain
		d.add(f)
		return unsure
	case len(texts) == 0:
		d.spfSays = spf.None.String()
		d.add(finding(SPFNone, "it has no SPF record").publish(txtLine(domain, firstSPF(d.Host.Addresses))))
		return absent
	case len(texts) > 1:
		d.spfSays = spf.PermError.String()
		d.add(finding(SPFMany, "it has %d SPF records, and every answer is permerror", len(texts)).
			advise("publish one in place of all").publish(spfLine(domain, d.complete(domain, mergeSPF(texts)))))
		return fails
	}
	c := recordCheck{domainCheck: d, domain: domain}
	return c.check(texts[0])
}

// query returns a Query for the mail of the host.
func (d *domainCheck) query(domain string, addr netip.Addr) spf.Query {
	return spf.Query{Resolver: (*remembering)(d.Checker), IP: addr, Domain: domain, Helo: d.Host.Name}
}
