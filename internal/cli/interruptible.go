package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// loadInterruptibly loads an inventory. A signal during reading from standard input
// gives context.Canceled. A command that finishes its work after a signal would
// otherwise wait for ever.
func loadInterruptibly(path string, stdio Stdio) (*inventory.Model, *diag.List, error) {
	if path != inventory.StdinName {
		return inventory.Load(path, nil, stdio.includeFolders()...)
	}
	in := &interruptible{stdio.In, make(chan os.Signal, 1)}
	signal.Notify(in.signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(in.signals)
	m, faults, err := inventory.Load(path, in, stdio.includeFolders()...)
	select {
	case <-in.signals: // the signal came after the last read
		return nil, nil, context.Canceled
	default:
		return m, faults, err
	}
}

// An interruptible is a reader that a signal ends.
type interruptible struct {
	from    io.Reader
	signals chan os.Signal
}

func (r *interruptible) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	piece := make([]byte, len(p)) // the read may still run after this call
	go func() {
		n, err := r.from.Read(piece)
		done <- result{n, err}
	}()
	select {
	case <-r.signals:
		return 0, context.Canceled
	case read := <-done:
		return copy(p, piece[:read.n]), read.err
	}
}
