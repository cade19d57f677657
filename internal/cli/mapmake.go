package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
	"virtmap/internal/publish"
	"virtmap/virtuser"
)

type mapMakeArgs struct {
	typ            string
	quiet, timings bool
	wait           time.Duration
}

func mapMakeCommand(stdio Stdio) *cli.Command {
	var a mapMakeArgs
	return &cli.Command{
		Name: "make", Usage: "write the map of a virtusertable", ArgsUsage: "TEXT",
		Description: `Reads a virtusertable that a person wrote, and writes TEXT.db, TEXT.cdb or
TEXT.lmdb beside it, as makemap and postmap do, without these programs and their
libraries. It prints with their places the rows that makemap would refuse, and right
sides that sendmail would answer with an error. Then it writes nothing, and the exit
code is 1.

The new map is complete and was read back before it gets its name. It keeps owner
and mode of the old map, and sendmail opens it at its next look-up. Type lmdb is for
Postfix with liblmdb 0.9 (Debian 12), lmdb-1.0 for Postfix with liblmdb 1.0; sendmail
reads neither. No build may work in the folder meanwhile (exit 75 after --wait), and
the text must not change.

Examples:
  virtmap map make /etc/mail/virtusertable
  virtmap map make --type cdb virtusertable`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "type", Value: "hash", Destination: &a.typ, EnvVars: []string{"VIRTMAP_TYPE"},
				Usage: "write a map of `TYPE`: hash, cdb, lmdb or lmdb-1.0"},
			waitFlag(&a.wait), quietFlag(&a.quiet), timingsFlag(&a.timings)},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			typ, ok := mapfile.ByName(a.typ)
			switch {
			case c.NArg() != 1:
				return usage(errors.New("map make takes one TEXT"))
			case !ok || typ.Write == nil:
				return usage(fmt.Errorf("--type %q: it is hash, cdb, lmdb or lmdb-1.0", a.typ))
			}
			return followed(a.timings, stdio, func(stdio Stdio) error { return a.run(c.Context, c.Args().First(), typ, stdio) })
		},
	}
}

func (a *mapMakeArgs) run(ctx context.Context, path string, typ mapfile.Type, stdio Stdio) error {
	var table *virtuser.Table
	r := publish.Replacement{FS: publish.OS, Gap: defaultServer.MapGap, Wait: a.wait, Watch: stdio.watcher()}
	r.Make = func() (out publish.Output, err error) {
		before := build.StampOf(path)
		if table, err = a.parse(path, stdio); err != nil {
			return out, err
		}
		out = fileset.Map(path, typ, table, build.MapOwner(defaultServer, filepath.Dir(path)))
		check := out.Check
		out.Check = func(image *mmap.Image) error {
			if build.StampOf(path) != before {
				return fmt.Errorf("%q %w", path, publish.ErrChanged)
			}
			return check(image)
		}
		return out, nil
	}
	err := publish.Replace(ctx, filepath.Dir(path), r)
	if errors.Is(err, fs.ErrNotExist) {
		return machineExit(err, exitNoInput)
	}
	if err != nil {
		return machineExit(err, exitIO)
	}
	stdio.stages.End()
	if !a.quiet {
		fmt.Fprintf(stdio.Err, "%s: %s, %s\n", diag.Printable(path+typ.Suffix), typ.Name, diag.Count(table.Len(), "row"))
	}
	return nil
}

// parse reads a text that must have no faults. Faults are printed.
func (a *mapMakeArgs) parse(path string, stdio Stdio) (*virtuser.Table, error) {
	stdio.stages.Enter("read the text")
	text, err := readText(path)
	if err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	var sources diag.Sources
	src, err := sources.Add(path, text)
	if err != nil {
		return nil, exit(exitNoInput, err)
	}
	stdio.stages.Bytes(int64(len(text)))
	stdio.stages.Enter("parse")
	var faults diag.List
	table := virtuser.Parse(src, &faults)
	stdio.stages.Rows(table.Len())
	least := diag.Warning
	if a.quiet {
		least = diag.Error
	}
	return table, printFaults(stdio, &sources, &faults, least)
}

// readText reads a regular file.
func readText(path string) (text string, err error) {
	image, err := mmap.Open(path)
	if err != nil {
		return "", err
	}
	err = mmap.Guard(func() error { text = string(image.Bytes); return nil })
	return text, errors.Join(err, image.Close())
}
