package postfix

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"virtmap/internal/mapfile"
)

// readsForm reports whether a postmap reads a small map of one of the forms of lmdb, which
// has the name of a type of maps. postmap is the beginning of its command line.
func readsForm(postmap []string, form string) (found bool, err error) {
	dir, err := os.MkdirTemp("", "virtmap-form-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "map")
	if err := writeMap(path, form); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = exec.CommandContext(ctx, postmap[0], append(slices.Clone(postmap[1:]), "-q", "key", "lmdb:"+path)...).Run()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return false, nil
	}
	return err == nil, err
}

// writeMap writes a map with one row.
func writeMap(path, form string) error {
	typ, ok := mapfile.ByName(form)
	if !ok {
		return errors.New("there is no form " + form)
	}
	file, err := os.Create(path + typ.Suffix)
	if err != nil {
		return err
	}
	return errors.Join(typ.Write(file, mapfile.Pairs{{"key", "value"}}), file.Close())
}
