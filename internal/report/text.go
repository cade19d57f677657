package report

import (
	"fmt"
	"io"

	"virtmap/internal/diag"
)

// text prints only failures: a line, and the details below.
type text struct{ w io.Writer }

func newText(w io.Writer, _ string) Writer { return text{w} }

func (t text) Case(c Case) error {
	if c.Failure == "" {
		return nil
	}
	if _, err := fmt.Fprintf(t.w, "%s: %s\n", diag.Printable(c.Name), diag.Printable(c.Failure)); err != nil {
		return err
	}
	for _, line := range c.Details {
		if _, err := fmt.Fprintf(t.w, "  %s\n", diag.Printable(line)); err != nil {
			return err
		}
	}
	return nil
}

func (t text) Close() error { return nil }
