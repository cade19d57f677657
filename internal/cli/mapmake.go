package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/publish"
	"virtmap/virtuser"
)

type mapMakeArgs struct {
	typ            string
	quiet, timings bool
}

func mapMakeCommand(stdio Stdio) *cli.Command {
	var a mapMakeArgs
	return &cli.Command{
		Name: "make", Usage: "write the map of a virtusertable", ArgsUsage: "TEXT",
		Description: `Reads a virtusertable that a person wrote and writes TEXT.db or TEXT.cdb beside
it, as makemap does, without makemap and libdb. What makemap would refuse, and
right sides that sendmail would answer with an error, are printed with their
places; then nothing is written and the exit code is 1.

The new map is whole and read back before it gets its name, and keeps owner and
mode of the old one; sendmail opens it at its next look-up.

Examples:
  virtmap map make /etc/mail/virtusertable
  virtmap map make --type cdb virtusertable`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "type", Value: "hash", Destination: &a.typ, EnvVars: []string{"VIRTMAP_TYPE"},
				Usage: "write a map of `TYPE`: hash or cdb"},
			quietFlag(&a.quiet), timingsFlag(&a.timings)},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			typ, ok := mapfile.ByName(a.typ)
			switch {
			case c.NArg() != 1:
				return usage(errors.New("map make takes one TEXT"))
			case !ok || typ.Write == nil:
				return usage(fmt.Errorf("--type %q: it is hash or cdb", a.typ))
			}
			return staged(a.timings, stdio, func(stdio Stdio) error { return mapMake(c.Context, a, c.Args().First(), typ, stdio) })
		},
	}
}

func mapMake(ctx context.Context, a mapMakeArgs, path string, typ mapfile.Type, stdio Stdio) error {
	stdio.stages.Enter("read the text")
	text, err := readText(path)
	if err != nil {
		return machineExit(err, exitNoInput)
	}
	var sources diag.Sources
	src, err := sources.Add(path, text)
	if err != nil {
		return exit(exitNoInput, err)
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
	if err := printFaults(stdio, &sources, &faults, least); err != nil {
		return err
	}
	owner := -1
	if os.Geteuid() == 0 {
		owner = fileset.TrustedUser(publish.OS, filepath.Dir(path), lookupUser)
	}
	out := fileset.Map(path, typ, table, owner)
	var watch publish.Watcher
	if stdio.stages != nil {
		watch = stdio.stages
	}
	if err := publish.Replace(ctx, publish.OS, out, mapGap, watch); err != nil {
		return machineExit(err, exitIO)
	}
	stdio.stages.end()
	if !a.quiet {
		fmt.Fprintf(stdio.Err, "%s: %s, %s\n", out.Path, typ.Name, plural(table.Len(), "row"))
	}
	return nil
}

// readText reads a file in one piece.
func readText(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", &fs.PathError{Op: "read", Path: path, Err: errors.New("it is no regular file")}
	}
	var text strings.Builder
	text.Grow(int(info.Size()))
	_, err = file.WriteTo(&text)
	return text.String(), err
}
