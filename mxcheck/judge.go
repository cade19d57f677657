package mxcheck

import (
	"fmt"
	"slices"
	"strings"
)

// A judgement is a verdict that is being made, with the answers for it.
type judgement struct {
	Verdict
	us      Us
	answer  Answer // to the question for the MX records
	end     string // the domain, or the name that it is an alias of
	targets []target
}

// A target is one host of the MX records.
type target struct {
	name  string
	pref  uint16 // the best preference of its MX records
	times int    // the number of its MX records
	host  *host
}

// targets returns the targets of MX records, each once. They are sorted by
// preference and then by name, because servers answer in any order.
func targets(records []Record) []target {
	var all []target
	for _, r := range records {
		i := slices.IndexFunc(all, func(t target) bool { return t.name == r.Target })
		if i < 0 {
			all = append(all, target{name: r.Target, pref: r.Pref, times: 1})
			continue
		}
		all[i].times++
		all[i].pref = min(all[i].pref, r.Pref)
	}
	slices.SortFunc(all, func(a, b target) int {
		if a.pref != b.pref {
			return int(a.pref) - int(b.pref)
		}
		return strings.Compare(a.name, b.name)
	})
	return all
}

// targetNames returns the preference and the name of every target, sorted.
func targetNames(records []Record) []string {
	var names []string
	for _, t := range targets(records) {
		names = append(names, fmt.Sprintf("%d %s", t.pref, t.name))
	}
	return names
}

// usable reports whether senders can deliver to a target.
func (t *target) usable(us Us) bool { return t.host.state == alive && t.host.hasPublic(us) }

// uncertain reports whether a failed question leaves open if the target is this
// server, or if senders can use it.
func (t *target) uncertain(us Us) bool {
	h := t.host
	named := us.isName(h.name) || us.isName(h.end)
	switch {
	case h.failure.Failure == "" || h.ours && t.usable(us):
		return false
	case h.failure.Failure == DNSNoZone:
		// A zone file seldom has the addresses of its MX hosts. A name of
		// this server is enough.
		return !named && len(us.Networks) > 0
	}
	return !t.usable(us) || named || len(us.Networks) > 0
}

// record returns the MX record with which mail for the domain arrives here.
func (j *judgement) record() string {
	if len(j.us.Names) == 0 {
		return dotted(j.Subject.Domain) + " MX 10 with a name of this server"
	}
	return dotted(j.Subject.Domain) + " MX 10 " + dotted(j.us.Names[0])
}

// publish returns the advice how to change the records of the domain.
func (j *judgement) publish() string {
	switch {
	case j.Subject.Backup:
		return "publish the MX of the server that takes its mail, and behind it: " + strings.Replace(j.record(), " MX 10 ", " MX 20 ", 1)
	case len(j.answer.Aliases) > 0: // nothing may stand beside a CNAME
		return "replace its CNAME by: " + j.record()
	case len(j.answer.Records) > 0:
		return "replace its MX records by: " + j.record()
	}
	return "publish: " + j.record()
}

// nullMX judges a domain with a null MX (RFC 7505), and reports whether there is
// one.
func (j *judgement) nullMX() bool {
	records := j.answer.Records
	isNull := func(r Record) bool { return r.Target == "." || r.Target == "" }
	i := slices.IndexFunc(records, isNull)
	if i < 0 {
		return false
	}
	worst := records[i].Pref
	others := false
	for _, r := range records {
		if isNull(r) {
			worst = max(worst, r.Pref)
		} else {
			others = true
		}
	}
	switch {
	case others:
		j.add(finding(NullMixed, "a null MX stands beside other MX records; Postfix bounces all its mail, sendmail uses the others").
			advise("take the null MX away: %s MX %d .", dotted(j.end), worst))
	case worst != 0:
		j.add(finding(NullPref, "it has a null MX with preference %d, which must be 0; senders disagree on it", worst).
			advise("%s", j.publish()))
	default:
		j.add(finding(Null, "it publishes a null MX: it states that it takes no mail").advise("%s", j.publish()))
	}
	return true
}

// Limits for the number of MX records. sendmail reads MAXMXHOSTS-1 (conf.h).
// Postfix tries five addresses. More than twenty get a warning.
const (
	manyMX    = 20
	tooManyMX = 99
)

