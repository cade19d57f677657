package mxcheck

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// workers is how many domains are looked at side by side. Most of them wait
// for an answer; how many questions are out at once is the resolver's to say.
const workers = 1024

// A Poll is a Resolver that can put a question to each of its servers.
type Poll interface {
	AskEach(ctx context.Context, q Question) []Answer
}

// A Recoverer is a Resolver that can tell when nobody answers it any more, and
// wait a while for that to pass.
type Recoverer interface {
	Recover(ctx context.Context) bool
}

// CheckAll gives the verdict on every subject to each, with its index, one at
// a time and in any order. Subjects that no server answered in time are asked
// about again at the end. When a server answers for a name that cannot
// exist, all verdicts are ResolverLies.
//
// When ctx ends, CheckAll returns its error soon, and the verdicts that are
// missing then were not given.
func (c *Checker) CheckAll(ctx context.Context, subjects []Subject, each func(i int, v Verdict)) error {
	if len(subjects) == 0 {
		return ctx.Err()
	}
	truth := make(chan struct{})
	var lie *Answer
	go func() {
		defer close(truth)
		lie = c.canary(ctx)
	}()
	all := make([]int, len(subjects))
	for i := range all {
		all[i] = i
	}
	late := map[int]Verdict{}
	answered := false
	collect := func(i int, v Verdict) {
		<-truth // no verdict is out before it is known whether it can be believed
		_, byName := c.byName(subjects[i])
		if lie != nil && !byName {
			v = failed(subjects[i], *lie)
		}
		if v.ID() == DNSTimeout || v.ID() == DNSTruncated {
			late[i] = v
			return
		}
		answered = answered || v.Level != Unknown && !byName
		each(i, v)
	}
	c.side(ctx, subjects, all, collect)
	for round := range lateRounds {
		before := len(late)
		if before == 0 || ctx.Err() != nil {
			break
		}
		if r, ok := c.Resolver.(Recoverer); ok && !r.Recover(ctx) || !ok && !answered {
			break // nobody answers anything: once is enough
		}
		again := slices.Collect(maps.Keys(late))
		clear(late)
		c.forgetFailures()
		c.side(ctx, subjects, again, collect)
		if round > 0 && 4*len(late) > 3*before { // those that are left have nobody who answers for them
			break
		}
	}
	for i, v := range late {
		each(i, v)
	}
	<-truth
	return ctx.Err()
}

// lateRounds is how often the subjects that nobody answered for in time are
// asked about again, as long as that helps.
const lateRounds = 4

func (c *Checker) forgetFailures() {
	c.hosts.forget(func(h *host) bool { return h.failure.Failure != "" })
	c.answers.forget(func(a Answer) bool { return a.Failure != "" })
}

// side checks the subjects of the indexes side by side.
func (c *Checker) side(ctx context.Context, subjects []Subject, indexes []int, each func(i int, v Verdict)) {
	var next atomic.Int64
	var one sync.Mutex
	var running sync.WaitGroup
	for range min(workers, len(indexes)) {
		running.Go(func() {
			for {
				at := int(next.Add(1)) - 1
				if at >= len(indexes) || ctx.Err() != nil {
					return
				}
				i := indexes[at]
				v := c.Check(ctx, subjects[i])
				if ctx.Err() != nil {
					return // what was found is the end of ctx
				}
				one.Lock()
				each(i, v)
				one.Unlock()
			}
		})
	}
	running.Wait()
}

// canaryPatience is how long the servers have to lie. One that is silent does
// not lie, and must not hold up the run.
const canaryPatience = 1500 * time.Millisecond

// canary asks every server for a name that cannot exist (RFC 6761 6.4). One
// that answers with an address would do so for every domain that is gone.
func (c *Checker) canary(ctx context.Context) (lie *Answer) {
	poll, ok := c.Resolver.(Poll)
	if !ok || c.Probe == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, canaryPatience)
	defer cancel()
	name := c.Probe + ".invalid"
	for _, answer := range poll.AskEach(ctx, Question{Name: name, Type: TypeA}) {
		if answer.Failure == "" && len(answer.Records) > 0 {
			detail := fmt.Sprintf("%s gives the address %s for a name that cannot exist", answer.Server, answer.Records[0].Addr)
			return &Answer{Failure: ResolverLies, Detail: detail, Server: answer.Server}
		}
	}
	return nil
}
