package report

import (
	"fmt"
	"io"
	"strings"

	"virtmap/internal/diag"
)

// tap prints the Test Anything Protocol, version 13 (testanything.org). The plan is
// at the end. The details of a failure are a YAML block.
type tap struct {
	w io.Writer
	n int
}

func newTAP(w io.Writer, _ string) Writer { return &tap{w: w} }

// unhashed escapes # in a name, so that a name never has a directive such as # SKIP.
var unhashed = strings.NewReplacer(`\`, `\\`, "#", `\#`)

func (t *tap) Case(c Case) error {
	var out strings.Builder
	if t.n++; t.n == 1 {
		out.WriteString("TAP version 13\n")
	}
	result := "ok"
	if c.Failure != "" {
		result = "not ok"
	}
	fmt.Fprintf(&out, "%s %d - %s\n", result, t.n, unhashed.Replace(diag.Printable(c.Name)))
	if c.Failure != "" {
		fmt.Fprintf(&out, "  ---\n  message: %q\n  details:\n", diag.Printable(c.Failure))
		for _, line := range c.Details {
			fmt.Fprintf(&out, "    - %q\n", diag.Printable(line))
		}
		out.WriteString("  ...\n")
	}
	_, err := io.WriteString(t.w, out.String())
	return err
}

func (t *tap) Close() error {
	head := ""
	if t.n == 0 {
		head = "TAP version 13\n"
	}
	_, err := fmt.Fprintf(t.w, "%s1..%d\n", head, t.n)
	return err
}
