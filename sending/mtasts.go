package sending

import (
	"strings"

	"virtmap/mxcheck"
)

// isSTS reports whether a text is a record of MTA-STS (RFC 8461 3.1).
func isSTS(text string) bool { return strings.HasPrefix(withoutWhite(text)+";", "v=STSv1;") }

// checkSTS checks the record of MTA-STS and the policy. Nothing is said about a domain that
// has neither.
func (d *domainCheck) checkSTS() {
	name := "_mta-sts." + d.Domain
	texts, failed := d.txt(name, isSTS)
	switch {
	case failed.Failure == mxcheck.DNSNoZone && d.Policy == "":
		return
	case failed.Failure != "":
		d.add(noAnswer(STSUnknown, name, failed))
	case len(texts) == 0 && d.Policy == "":
		return
	case len(texts) == 0:
		d.add(finding(STSID, "it has a policy of MTA-STS and no record at %s, and senders do not ask for the policy", name).publish(txtLine(name, "v=STSv1; id=1;")))
	case len(texts) > 1:
		d.add(finding(STSID, "%s has %d records, and all are ignored", name, len(texts)).advise("publish one"))
	default:
		d.checkSTSRecord(name, texts[0])
	}
	text, ok := d.policyText()
	if !ok {
		return
	}
	policy, mistakes := ParsePolicy(text)
	if len(mistakes) > 0 {
		d.add(finding(STSSyntax, "its policy of MTA-STS is ignored: %s", strings.Join(mistakes, "; ")))
		return
	}
	d.checkPolicy(&policy)
}

// checkSTSRecord checks the id of the record: 1 to 32 letters and digits (RFC 8461 3.1).
func (d *domainCheck) checkSTSRecord(name, text string) {
	list, mistakes := readTags(text)
	id := list.find("id")
	switch {
	case len(mistakes) > 0:
		d.add(finding(STSID, "%s is ignored: %s", name, strings.Join(mistakes, "; ")))
	case id == nil:
		d.add(finding(STSID, "%s has no id=", name).publish(txtLine(name, "v=STSv1; id=1;")))
	case !isSTSID(id.value):
		d.add(finding(STSID, "%s has the id %.40q, and an id has 1 to 32 letters and digits", name, id.value).publish(txtLine(name, "v=STSv1; id=1;")))
	}
}

func isSTSID(id string) bool {
	return id != "" && len(id) <= 32 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// policyText returns the text of the policy: from HTTPS if it can be fetched, which must
// then be that of the file.
func (d *domainCheck) policyText() (text string, ok bool) {
	if d.Fetch == nil {
		return d.Policy, d.Policy != ""
	}
	text, err := d.Fetch(d.ctx, d.Domain)
	switch {
	case err != nil:
		d.add(finding(STSID, "its policy of MTA-STS cannot be fetched: %s", err).advise("senders that know an older policy keep it"))
		return d.Policy, d.Policy != ""
	case d.Policy != "" && d.Policy != text:
		d.add(finding(STSID, "its policy of MTA-STS at https://mta-sts.%s is not that of the file", d.Domain).advise("install the file, and then publish a new id"))
	}
	return text, true
}

// checkPolicy compares a policy with the MX records of the domain.
func (d *domainCheck) checkPolicy(p *Policy) {
	if p.Mode == "none" {
		return
	}
	a := d.ask(d.ctx, d.Domain, mxcheck.TypeMX)
	if a.Failure != "" {
		d.add(noAnswer(STSUnknown, d.Domain, a))
		return
	}
	for _, r := range a.Records {
		if r.Target == "." || p.Lists(r.Target) {
			continue
		}
		f := finding(STSMX, "its policy of MTA-STS (%s) does not list the MX %s, and senders will not deliver there", p.Mode, r.Target)
		if p.Mode == "testing" {
			f = finding(STSMX, "its policy of MTA-STS (testing) does not list the MX %s", r.Target).lowered(mxcheck.Warning)
		}
		d.add(f.advise("add the line \"mx: %s\" to the policy, and publish a new id", r.Target))
	}
}
