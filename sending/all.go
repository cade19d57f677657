package sending

import (
	"context"
	"sync"
	"sync/atomic"
)

// workers is the number of domains that are checked at the same time. Most of them wait for
// an answer.
const workers = 64

// CheckAll checks all subjects. It calls each with the index and the verdict of a subject,
// in any order, and never twice at the same time. When ctx ends, CheckAll soon returns the
// error of ctx, and does not call each for the remaining subjects.
func (c *Checker) CheckAll(ctx context.Context, subjects []Subject, each func(i int, v Verdict)) error {
	var next atomic.Int64
	var one sync.Mutex
	var running sync.WaitGroup
	for range min(workers, len(subjects)) {
		running.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(subjects) || ctx.Err() != nil {
					return
				}
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
	return ctx.Err()
}
