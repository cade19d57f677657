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

// workers is the number of domains that are checked at the same time. Most of
// them wait for an answer. The resolver limits the number of open questions.
const workers = 1024

// A Poll is a Resolver that can ask each of its servers.
type Poll interface {
	AskEach(ctx context.Context, q Question) []Answer
}

// A Recoverer is a Resolver that notices when none of its servers answers.
// Recover waits until one answers again, and reports whether one does.
type Recoverer interface {
	Recover(ctx context.Context) bool
}

// CheckAll checks all subjects. It calls each with the index and the verdict of
// a subject, in any order, and never twice at the same time. At the end it checks
// again the subjects for which no server answered in time. When a server gives an
// address for a name that cannot exist, all verdicts are ResolverLies.
//
// When ctx ends, CheckAll soon returns the error of ctx. It does not call each
// for the remaining subjects.
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
		<-truth // without the result of canary no verdict is certain
		_, byName := c.byName(subjects[i])
		if lie != nil && !byName {
			v = failureVerdict(subjects[i], *lie)
		}
		if v.ID() == DNSTimeout || v.ID() == DNSTruncated {
			late[i] = v
			return
		}
		answered = answered || v.Level != Unknown && !byName
		each(i, v)
	}
	c.checkEach(ctx, subjects, all, collect)
	for round := range lateRounds {
		before := len(late)
		if before == 0 || ctx.Err() != nil {
			break
		}
		if r, ok := c.Resolver.(Recoverer); ok && !r.Recover(ctx) || !ok && !answered {
			break // no server answers at all
		}
		again := slices.Collect(maps.Keys(late))
		clear(late)
		c.forgetFailures()
		c.checkEach(ctx, subjects, again, collect)
		if round > 0 && 4*len(late) > 3*before { // for the rest no name server answers
			break
		}
	}
	for i, v := range late {
		each(i, v)
	}
	<-truth
	return ctx.Err()
}

// lateRounds is how often subjects without an answer are checked again, as long
// as more of them get one.
const lateRounds = 4

// forgetFailures drops the failed answers that domains share.

func (c *Checker) forgetFailures() {
	c.hosts.forget(func(h *host) bool { return h.failure.Failure != "" })
	c.answers.forget(func(a Answer) bool { return a.Failure != "" })
}

// checkEach checks the subjects with these indexes, many at the same time.
func (c *Checker) checkEach(ctx context.Context, subjects []Subject, indexes []int, each func(i int, v Verdict)) {
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
					return // the verdict comes from the end of ctx
				}
				one.Lock()
				each(i, v)
				one.Unlock()
			}
		})
	}
	running.Wait()
}

// canaryTimeout is how long canary waits for the servers. A server that does not
// answer does not lie, and must not delay the run.
const canaryTimeout = 1500 * time.Millisecond

// canary asks every server for a name that cannot exist (RFC 6761 6.4). A server
// that gives an address for the name would give one for every domain that does
// not exist.
func (c *Checker) canary(ctx context.Context) (lie *Answer) {
	poll, ok := c.Resolver.(Poll)
	if !ok || c.Absent == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, canaryTimeout)
	defer cancel()
	name := c.Absent + ".invalid"
	for _, answer := range poll.AskEach(ctx, Question{Name: name, Type: TypeA}) {
		if answer.Failure == "" && len(answer.Records) > 0 {
			detail := fmt.Sprintf("%s gives the address %s for a name that cannot exist", answer.Server, answer.Records[0].Addr)
			return &Answer{Failure: ResolverLies, Detail: detail, Server: answer.Server}
		}
	}
	return nil
}
