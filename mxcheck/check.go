package mxcheck

import (
	"context"
	"slices"
	"strings"
	"sync"

	"virtmap/internal/mailaddr"
)

// A Checker checks domains. It needs a Resolver and Us; the other fields may be
// zero. A Checker is for one run, because it keeps answers. Several goroutines
// may use it.
type Checker struct {
	Resolver Resolver
	Us       Us

	// Confirm asks for a second opinion before a verdict of level Error.
	Confirm bool
	// Covers reports whether the resolver has the zone of a name. Then a name
	// that is reserved for special use is looked up too. May be nil.
	Covers func(name string) bool
	// Authoritative asks the name servers of each domain too, if the resolver
	// can, and compares their answers.
	Authoritative bool
	// Absent is a label that no zone has. It shows wildcards, and resolvers
	// that answer for every name.
	Absent string

	hosts   shared[hostKey, *host]
	answers shared[Question, Answer]
}

// An opinion is the first or the second check of a domain. Questions of a second
// opinion go to other servers than those of the first.
type opinion struct {
	second bool
	first  string // the server that gave the first answer
}

func (o opinion) question(name string, typ Type) Question {
	return Question{Name: name, Type: typ, Second: o.second, First: o.first}
}

type hostKey struct {
	name   string
	second bool
}

// Check checks one domain.
func (c *Checker) Check(ctx context.Context, s Subject) Verdict {
	if v, done := c.byName(s); done {
		return v
	}
	v := c.lookUpDomain(ctx, s, opinion{})
	if c.Confirm && v.Level == Error {
		return combined(v, c.lookUpDomain(ctx, s, opinion{second: true, first: v.firstServer()}))
	}
	return v
}

// byName returns the verdict when no question is needed: done is true then.
func (c *Checker) byName(s Subject) (v Verdict, done bool) {
	v.Subject = s
	switch name, problem := mailaddr.FoldDomain(s.Domain); {
	case s.Skip:
		v.add(finding(Unchecked, "mx_check: skip"))
	case problem != nil:
		v.add(finding(BadName, "it is no mail domain: %s", problem.Text).advise("%s", problem.Help))
	case name != s.Domain:
		v.add(finding(BadName, "it is no mail domain as DNS has it").advise("write %s", name))
	case specialUse(s.Domain) != "" && (c.Covers == nil || !c.Covers(s.Domain)):
		v.add(finding(SpecialUse, "names under %s are reserved for special use and are not looked up", specialUse(s.Domain)))
	default:
		return v, false
	}
	return v, true
}

// specialUse returns the reserved domain that a name is in, or an empty text. The
// domains that RFC 6761 reserves for examples are not among them: resolvers must
// look them up like any other.
func specialUse(name string) string {
	for _, special := range []string{"test", "invalid", "localhost", "local", "onion", "internal", "alt", "home.arpa"} {
		if name == special || strings.HasSuffix(name, "."+special) {
			return special
		}
	}
	return ""
}

// lookUpDomain asks the questions of one opinion and judges the answers.
func (c *Checker) lookUpDomain(ctx context.Context, s Subject, o opinion) Verdict {
	answer, loop := c.follow(ctx, o.question(s.Domain, TypeMX))
	j := judgement{Verdict: Verdict{Subject: s, Records: slices.Clone(answer.Aliases)}, us: c.Us, answer: answer, end: answer.End(s.Domain)}
	j.addServers(answer.Server)
	switch {
	case answer.Failure != "":
		return failureVerdict(s, answer)
	case loop:
		j.add(finding(AliasLoop, "it is an alias that leads in a circle, or further than %d names: %s", maxAliases, chain(s.Domain, answer.Aliases)).
			advise("%s", j.publish()))
	case answer.NoName:
		c.noName(ctx, &j, o)
	case len(answer.Records) > 0:
		c.listed(ctx, &j, o)
	default:
		j.TTL = answer.Proof.TTL
		j.implicit(c.host(ctx, j.end, o))
	}
	j.domainFindings()
	if asker, ok := c.Resolver.(Authorities); ok && c.Authoritative && j.Level != Unknown {
		j.consistent(asker.AskAuthorities(ctx, Question{Name: j.end, Type: TypeMX}))
	}
	return j.Verdict
}

