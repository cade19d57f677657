// Package parallel shares work among the processors. What comes out must not
// depend on how many there are.
package parallel

import (
	"cmp"
	"runtime"
	"sync"
)

// Parts is into how many parts n things are cut, when a part of fewer than
// least things does not pay.
func Parts(n, least int) int { return max(1, min(runtime.GOMAXPROCS(0), n/least)) }

// Ranges cuts n things into Parts ranges, in order, does all of them at once,
// and gives the error of the first range that has one.
func Ranges(n, least int, do func(part, from, to int) error) error {
	parts := Parts(n, least)
	problems := make([]error, parts)
	var wait sync.WaitGroup
	for p := 1; p < parts; p++ {
		wait.Go(func() { problems[p] = do(p, p*n/parts, (p+1)*n/parts) })
	}
	problems[0] = do(0, 0, n/parts)
	wait.Wait()
	return cmp.Or(problems...)
}
