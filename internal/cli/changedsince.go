package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mta"
)

// changedLines are the lines of files that changed since a revision of git.
type changedLines struct {
	top   string                 // of the work tree; files elsewhere count as changed
	files map[string][]lineRange // as they are now, by the path below top
	gone  map[string][]lineRange // as they were: what was taken out, or is another text now
}

type lineRange struct{ first, last int }

// allLines are those of a file that git does not know yet.
var allLines = lineRange{1, 1 << 30}

// within reports whether one of some ranges has a line.
func within(ranges []lineRange, line int) bool {
	return slices.ContainsFunc(ranges, func(r lineRange) bool { return r.first <= line && line <= r.last })
}

// A repository is where git runs.
type repository struct {
	ctx    context.Context
	folder string
	env    []string // more of it
}

// git gives what a command prints.
func (r repository) git(stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(r.ctx, "git", append([]string{"-C", r.folder, "-c", "core.quotePath=false"}, args...)...)
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), &said
	cmd.Env = append(os.Environ(), r.env...)
	out, err := cmd.Output()
	if err != nil && said.Len() > 0 {
		err = errors.New(strings.TrimSpace(said.String()))
	}
	return string(out), err
}

// changedSince asks git what changed in the work tree.
func changedSince(repo repository, revision string) (*changedLines, error) {
	top, err := repo.git("", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	c := &changedLines{top: strings.TrimSuffix(top, "\n"), files: map[string][]lineRange{}, gone: map[string][]lineRange{}}
	patch, err := repo.git("", "diff", "--unified=0", "--no-color", "--no-ext-diff", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/", "--end-of-options", revision, "--")
	if err != nil {
		return nil, err
	}
	c.readPatch(patch)
	added, err := repo.git("", "ls-files", "--others", "--exclude-standard", "--full-name", "-z")
	for name := range strings.SplitSeq(added, "\x00") {
		if name != "" {
			c.files[name] = append(c.files[name], allLines)
		}
	}
	return c, err
}

// readPatch takes both sides of every hunk: "--- a/NAME" and "+++ b/NAME", then
// "@@ -1,2 +3,4 @@" for two lines from the first on that are four from the third
// on now.
func (c *changedLines) readPatch(patch string) {
	before, after, body := "", "", 0 // lines of the hunk that are still to come
	for line := range strings.Lines(patch) {
		line = strings.TrimSuffix(line, "\n")
		if body > 0 {
			if line == "" || line[0] != '\\' { // "\ No newline at end of file"
				body--
			}
			continue
		}
		if old, ok := strings.CutPrefix(line, "--- "); ok {
			before = patchName(old, "a/")
			continue
		}
		if new, ok := strings.CutPrefix(line, "+++ "); ok {
			after = patchName(new, "b/")
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 3 || fields[0] != "@@" {
			continue
		}
		body = addHunk(c.gone, before, fields[1], "-") + addHunk(c.files, after, fields[2], "+")
	}
}

// patchName is the name of a file as a patch has it.
func patchName(text, prefix string) string {
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	return strings.TrimPrefix(strings.TrimSuffix(text, "\t"), prefix)
}

// addHunk adds one side of a hunk, and gives its number of lines.
func addHunk(to map[string][]lineRange, name, text, sign string) (lines int) {
	first, lines := hunkRange(text, sign)
	if lines > 0 {
		to[name] = append(to[name], lineRange{first, first + lines - 1})
	}
	return lines
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
	name, ok := below(c.top, p.File)
	return !ok || within(c.files[name], p.Line)
}

// below gives the path of a file below a folder, with slashes; false when it
// is elsewhere.
func below(folder, file string) (string, bool) {
	path, err := filepath.Abs(file)
	if err != nil {
		return "", false
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	rel, err := filepath.Rel(folder, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// onlyChanged leaves the faults whose first or second place changed, and the
// errors that the revision did not have, also on other lines: a user who is taken
// away is missing where a line that did not change names him.
func (a *checkArgs) onlyChanged(ctx context.Context, accounts []string, source mta.Build, includeFrom []string, faults *diag.List) error {
	failed := func(err error) error {
		return machineExit(fmt.Errorf("--changed-since %q: %w", a.telling.since, err), exitNoInput)
	}
	repo := repository{ctx: ctx, folder: filepath.Dir(a.inventory)}
	lines, err := changedSince(repo, a.telling.since)
	if err != nil {
		return failed(err)
	}
	sources := source.Inventory().Sources
	changed := func(pos diag.Pos) bool {
		place, ok := sources.Place(pos)
		return ok && lines.has(place)
	}
	var elsewhere []diag.Fault
	faults.Keep(func(f diag.Fault) bool {
		if changed(f.Pos) || changed(f.Also) {
			return true
		}
		if faults.Severity(f.Check) == diag.Error {
			elsewhere = append(elsewhere, f)
		}
		return false
	})
	if len(elsewhere) == 0 {
		return nil
	}
	before, err := lines.errorsBefore(repo, a.telling.since, a.inventory, accounts, includeFrom)
	if err != nil {
		return failed(err)
	}
	faults.Add(before.less(elsewhere, lines.top, sources)...)
	return nil
}