// noName judges a domain that does not exist.
func (c *Checker) noName(ctx context.Context, j *judgement, o opinion) {
	proof := ""
	if p := j.answer.Proof; p != nil {
		j.TTL = p.TTL
		proof = " (NXDOMAIN from the zone " + dotted(p.Zone) + ")"
	}
	if len(j.answer.Aliases) > 0 {
		j.add(finding(AliasDangling, "it is an alias of %s, which does not exist%s", j.end, proof).advise("%s", j.publish()))
		return
	}
	f := finding(NXDomain, "it does not exist%s", proof).advise("register it, then %s", j.publish())
	if above, ok := parent(j.Subject.Domain); ok {
		up := c.share(ctx, o.question(above, TypeMX))
		top := !strings.Contains(above, ".")
		switch {
		case up.Failure != "":
		case up.NoName && top:
			f.Text += "; " + above + " does not exist either"
			f.Advice = "there is no top-level domain " + above + ": is the name spelled right?"
		case up.NoName:
			f.Text += "; " + above + " does not exist either"
			f.Advice = "register " + above + ", or renew it, then " + j.publish()
		case !top:
			f.Advice = "in the zone of " + above + ", " + j.publish()
		}
	}
	j.add(f)
}

// listed looks up the targets of a domain with MX records and judges them.
func (c *Checker) listed(ctx context.Context, j *judgement, o opinion) {
	j.TTL = j.answer.Records[0].TTL
	j.Records = append(j.Records, j.answer.Records...)
	if j.nullMX() || j.tooMany() {
		return
	}
	j.targets = targets(j.answer.Records)
	c.lookUpTargets(ctx, j.targets, o)
	for i := range j.targets {
		h := j.targets[i].host
		j.Records = append(append(j.Records, h.aliases...), h.records...)
		j.answer.Stale = j.answer.Stale || h.stale
		j.addServers(h.from[:]...)
	}
	j.judge()
	if j.Level <= Warning && c.fromWildcard(ctx, j, o) {
		above, _ := parent(j.end)
		j.add(finding(Wildcard, "its MX comes from the wildcard *.%s, as that of any name there", above).
			advise("keep bestmx_is_local and relay_based_on_MX off, or publish the MX for %s itself", j.end))
	}
}

// lookUpTargets asks for the addresses of all targets at the same time, so that
// a target without an answer does not delay the others.
func (c *Checker) lookUpTargets(ctx context.Context, targets []target, o opinion) {
	targets[0].host = c.host(ctx, targets[0].name, o)
	if len(targets) == 1 {
		return
	}
	var others sync.WaitGroup
	for i := 1; i < len(targets); i++ {
		others.Go(func() { targets[i].host = c.host(ctx, targets[i].name, o) })
	}
	others.Wait()
}

// fromWildcard reports whether the MX records of the domain come from a wildcard: a
// made-up name beside the domain then has the same records.
func (c *Checker) fromWildcard(ctx context.Context, j *judgement, o opinion) bool {
	above, ok := parent(j.end)
	if !ok || c.Absent == "" {
		return false
	}
	answer := c.share(ctx, o.question(c.Absent+"."+above, TypeMX))
	return answer.Failure == "" && len(answer.Records) > 0 && slices.Equal(targetNames(answer.Records), targetNames(j.answer.Records))
}

// host returns the addresses of a name. It asks for them once in a run, because
// many domains share few MX hosts.
func (c *Checker) host(ctx context.Context, name string, o opinion) *host {
	var from [2]string
	if o.second {
		from = c.host(ctx, name, opinion{}).from
	}
	work := func() *host {
		h := c.lookUp(ctx, name, o.second, from)
		h.how, h.ours = c.Us.match(h)
		return h
	}
	return c.hosts.get(ctx, hostKey{name, o.second}, work, func() *host {
		return &host{name: name, end: name, state: unknown, failure: stopped()}
	})
}

// share asks a question that is the same for many domains, once in a run.
func (c *Checker) share(ctx context.Context, q Question) Answer {
	return c.answers.get(ctx, q, func() Answer { a, _ := c.follow(ctx, q); return a }, stopped)
}

// stopped is the answer when the run ends before there is one.
func stopped() Answer { return Answer{Failure: DNSStopped} }
