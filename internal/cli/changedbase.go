package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// An earlier has the errors that an inventory had at a revision, on lines that have not
// changed since.
type earlier struct {
	revision string
	unread   bool // the inventory could not be read at the revision
	errors   map[sameFault]int
}

// A sameFault identifies a fault that may move to other lines of its file.
type sameFault struct{ check, file, text string }

// errorsBefore returns the errors of an inventory at a revision. Folders of
// --include-from in the work tree are also read at the revision.
func (c *changedLines) errorsBefore(repo repository, revision, path string, accounts, includeFrom []string) (e earlier, err error) {
	e = earlier{revision: revision, errors: map[sameFault]int{}}
	repo.folder = c.top // git's standard input has names relative to the folder
	tree, err := baseTree(repo, revision)
	if err != nil {
		return e, err
	}
	defer tree.remove()
	folder, ok := below(c.top, filepath.Dir(path))
	if !ok {
		return e, fmt.Errorf("%q is not in the work tree %q", path, c.top)
	}
	at := filepath.Join(tree.root, filepath.FromSlash(folder), filepath.Base(path))
	if includeFrom, err = tree.folders(includeFrom, c.top); err != nil {
		return e, err
	}
	if err := tree.inventory(at, c.top, includeFrom); err != nil {
		e.unread = true
		return e, nil
	}
	source, faults, err := readAdvised(at, accounts, diag.Error, Stdio{In: strings.NewReader(""), includeFrom: cli.NewStringSlice(includeFrom...)})
	if err != nil {
		e.unread = true
		return e, nil
	}
	here := filepath.Dir(at) // a message has the folder before a file name, or in quotes
	names := strings.NewReplacer(here+"/", shownFolder(path), here+`"`, filepath.Dir(path)+`"`)
	for _, f := range faults.Faults() {
		place, _ := source.Inventory().Sources.Place(f.Pos)
		file, _ := below(tree.root, place.File)
		if faults.Severity(f.Check) == diag.Error && !within(c.gone[file], place.Line) {
			e.errors[sameFault{f.Check.ID, file, names.Replace(f.Text)}]++
		}
	}
	return e, nil
}

// shownFolder returns the beginning of the names of included files in messages.
func shownFolder(inventory string) string {
	if folder := filepath.Dir(inventory); folder != "." {
		return folder + "/"
	}
	return ""
}

// less returns those errors of a list that the revision did not have. Their help says
// so.
func (e *earlier) less(all []diag.Fault, top string, sources *diag.Sources) (left []diag.Fault) {
	why := "this line did not change, but " + e.revision + " did not have the error"
	if e.unread {
		why = "this line did not change, but the inventory cannot be read at " + e.revision + ", so that every error is new"
	}
	for _, f := range all {
		place, _ := sources.Place(f.Pos)
		file, _ := below(top, place.File)
		same := sameFault{f.Check.ID, file, f.Text}
		if e.errors[same] > 0 {
			e.errors[same]--
			continue
		}
		f.Help = cmp.Or(f.Help, f.Check.Rule) + "\n" + why
		left = append(left, f)
	}
	return left
}

// A tree has files of a revision in a temporary folder: those that an inventory needs.
type tree struct {
	root  string
	repo  repository // with its own index
	names []string   // all files of the revision
	links bool       // some files are symbolic links
}

// baseTree makes a tree without files. It lists the files of the revision in an index
// of its own.
func baseTree(repo repository, revision string) (*tree, error) {
	commit, err := baseCommit(repo, revision)
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "virtmap-")
	if err != nil {
		return nil, err
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	t := &tree{root: filepath.Join(root, "tree"), repo: repo}
	t.repo.env = []string{"GIT_INDEX_FILE=" + filepath.Join(root, "index")}
	_, err = t.repo.git("", "read-tree", "--no-sparse-checkout", commit)
	listed := ""
	if err == nil {
		listed, err = t.repo.git("", "ls-files", "--stage", "--full-name", "-z", ":/")
	}
	if err != nil {
		t.remove()
		return nil, err
	}
	for line := range strings.SplitSeq(listed, "\x00") {
		if mode, name, ok := strings.Cut(line, "\t"); ok { // "100644 HASH 0<tab>NAME"
			t.names, t.links = append(t.names, name), t.links || strings.HasPrefix(mode, "120000 ")
		}
	}
	return t, nil
}

// remove removes the tree. A file that cannot be removed stays in the folder for
// temporary files.
func (t *tree) remove() { _ = os.RemoveAll(filepath.Dir(t.root)) }

// baseCommit returns the commit with which git diff compares. For A..B it is A. For
// A...B it is the merge base.
func baseCommit(repo repository, revision string) (string, error) {
	said, err := repo.git("", "rev-parse", "--revs-only", "--end-of-options", revision)
	commits := strings.Fields(said)
	if err == nil && len(commits) == 0 {
		err = errors.New("it is no revision of git")
	}
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(commits[len(commits)-1], "^"), nil
}

// folders returns the folders of --include-from. A folder of the work tree is replaced
// by the same folder of the tree.
func (t *tree) folders(all []string, top string) ([]string, error) {
	moved := slices.Clone(all)
	for i, folder := range all {
		name, ok := below(top, folder)
		if !ok {
			continue
		}
		moved[i] = filepath.Join(t.root, filepath.FromSlash(name))
		if err := os.MkdirAll(moved[i], 0o700); err != nil {
			return nil, err
		}
	}
	return moved, nil
}

// inventory writes an inventory and its included files to the tree. If the revision has
// symbolic links, it writes all files, because a link may lead to any file.
func (t *tree) inventory(at, top string, includeFrom []string) error {
	bases := []string{globEscape.Replace(filepath.Base(at))}
	if err := t.checkout(bases); err != nil {
		return err
	}
	m, _, err := inventory.Load(at, strings.NewReader(""), includeFrom...)
	if err != nil {
		return err
	}
	for _, pattern := range m.Includes {
		if strings.HasPrefix(pattern, top+"/") {
			return fmt.Errorf("%q names files of the work tree, and not of the revision", pattern)
		}
		bases = append(bases, filepath.Base(pattern))
	}
	return t.checkout(bases)
}

var globEscape = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)

// checkout writes the files whose last path element matches one of some patterns.
func (t *tree) checkout(patterns []string) error {
	var wanted strings.Builder
	for _, name := range t.names {
		matches := func(pattern string) bool { ok, _ := path.Match(pattern, path.Base(name)); return ok }
		if t.links || slices.ContainsFunc(patterns, matches) {
			wanted.WriteString(name + "\x00")
		}
	}
	_, err := t.repo.git(wanted.String(), "checkout-index", "-q", "-f", "-z", "--stdin", "--prefix="+t.root+"/")
	return err
}
