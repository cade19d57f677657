package mxcheck

import (
	"context"
	"slices"
	"strings"
	"sync"

	"virtmap/internal/mailaddr"
)

// A Checker checks domains. Its zero value with a Resolver and Us is ready;
// one Checker is for one run, and is safe for concurrent use.
type Checker struct {
	Resolver Resolver
	Us       Us

	// Confirm asks for a second opinion of what speaks against a domain.
	Confirm bool
	// Covers reports whether the resolver itself holds the data of a name, so
	// that a name reserved for special use is looked up too. May be nil.
	Covers func(name string) bool
	// Authoritative asks the name servers of each domain too, where the
	// resolver can, and compares what they say.
	Authoritative bool
	// Probe is a label that no zone has, to tell wildcards.
	Probe string

	hosts   shared[hostKey, *host]
	answers shared[Question, Answer]
}

// An opinion says whose answers a look at a domain rests on: the first there
// are, or second ones, each not of the server that gave the first.
type opinion struct {
	second bool
	first  string // who gave the first answer
}

func (o opinion) question(name string, typ Type) Question {
	return Question{Name: name, Type: typ, Second: o.second, First: o.first}
}

type hostKey struct {
	name   string
	second bool
}

// Check gives the verdict on one domain.
func (c *Checker) Check(ctx context.Context, s Subject) Verdict {
	if v, done := c.byName(s); done {
		return v
	}
	v := c.look(ctx, s, opinion{})
	if c.Confirm && v.Level == Error {
		return agreed(v, c.look(ctx, s, opinion{second: true, first: v.firstServer()}))
	}
	return v
}

// byName gives the verdict where the name alone decides.
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

// specialUse gives the reserved domain that a name is under. Those of RFC
// 6761 that are meant for examples are looked up like any other: resolvers
// must not treat them as special.
func specialUse(name string) string {
	for _, special := range []string{"test", "invalid", "localhost", "local", "onion", "internal", "alt", "home.arpa"} {
		if name == special || strings.HasSuffix(name, "."+special) {
			return special
		}
	}
	return ""
}

// look asks about a domain once and judges the answers.
func (c *Checker) look(ctx context.Context, s Subject, o opinion) Verdict {
	answer, loop := c.follow(ctx, o.question(s.Domain, TypeMX))
	j := judgement{Verdict: Verdict{Subject: s, Records: slices.Clone(answer.Aliases)}, us: c.Us, answer: answer, end: answer.End(s.Domain)}
	j.serve(answer.Server)
	switch {
	case answer.Failure != "":
		return failed(s, answer)
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
	j.context()
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
			f.Text += "; nor does " + above
			f.Advice = "there is no top-level domain " + above + ": is the name spelled right?"
		case up.NoName:
			f.Text += "; nor does " + above
			f.Advice = "register " + above + ", or renew it, then " + j.publish()
		case !top:
			f.Advice = "in the zone of " + above + ", " + j.publish()
		}
	}
	j.add(f)
}

// listed judges a domain with MX records.
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
		j.serve(h.from[:]...)
	}
	j.judge()
	if j.Level <= Warning && c.fromWildcard(ctx, j, o) {
		above, _ := parent(j.end)
		j.add(finding(Wildcard, "its MX comes from the wildcard *.%s, as that of any name there", above).
			advise("keep bestmx_is_local and relay_based_on_MX off, or publish the MX for %s itself", j.end))
	}
}

// lookUpTargets asks for the addresses of all targets, side by side: one that
// nobody answers for must not hold up the others.
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

// fromWildcard reports whether a made-up name beside the domain has the same
// MX records.
func (c *Checker) fromWildcard(ctx context.Context, j *judgement, o opinion) bool {
	above, ok := parent(j.end)
	if !ok || c.Probe == "" {
		return false
	}
	answer := c.share(ctx, o.question(c.Probe+"."+above, TypeMX))
	return answer.Failure == "" && len(answer.Records) > 0 && slices.Equal(targetNames(answer.Records), targetNames(j.answer.Records))
}

// host asks for the addresses of a name once in a run: many domains share few
// MX hosts.
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

// share asks a question that many domains have in common once in a run.
func (c *Checker) share(ctx context.Context, q Question) Answer {
	return c.answers.get(ctx, q, func() Answer { a, _ := c.follow(ctx, q); return a }, stopped)
}

func stopped() Answer { return Answer{Failure: DNSStopped} }