// tooMany judges a domain with more MX records than sendmail reads, and reports
// whether there are so many.
func (j *judgement) tooMany() bool {
	n := len(j.answer.Records)
	if n <= tooManyMX {
		return false
	}
	j.add(finding(TooMany, "it has %d MX records; sendmail reads the first %d it is given, and this server may not be among them", n, tooManyMX).
		advise("publish a few"))
	return true
}

// judge compares the targets by preference.
func (j *judgement) judge() {
	mine := slices.IndexFunc(j.targets, func(t target) bool { return t.host.ours && j.usableHere(&t) })
	if mine < 0 {
		j.notHere()
		return
	}
	here := &j.targets[mine]
	var better, unsure, same, worse []*target
	for i := range j.targets {
		t := &j.targets[i]
		switch {
		case t.host.ours && j.usableHere(t):
		case t.pref < here.pref && t.host.failure.Failure == DNSNoZone:
			better = append(better, t) // not in the zone files, and so taken as usable
		case t.pref < here.pref && t.uncertain(j.us):
			unsure = append(unsure, t)
		case t.pref < here.pref && t.usable(j.us):
			better = append(better, t)
		case t.pref == here.pref && !t.dead(j.us):
			same = append(same, t)
		case t.pref > here.pref && !t.dead(j.us):
			worse = append(worse, t)
		}
	}
	switch {
	case j.Subject.Backup:
		j.backup(here, append(better, unsure...))
	case len(unsure) > 0:
		j.addUnknown(unsure[0])
	case len(better) > 0:
		j.add(finding(BackupOnly, "this server is only MX %d (%s); the best is %s", here.pref, here.name, describe(better[0])).
			advise("give %s a lower preference than %s has, or write role: backup in the inventory", here.name, better[0].name))
	default:
		j.here(here, same, worse)
	}
	if j.Level < Error {
		j.warnings(here)
	}
}

// usableHere reports whether a target that is this server is usable. When the
// zone files do not have its addresses, it counts as usable.
func (j *judgement) usableHere(t *target) bool {
	return t.usable(j.us) || t.host.state == unknown && t.host.failure.Failure == DNSNoZone
}

// dead reports whether senders certainly cannot use a target.
func (t *target) dead(us Us) bool { return t.host.state != unknown && !t.usable(us) }

// describe returns the name and the addresses of a target.
func describe(t *target) string {
	if len(t.host.addrs) == 0 {
		return t.name
	}
	return t.name + " (" + joinAddrs(t.host.addrs) + ")"
}

// backup judges a domain with role: backup that has this server as a target.
func (j *judgement) backup(here *target, better []*target) {
	if len(better) > 0 {
		j.add(finding(OKBackup, "this server is MX %d (%s, matched %s) behind %s", here.pref, here.name, here.host.how, describe(better[0])))
		return
	}
	if slices.ContainsFunc(j.targets, func(t target) bool { return t.pref < here.pref }) {
		j.add(finding(OKBackup, "this server is MX %d (%s, matched %s)", here.pref, here.name, here.host.how))
		return
	}
	j.add(finding(BackupBest, "the inventory says role: backup, and no MX is better than this server (%s, preference %d): its mail would come back here", here.name, here.pref).
		advise("publish a better MX, or take role: backup away"))
}

// here judges a domain whose best usable MX is this server.
func (j *judgement) here(us *target, same, worse []*target) {
	switch {
	case len(same) > 0:
		j.add(finding(OKShared, "this server (%s, matched %s) shares the best preference %d with %s", us.name, us.host.how, us.pref, list(same)))
	case len(worse) > 0:
		j.add(finding(OKWithBackup, "the best MX %s (preference %d) is this server, matched %s; behind it: %s", us.name, us.pref, us.host.how, list(worse)))
	default:
		j.add(finding(OKHere, "the best MX %s (preference %d) is this server, matched %s", us.name, us.pref, us.host.how))
	}
}

// list returns the names of a few targets.
func list(targets []*target) string {
	const most = 5
	var names []string
	for i, t := range targets {
		if i == most {
			return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", len(targets)-most)
		}
		names = append(names, t.name)
	}
	return strings.Join(names, ", ")
}

// chain returns the names of a chain of aliases.
func chain(from string, aliases []Record) string {
	const most = 12
	names := []string{from}
	for i, alias := range aliases {
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, alias.Target)
	}
	return strings.Join(names, " -> ")
}
