package parallel

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

func TestRangesCoverAllThings(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	for _, n := range []int{0, 1, 2, 3, 7, 100, 1001} {
		done := make([]int, n)
		starts := make([]int, Parts(n, 2))
		err := Ranges(n, 2, func(part, from, to int) error {
			starts[part] = from
			for i := from; i < to; i++ {
				done[i]++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, times := range done {
			if times != 1 {
				t.Errorf("%d of %d things was done %d times", i, n, times)
			}
		}
		for p := 1; p < len(starts); p++ {
			if starts[p] <= starts[p-1] {
				t.Errorf("of %d things the ranges begin at %v", n, starts)
			}
		}
	}
}

func TestErrorOfTheFirstRange(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	first, second := errors.New("first"), errors.New("second")
	for range 100 {
		err := Ranges(4, 1, func(part, _, _ int) error { return []error{nil, first, second, nil}[part] })
		if err != first {
			t.Fatalf("got the error %v", err)
		}
	}
}

func TestPanicReachesTheCaller(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	defer func() {
		if failure, _ := recover().(string); !strings.HasPrefix(failure, "a bug\n") {
			t.Errorf("recovered %.100q", failure)
		}
	}()
	_ = Ranges(2, 1, func(part, _, _ int) error {
		if part == 1 {
			panic("a bug")
		}
		return nil
	})
}
