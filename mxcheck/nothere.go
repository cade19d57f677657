package mxcheck

import (
	"strings"

	"virtmap/internal/mailaddr"
)

// notHere judges a domain that has no usable target which is this server.
func (j *judgement) notHere() {
	for i := range j.targets {
		if j.targets[i].uncertain(j.us) {
			j.addUnknown(&j.targets[i])
			return
		}
	}
	if t := j.find(func(t *target) bool { return t.host.ours || j.us.isName(t.name) }); t != nil {
		j.deadTarget(t)
		return
	}
	if t := j.find(func(t *target) bool { _, ok := j.withoutZone(t); return ok }); t != nil {
		j.deadTarget(t)
		return
	}
	usable := j.find(func(t *target) bool { return !t.dead(j.us) })
	if usable == nil {
		j.deadTarget(&j.targets[0])
		return
	}
	text := "none of its MX hosts is this server; the best is " + describe(usable)
	for i := range j.targets {
		if name, ok := j.us.resembles(j.targets[i].name); ok {
			j.add(finding(Lookalike, "%s; %s is spelled almost like %s, and is not it", text, j.targets[i].name, name).
				advise("%s", j.publish()))
			return
		}
	}
	j.add(finding(Elsewhere, "%s", text).advise("%s", j.publish()))
}

// find returns the first target for which is returns true, or nil.
func (j *judgement) find(is func(*target) bool) *target {
	for i := range j.targets {
		if is(&j.targets[i]) {
			return &j.targets[i]
		}
	}
	return nil
}

// addUnknown adds the finding that the addresses of a target are not known.
func (j *judgement) addUnknown(t *target) {
	what := "its MX " + t.name
	if t.name == j.end {
		what = t.name + " itself"
	}
	j.add(finding(t.host.failure.Failure, "the addresses of %s are not known: %s", what, failureText(t.host.failure)).
		advise("%s", failureAdvice(t.host.failure.Failure, t.name)))
}

// withoutZone returns the name that a person meant by a target which does not
// exist, if the person forgot the final dot. A name server adds the name of the
// zone to a target without a final dot; withoutZone takes the name off again.
func (j *judgement) withoutZone(t *target) (name string, ok bool) {
	if t.host.state != noName && t.host.state != noAddress {
		return "", false
	}
	for zone, more := j.end, true; more && strings.Contains(zone, "."); zone, more = parent(zone) {
		name, under := strings.CutSuffix(t.name, "."+zone)
		if under && (name == zone || strings.HasSuffix(name, "."+zone) || j.us.isName(name)) {
			return name, true
		}
	}
	return "", false
}

// deadTarget judges a domain by a target that senders cannot use: the best one, or
// the one that should be this server.
func (j *judgement) deadTarget(t *target) {
	if name, ok := j.withoutZone(t); ok {
		j.add(finding(TargetRelative, "its MX %s does not exist: a final dot is missing, and the zone put its own name behind the target", t.name).
			advise("write the target with its final dot: %s MX %d %s", dotted(j.end), t.pref, dotted(name)))
		return
	}
	which, advice := "its best MX ", j.publish()
	if t.host.ours || j.us.isName(t.name) {
		which, advice = "its MX ", "publish an address: "+dotted(t.host.end)+" A"
	}
	id := TargetPrivate
	switch t.host.state {
	case noName:
		id = TargetNXDomain
	case noAddress:
		id = TargetNoAddr
	case aliasLoop:
		id = TargetCNAMELoop
	case literal:
		id, advice = TargetIP, j.publish()
	default:
		if t.host.ours || j.us.isName(t.name) {
			advice = "publish a public address for " + dotted(t.name) + ", or list this one under host.networks if senders reach it"
		}
	}
	j.add(finding(id, "%s%s %s", which, t.name, t.host.why(j.us)).advise("%s", advice))
}

// implicit judges a domain without MX records by its own addresses.
func (j *judgement) implicit(h *host) {
	j.Records = append(j.Records, h.records...)
	j.answer.Stale = j.answer.Stale || h.stale
	j.addServers(h.from[:]...)
	t := target{name: h.name, host: h}
	switch {
	case h.state == unknown || t.uncertain(j.us):
		j.addUnknown(&t)
	case h.state == noName:
		j.add(finding(DNSDisagree, "it has no MX, so it is there, and yet it does not exist when it is asked for its address").
			advise("ask whoever runs the name servers of %s to mend them", j.end))
	case h.ours && t.usable(j.us) && j.Subject.Backup:
		j.add(finding(BackupBest, "the inventory says role: backup, and it has no MX: its own address %s is this server, and its mail would come back here", joinAddrs(h.addrs)).
			advise("publish a better MX, or take role: backup away"))
	case h.ours && t.usable(j.us):
		j.add(finding(OKImplicit, "it has no MX; mail arrives only because its own address %s is this server, matched %s", joinAddrs(h.addrs), h.how).
			advise("%s", j.publish()))
	case h.ours:
		j.deadTarget(&t)
	case len(h.addrs) == 0:
		j.add(finding(NoneNoAddr, "it exists, and has neither MX nor A nor AAAA records").advise("%s", j.publish()))
	default:
		j.add(finding(NoneAddrElsewhere, "it has no MX, and its address %s is not this server", joinAddrs(h.addrs)).advise("%s", j.publish()))
	}
}

// resembles returns the name of this server that another name looks like. The
// other name contains it, differs from it by one letter, or has letters that look
// the same.
func (u Us) resembles(name string) (ours string, ok bool) {
	seen := skeleton(mailaddr.Unicode(name))
	for _, ours := range u.Names {
		if strings.Contains(name, ours) || oneApart(seen, skeleton(ours)) {
			return ours, true
		}
	}
	return "", false
}

// lookalikes replaces letters that look like Latin letters: Cyrillic and Greek
// ones, and a few others of Unicode TS 39.
var lookalikes = strings.NewReplacer(
	"а", "a", "е", "e", "о", "o", "р", "p", "с", "c", "х", "x", "у", "y", "і", "i", "ѕ", "s", "ј", "j", "һ", "h", "ԁ", "d", "ո", "n", "м", "m", "т", "t", "к", "k", "в", "b", "н", "h",
	"ο", "o", "α", "a", "ν", "v", "ρ", "p", "ι", "i", "κ", "k", "τ", "t", "υ", "u", "χ", "x", "ε", "e",
	"ı", "i", "ɡ", "g", "ø", "o", "rn", "m", "vv", "w",
)

// skeleton returns a name with its lookalikes replaced.
func skeleton(name string) string { return lookalikes.Replace(name) }

// oneApart reports whether two names differ by at most one letter that is added,
// missing or replaced, or by two neighbouring letters in the other order. A
// difference of digits does not count: mx1 and mx2 are names of two servers.
func oneApart(a, b string) bool {
	x, y := []rune(a), []rune(b)
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	if rest := string(x) + string(y); rest != "" && strings.Trim(rest, "0123456789") == "" {
		return false
	}
	swapped := len(x) == 2 && len(y) == 2 && x[0] == y[1] && x[1] == y[0]
	return len(x) <= 1 && len(y) <= 1 || swapped
}
