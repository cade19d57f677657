// Package parallel shares work among the processors. What comes out must not
// depend on how many there are.
package parallel

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// Parts is into how many parts n things are cut, when a part of fewer than
// least things does not pay.
func Parts(n, least int) int { return max(1, min(runtime.GOMAXPROCS(0), n/least)) }

// Ranges cuts n things into Parts ranges, in order, does all of them at once,
// and gives the error of the first range that has one. A panic in one of them
// becomes one of the caller, who can be asked to recover.
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
