package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/build"
	"virtmap/internal/diag"
)

// sayUnread prints what the server does not read, which files wait, and what to do. If
// the command of --on-change runs next, StillUnread prints what to do.
func (n *narrator) sayUnread(r *build.Result) {
	if !r.Reads.Untold {
		return
	}
	for _, line := range r.Reads.Missing {
		fmt.Fprintln(n.stdio.Err, diag.Printable(line))
	}
	if r.Runs {
		fmt.Fprintf(n.stdio.Err, "%s for the command of --on-change, which is run now\n", waiting(r.Held))
		return
	}
	n.saySteps(r)
}

// StillUnread prints what to do after the command of --on-change was run.
func (n *narrator) StillUnread(r *build.Result) {
	fmt.Fprintln(n.stdio.Err, "the command of --on-change was run, and the server does not read all of it yet")
	n.saySteps(r)
}

// waiting says which files are held back.
func waiting(held []string) string {
	switch len(held) {
	case 0:
		return "nothing waits"
	case 1:
		return filepath.Base(held[0]) + " waits"
	}
	return strings.Join(bases(held), " ") + " wait"
}

// saySteps prints which files wait, and the commands to type.
func (n *narrator) saySteps(r *build.Result) {
	intro := "nothing waits, and mail comes by the new files once " + r.Server.Name + " reads them:"
	if len(r.Held) > 0 {
		intro = waiting(r.Held) + ", so that no mail is refused meanwhile. To go on:"
	}
	fmt.Fprintln(n.stdio.Err, intro)
	for i, step := range stepsOf(r) {
		head := fmt.Sprintf("  %d. ", i+1)
		for line := range strings.SplitSeq(step, "\n") {
			fmt.Fprintf(n.stdio.Err, "%s%s\n", head, diag.Printable(line))
			head = "     "
		}
	}
}

// stepsOf returns what a person must do so that the server reads everything.
func stepsOf(r *build.Result) []string {
	if len(r.Held) == 0 {
		return r.Reads.Steps
	}
	return append(slices.Clone(r.Reads.Steps), "virtmap build once more, which puts the rest in place")
}

// bases returns the last elements of paths.
func bases(paths []string) []string {
	names := make([]string, len(paths))
	for i, path := range paths {
		names[i] = filepath.Base(path)
	}
	return names
}
