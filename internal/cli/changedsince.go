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
	top   string                 // the folder of the work tree; all lines of a file elsewhere count as changed
	files map[string][]lineRange // new line numbers, by the path below top
	gone  map[string][]lineRange // old line numbers of lines that were removed or changed
}

type lineRange struct{ first, last int }

// allLines are the lines of a file that git does not know yet.
var allLines = lineRange{1, 1 << 30}

// within reports whether one of some ranges contains a line.
func within(ranges []lineRange, line int) bool {
	return slices.ContainsFunc(ranges, func(r lineRange) bool { return r.first <= line && line <= r.last })
}

// A repository is the folder in which git runs.
type repository struct {
	ctx    context.Context
	folder string
	env    []string // further variables
}

// git returns the output of a git command.
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

// changedSince asks git which lines changed in the work tree.
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

// readPatch reads both sides of every hunk of a patch. A file begins with "--- a/NAME"
// and "+++ b/NAME". The line "@@ -1,2 +3,4 @@" means that the two lines from line 1
// became the four lines from line 3.
func (c *changedLines) readPatch(patch string) {
	before, after, body := "", "", 0 // before, after: lines of the hunk that are still to be read
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

// patchName returns the name of a file from its line in a patch.
func patchName(text, prefix string) string {
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	return strings.TrimPrefix(strings.TrimSuffix(text, "\t"), prefix)
}

// addHunk adds one side of a hunk, and returns its number of lines.
func addHunk(to map[string][]lineRange, name, text, sign string) (lines int) {
	first, lines := hunkRange(text, sign)
	if lines > 0 {
		to[name] = append(to[name], lineRange{first, first + lines - 1})
	}
	return lines
}

// hunkRange reads "+3,4". Without a comma it means one line.
func hunkRange(text, sign string) (first, lines int) {
	start, count, many := strings.Cut(strings.TrimPrefix(text, sign), ",")
	first, _ = strconv.Atoi(start) // git writes only numbers here
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

// below returns the path of a file relative to a folder, with slashes. ok is false if
// the file is not below the folder.
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

// onlyChanged keeps the faults whose first or second place changed, and the errors that
// the revision did not have. These can be on other lines: if a user is removed, the
// error is on an unchanged line that names the user.
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
