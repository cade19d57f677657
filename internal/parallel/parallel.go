// Package parallel divides work among the processors. The caller makes sure that the
// result does not depend on their number:
//
//	sums := make([]int, parallel.Parts(len(rows), 1000))
//	err := parallel.Ranges(len(rows), 1000, func(part, from, to int) error {
//		for _, row := range rows[from:to] {
//			sums[part] += row.size
//		}
//		return nil
//	})
package parallel

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// Parts returns the number of parts for n things. A part has at least least things,
// because a smaller one costs more than it saves.
func Parts(n, least int) int { return max(1, min(runtime.GOMAXPROCS(0), n/least)) }

// Ranges cuts n things into Parts ranges and calls do for all ranges at the same
// time. It returns the error of the first range that has one. A panic in a range
// becomes a panic of the caller, which can recover.
func Ranges(n, least int, do func(part, from, to int) error) error {
	parts := Parts(n, least)
	if parts == 1 {
		return do(0, 0, n)
	}
	problems, failures := make([]error, parts), make([]string, parts)
	var wait sync.WaitGroup
	for p := range parts {
		wait.Go(func() {
			defer func() {
				if failure := recover(); failure != nil {
					failures[p] = fmt.Sprintf("%v\n%s", failure, debug.Stack())
				}
			}()
			problems[p] = do(p, p*n/parts, (p+1)*n/parts)
		})
	}
	wait.Wait()
	if failure := cmp.Or(failures...); failure != "" {
		panic(failure)
	}
	return cmp.Or(problems...)
}
