package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/docs"
)

// printed are the files that the program prints, with the arguments for each.
var printed = map[string][]string{
	"man/virtmap.1":           {"man", "virtmap"},
	"man/virtmap-inventory.5": {"man", "virtmap-inventory"},
	"completion/virtmap.bash": {"completion", "bash"},
	"completion/_virtmap":     {"completion", "zsh"},
	"completion/virtmap.fish": {"completion", "fish"},
	"virtmap.schema.json":     {"schema"},
}

// withSubjects adds the manual pages of subjects.
func withSubjects(printed map[string][]string) map[string][]string {
	all := maps.Clone(printed)
	for _, p := range docs.Manual {
		all["man/virtmap-"+p.Name+".7"] = []string{"man", "virtmap-" + p.Name}
	}
	return all
}

// sharedFiles returns the files of every archive, without the program.
func (r *release) sharedFiles() (all []file, err error) {
	own, err := r.build(hostPlatform())
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "virtmap-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "virtmap")
	if err := os.WriteFile(program, own, 0o755); err != nil {
		return nil, err
	}
	for name, args := range withSubjects(printed) {
		text, err := output(nil, program, args...)
		if err != nil {
			return nil, err
		}
		all = append(all, file{name, []byte(text), 0o644})
	}
	kept := []string{"LICENSE", "README.md", "CHANGELOG.md"}
	for _, pattern := range []string{"contrib/*", "docs/*.md", "docs/pictures/*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		kept = append(kept, names...)
	}
	for _, name := range kept {
		if strings.HasSuffix(name, ".go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, file{name, text, 0o644})
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// archive writes the archive of a platform.
func (r *release) archive(platform string, program []byte) error {
	name := fmt.Sprintf("virtmap_%s_%s", r.version, strings.ReplaceAll(platform, "/", "_"))
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out) // its header has no name and no time
	packed := tar.NewWriter(zipped)
	for _, f := range append([]file{{"virtmap", program, 0o755}}, r.shared...) {
		head := &tar.Header{Format: tar.FormatUSTAR, Name: name + "/" + f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: r.when}
		if err := packed.WriteHeader(head); err != nil {
			return err
		}
		if _, err := packed.Write(f.content); err != nil {
			return err
		}
	}
	if err := errors.Join(packed.Close(), zipped.Close()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, name+".tar.gz"), out.Bytes(), 0o644)
}

// sums writes the digests of all files in the format of sha256sum -c.
func (r *release) sums() error {
	files, err := os.ReadDir(r.out) // sorted
	if err != nil {
		return err
	}
	var all strings.Builder
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(r.out, f.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&all, "%x  %s\n", sha256.Sum256(content), f.Name())
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(all.String()), 0o644)
}
