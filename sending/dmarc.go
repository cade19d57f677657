package sending

import (
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dmarc"
	"golang.org/x/net/publicsuffix"

	"virtmap/internal/mailaddr"
	"virtmap/mxcheck"
)

// organizational returns the organizational domain of a name: the name below the public
// suffix (RFC 7489 3.2). A public suffix is its own.
func organizational(name string) string {
	org, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return name
	}
	return org
}

// checkDMARC checks the DMARC record of the domain, or that of its organizational domain.
func (d *domainCheck) checkDMARC() {
	at, texts, found := d.findDMARC()
	if !found {
		return
	}
	switch {
	case len(texts) == 0:
		who := "it has no DMARC record"
		if org := organizational(d.Domain); org != d.Domain {
			who = "neither it nor " + org + " has a DMARC record"
		}
		d.add(finding(DMARCNone, "%s", who).publish(txtLine("_dmarc."+d.Domain, "v=DMARC1; p=none; rua=mailto:postmaster@"+d.Domain)))
		return
	case len(texts) > 1:
		d.add(finding(DMARCSyntax, "_dmarc.%s has %d DMARC records, and all are ignored", at, len(texts)).advise("publish one"))
		return
	}
	r, fatal, others := readDMARC(texts[0])
	for _, why := range fatal {
		d.add(finding(DMARCSyntax, "DMARC at _dmarc.%s: %s, and the record is ignored", at, why))
	}
	for _, why := range others {
		d.add(finding(DMARCSyntax, "DMARC at _dmarc.%s: %s", at, why).lowered(mxcheck.Warning))
	}
	if len(fatal) > 0 {
		return
	}
	policy := r.Policy
	if at != d.Domain && r.SubdomainPolicy != "" {
		policy = r.SubdomainPolicy
	}
	d.checkAlignment(&r, policy)
	d.checkReceivers(at, r.reports)
	if !d.has(DMARCSyntax) && !d.has(DMARCAlign) && !d.has(DMARCReport) && !d.has(DMARCUnknown) {
		d.add(finding(DMARCOK, "DMARC at _dmarc.%s says %s for it", at, policy))
	}
}

// findDMARC returns the DMARC records of the domain, else those of its organizational
// domain, and the domain that has them.
func (d *domainCheck) findDMARC() (at string, texts []string, found bool) {
	for _, at = range []string{d.Domain, organizational(d.Domain)} {
		name := "_dmarc." + at
		all, failed := d.txt(name, func(text string) bool { return strings.Contains(withoutWhite(mailaddr.Lower(text)), "v=dmarc1") })
		if failed.Failure != "" {
			d.add(noAnswer(DMARCUnknown, name, failed))
			return at, nil, false
		}
		for _, text := range all {
			if isDMARC(text) {
				texts = append(texts, text)
				continue
			}
			d.add(finding(DMARCSyntax, "%s has a record that does not begin with v=DMARC1, and is ignored: %.60q", name, text).
				advise("put v=DMARC1; in front of all other tags"))
		}
		if len(texts) > 0 || len(all) > 0 || organizational(d.Domain) == at {
			return at, texts, len(texts) > 0 || len(all) == 0
		}
	}
	return at, texts, true
}

// checkAlignment adds a finding when neither SPF nor DKIM passes for a domain that aligns
// with that of the From.
func (d *domainCheck) checkAlignment(r *dmarcRecord, policy dmarc.Policy) {
	spfAligned := aligns(d.envelope(), d.Domain, r.SPFAlignment)
	keyAligned := slices.ContainsFunc(d.aligned, func(domain string) bool { return aligns(domain, d.Domain, r.DKIMAlignment) })
	switch {
	case d.spf == passes && spfAligned, keyAligned:
		return
	case d.spf == unsure && spfAligned, d.keys == unsure:
		return // it is not known whether they pass
	}
	f := finding(DMARCAlign, "neither SPF (%s) nor DKIM (%s) of our mail passes for it, and DMARC says %s", d.describeSPF(spfAligned), d.describeKeys(), policy)
	if policy == dmarc.PolicyNone {
		f = f.lowered(mxcheck.Warning)
	}
	d.add(f.advise("mend one of the two"))
}

// aligns reports whether a domain aligns with that of the From (RFC 7489 3.1).
func aligns(domain, from string, mode dmarc.AlignmentMode) bool {
	if mode == dmarc.AlignmentStrict {
		return domain == from
	}
	return organizational(domain) == organizational(from)
}

func (d *domainCheck) describeSPF(aligned bool) string {
	switch {
	case d.spf == passes && !aligned:
		return "of " + d.envelope() + ", which does not align"
	case d.spfSays != "":
		return d.spfSays
	}
	return "none"
}

func (d *domainCheck) describeKeys() string {
	switch {
	case len(d.Keys) == 0:
		return "no key"
	case d.keys == passes:
		return "of " + strings.Join(d.aligned, ", ") + ", which does not align"
	}
	return "no key that verifies"
}

// checkReceivers checks that other domains say that they take reports. at is the domain of
// the DMARC record.
func (d *domainCheck) checkReceivers(at string, addrs []string) {
	var asked []string
	for _, addr := range addrs {
		_, domain, _ := strings.Cut(mailaddr.Lower(addr), "@")
		if organizational(domain) == organizational(at) || slices.Contains(asked, domain) {
			continue
		}
		asked = append(asked, domain)
		name := at + "._report._dmarc." + domain
		texts, failed := d.txt(name, isDMARC)
		switch {
		case failed.Failure != "":
			d.add(noAnswer(DMARCUnknown, name, failed))
		case len(texts) == 0:
			d.add(finding(DMARCReport, "%s gets reports, and does not say that it takes those of %s", domain, at).
				advise("ask for this line in the zone of %s", domain).publish(txtLine(name, "v=DMARC1")))
		}
	}
}
