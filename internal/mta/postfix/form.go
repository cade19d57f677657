package postfix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"virtmap/internal/mapfile"
)

// readsForm reports whether postmap(1) reads a small map of a form of lmdb: lmdb or
// lmdb-1.0. postmap is the beginning of the command line.
func readsForm(postmap []string, form string) (reads bool, err error) {
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
		return fmt.Errorf("there is no form %q of a map", form)
	}
	file, err := os.Create(path + typ.Suffix)
	if err != nil {
		return err
	}
	return errors.Join(typ.Write(file, mapfile.Pairs{{"key", "value"}}), file.Close())
}
