package resolve

import (
	"context"
	"testing"
	"time"
)

// fill takes n free places of a window.
func fill(t *testing.T, w *window, n int) {
	t.Helper()
	for range n {
		if !w.enter(context.Background(), true) {
			t.Fatal("no room")
		}
	}
}

func TestWindowDoublesUntilALoss(t *testing.T) {
	var w window
	w.open()
	fill(t, &w, firstWindow)
	for range firstWindow {
		w.leave(won, time.Now())
	}
	if int(w.size) != 2*firstWindow {
		t.Errorf("after a round of answers: %v", w.size)
	}
	fill(t, &w, 2)
	w.leave(lost, time.Now())
	if int(w.size) != firstWindow {
		t.Errorf("after a loss: %v", w.size)
	}
	before := w.size
	w.leave(won, time.Now())
	if w.size <= before || w.size > before+0.1 {
		t.Errorf("after a loss it grows by %v an answer", w.size-before)
	}
}

func TestWindowIsHalvedOnceARound(t *testing.T) {
	var w window
	w.open()
	fill(t, &w, firstWindow)
	sent := time.Now()
	for range firstWindow {
		w.leave(lost, sent)
	}
	if int(w.size) != firstWindow/2 {
		t.Errorf("one round lost: %v", w.size)
	}
	for range 10 {
		fill(t, &w, 1)
		time.Sleep(time.Millisecond)
		w.leave(lost, time.Now())
	}
	if int(w.size) != leastWindow {
		t.Errorf("many rounds lost: %v", w.size)
	}
}

func TestWindowIsBounded(t *testing.T) {
	var w window
	w.open()
	for range 10 * mostWindow {
		fill(t, &w, 1)
		w.leave(won, time.Now())
	}
	if int(w.size) != mostWindow {
		t.Errorf("%v", w.size)
	}
}

// TestWindowQueue: tries get places in their order, with first tries before others.
// When a try no longer waits, the next gets its place.
func TestWindowQueue(t *testing.T) {
	var w window
	w.open()
	w.size, w.slow = leastWindow, true
	fill(t, &w, leastWindow)
	ctx, cancel := context.WithCancel(context.Background())
	order := make(chan string)
	wait := func(name string, ctx context.Context, first bool) {
		n := queued(&w)
		go func() {
			if w.enter(ctx, first) {
				order <- name
			} else {
				order <- name + " gave up"
			}
		}()
		for queued(&w) == n {
			time.Sleep(time.Millisecond)
		}
	}
	wait("again", context.Background(), false)
	wait("first", context.Background(), true)
	wait("impatient", ctx, true)
	wait("second", context.Background(), true)
	cancel()
	if got := <-order; got != "impatient gave up" {
		t.Error(got)
	}
	for _, want := range []string{"first", "second", "again"} {
		w.leave(unused, time.Time{})
		if got := <-order; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for range leastWindow {
		w.leave(unused, time.Time{})
	}
	if w.out != 0 || w.queued() != 0 {
		t.Errorf("%d out, %d waiting", w.out, w.queued())
	}
}

func queued(w *window) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.queued()
}
