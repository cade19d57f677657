package mxcheck

import (
	"strings"
)

// Times to live in seconds. One below or above these limits gets a warning.
const (
	shortTTL = 60
	longTTL  = 7 * 24 * 3600
)

// warnings adds the warnings about a domain whose mail arrives here.
func (j *judgement) warnings(here *target) {
	var dead []string
	for i := range j.targets {
		t := &j.targets[i]
		if why := t.host.why(j.us); why != "" && t.dead(j.us) {
			dead = append(dead, t.name+" "+why)
		}
		j.targetWarnings(t)
	}
	if len(dead) > 0 {
		j.add(finding(TargetPartlyDead, "it has MX targets that cannot be used: %s", strings.Join(dead, "; ")).
			advise("take them out of the MX records"))
	}
	if len(j.answer.Records) > manyMX {
		j.add(finding(Many, "it has %d MX records; sendmail reads %d, Postfix tries 5 addresses", len(j.answer.Records), tooManyMX).
			advise("publish a few"))
	}
	j.hereWarnings(here)
	j.ttlWarnings()
}

// targetWarnings adds the warnings about one target.
func (j *judgement) targetWarnings(t *target) {
	if len(t.host.aliases) > 0 && t.host.state == alive {
		j.add(finding(TargetCNAME, "its MX %s is an alias of %s; some senders bounce", t.name, t.host.end).
			advise("publish: %s MX %d %s", dotted(j.end), t.pref, dotted(t.host.end)))
	}
	if t.times > 1 {
		j.add(finding(DupTarget, "its MX %s is listed %d times", t.name, t.times).advise("keep one of them"))
	}
	if strings.Contains(t.name, "_") {
		j.add(finding(TargetName, "its MX %s has an underscore in it; some senders ignore it", t.name).
			advise("give the host a name of letters, digits and hyphens"))
	}
}

// hereWarnings adds the warnings about the addresses of this server.
func (j *judgement) hereWarnings(here *target) {
	h := here.host
	if len(j.us.Networks) > 0 && len(h.addrs) > 0 {
		if others := j.us.foreign(h); len(others) > 0 {
			j.add(finding(TargetMixedAddr, "%s has addresses that are not this server: %s", here.name, joinAddrs(others)).
				advise("list them under host.networks if they are, or take them out of the DNS"))
		}
	}
	if inner := h.inner(); len(inner) > 0 {
		f := finding(TargetPrivate, "%s has addresses that the world cannot reach: %s", here.name, joinAddrs(inner)).
			advise("ask a resolver that sees what the world sees, with --resolver")
		f.Level = Warning
		j.add(f)
	}
	if h.v6Only() {
		j.add(finding(TargetV6Only, "%s has only IPv6 addresses; senders without IPv6 cannot deliver", here.name).
			advise("publish an IPv4 address: %s A", dotted(h.end)))
	}
}

// ttlWarnings adds the warnings about times to live. A short one counts only from
// an authoritative server, because a cache counts it down.
func (j *judgement) ttlWarnings() {
	switch ttl := j.answer.Records[0].TTL; {
	case ttl < shortTTL && j.answer.Authoritative:
		j.add(finding(TTLLow, "its MX records hold for %d seconds; every message costs a look-up", ttl).advise("publish them with an hour or more"))
	case ttl > longTTL:
		j.add(finding(TTLHigh, "its MX records hold for %d days; a change takes that long to be seen", ttl/(24*3600)).advise("publish them with a day or less"))
	}
}

// domainFindings adds the findings that do not depend on the MX records.
func (j *judgement) domainFindings() {
	if j.answer.Stale {
		j.outOfDate()
	}
	if len(j.Findings) > 0 && j.Level < Unknown {
		if len(j.answer.Aliases) > 0 {
			j.add(finding(AliasDomain, "it is an alias of %s, which decides where its mail goes; some senders rewrite the address to that name", j.end).
				advise("list %s in the inventory too, or %s", j.end, j.publish()))
		}
		if !strings.Contains(j.Subject.Domain, ".") {
			j.add(finding(TLD, "it has one label, and such domains are not reliable for mail"))
		}
	}
}

// outOfDate adds the finding for an old answer. The domain stays as it was. A
// finding of level error is replaced, because it may no longer be true.
func (j *judgement) outOfDate() {
	f := finding(StaleAnswer, "the resolver gave an answer that is out of date, because it cannot reach the servers of the zone")
	if j.Level == Error {
		f.Level, f.Text = Unknown, f.Text+"; it was: "+j.Text()
		j.Findings, j.Level = nil, OK
	}
	j.add(f)
}

// combined returns the verdict of two opinions, of which the first is an error.
func combined(first, second Verdict) Verdict {
	from := first.firstServer()
	first.addServers(second.Servers...)
	switch {
	case second.Level == Unknown:
		second.Findings[0].Text = "a second question was not answered (" + second.Text() + "); the first answer was: " + first.Text()
		second.Servers = first.Servers
		return second
	case second.ID() == first.ID():
		return first
	case second.Level < Unknown && inner(first.Records) && !inner(second.Records):
		second.add(finding(SplitHorizon, "%s gives inner addresses, and %s public ones, which decide", from, strings.Join(second.Servers, ", ")).
			advise("ask a resolver that sees what the world sees, with --resolver"))
		second.Servers = first.Servers
		return second
	}
	v := Verdict{Subject: first.Subject, Records: first.Records, Servers: first.Servers, TTL: first.TTL}
	v.add(finding(DNSDisagree, "two questions got different answers: %s; and from %s: %s", first.Text(), strings.Join(second.Servers, ", "), second.Text()).
		advise("wait until the change is seen everywhere; it is asked again"))
	return v
}

// inner reports whether records have an address that is not public.
func inner(records []Record) bool {
	for _, r := range records {
		if r.Addr.IsValid() && !isPublic(r.Addr) {
			return true
		}
	}
	return false
}
