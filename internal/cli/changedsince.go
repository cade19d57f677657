package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"virtmap/internal/diag"
)

// changedLines are the lines of files that changed since a revision of git, by
// the absolute path of the file.
type changedLines struct {
	top   string // of the work tree; files elsewhere count as changed
	files map[string][]lineRange
}

type lineRange struct{ first, last int }

// allLines are those of a file that git does not know yet.
var allLines = lineRange{1, 1 << 30}

// changedSince asks git what changed in the work tree that a folder is in.
func changedSince(ctx context.Context, revision, folder string) (*changedLines, error) {
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", folder, "-c", "core.quotePath=false"}, args...)...)
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil && said.Len() > 0 {
			err = errors.New(strings.TrimSpace(said.String()))
		}
		return string(out), err
	}
	top, err := git("rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	c := &changedLines{top: strings.TrimSuffix(top, "\n"), files: map[string][]lineRange{}}
	patch, err := git("diff", "--unified=0", "--no-color", "--no-ext-diff", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/", "--end-of-options", revision, "--")
	if err != nil {
		return nil, err
	}
	c.readPatch(patch)
	added, err := git("ls-files", "--others", "--exclude-standard", "--full-name", "-z")
	for name := range strings.SplitSeq(added, "\x00") {
		if name != "" {
			c.add(name, allLines)
		}
	}
	return c, err
}

func (c *changedLines) add(name string, lines lineRange) {
	path := filepath.Join(c.top, filepath.FromSlash(name))
	c.files[path] = append(c.files[path], lines)
}

// readPatch takes the new side of every hunk: "+++ b/NAME", then
// "@@ -1,2 +3,4 @@" for four lines from the third on.
func (c *changedLines) readPatch(patch string) {
	name, body := "", 0 // lines of the hunk that are still to come
	for line := range strings.Lines(patch) {
		line = strings.TrimSuffix(line, "\n")
		if body > 0 {
			if line == "" || line[0] != '\\' { // "\ No newline at end of file"
				body--
			}
			continue
		}
		if new, ok := strings.CutPrefix(line, "+++ "); ok {
			if unquoted, err := strconv.Unquote(new); err == nil {
				new = unquoted
			}
			name = strings.TrimPrefix(strings.TrimSuffix(new, "\t"), "b/")
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] != "@@" {
			continue
		}
		_, removed := hunkRange(fields[1], "-")
		first, lines := hunkRange(fields[2], "+")
		body = removed + lines
		if lines > 0 {
			c.add(name, lineRange{first, first + lines - 1})
		}
	}
}

// hunkRange reads "+3,4"; without a comma it is one line.
func hunkRange(text, sign string) (first, lines int) {
	start, count, many := strings.Cut(strings.TrimPrefix(text, sign), ",")
	first, _ = strconv.Atoi(start) // git writes numbers
	lines = 1
	if many {
		lines, _ = strconv.Atoi(count)
	}
	return first, lines
}

// has reports whether a place is on a line that changed.
func (c *changedLines) has(p diag.Place) bool {
	path, err := filepath.Abs(p.File)
	if err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
	}
	if rel, err := filepath.Rel(c.top, path); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return true
	}
	for _, lines := range c.files[path] {
		if lines.first <= p.Line && p.Line <= lines.last {
			return true
		}
	}
	return false
}

// onlyChanged leaves the faults whose first or second place changed.
func onlyChanged(ctx context.Context, revision, inventory string, sources *diag.Sources, faults *diag.List) error {
	lines, err := changedSince(ctx, revision, filepath.Dir(inventory))
	if err != nil {
		return exit(exitNoInput, fmt.Errorf("--changed-since %s: %w", revision, err))
	}
	changed := func(pos diag.Pos) bool {
		place, ok := sources.Place(pos)
		return ok && lines.has(place)
	}
	faults.Keep(func(f diag.Fault) bool { return changed(f.Pos) || changed(f.Also) })
	return nil
}
