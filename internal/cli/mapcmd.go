package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
)

func mapCommand(stdio Stdio) *cli.Command {
	return &cli.Command{
		Name:  "map",
		Usage: "write a .db, .cdb or .lmdb file, or look inside one",
		Description: `Writes the map of a virtusertable, and reads maps that virtmap, makemap, newaliases
or postmap wrote, in either byte order. It finds the type of a map by the content.
The name FILE may be without .db, .cdb or .lmdb.

Examples:
  virtmap map get /etc/mail/virtusertable fake@fakemail.example
  virtmap map dump /etc/mail/virtusertable.db | sort`,
		Subcommands:     []*cli.Command{mapMakeCommand(stdio), mapGetCommand(stdio), mapDumpCommand(stdio), mapCheckCommand(stdio)},
		HideHelpCommand: true,
		OnUsageError:    onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return showHelp([]*cli.Command{c.Command}, []string{"map"}, stdio)
			}
			return usage(unknownCommand(c.Command.Subcommands, c.Args().First()))
		},
	}
}

func mapGetCommand(stdio Stdio) *cli.Command {
	return &cli.Command{
		Name: "get", Usage: "print the value of each key", ArgsUsage: "FILE KEY...",
		Description: `Prints the value alone for one key, and key and value for several keys. Keys are
looked up in lower case, as the mail servers do. Exits with 1 when a key is not
there.

Examples:
  virtmap map get virtusertable.db fake@fakemail.example @fakemail.example
  virtmap map get virtmap-aliases virtmap-info=fakemail.example`,
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() < 2 {
				return usage(errors.New("map get takes a FILE and at least one KEY"))
			}
			return mapGet(c.Args().First(), c.Args().Tail(), stdio)
		},
	}
}

func mapDumpCommand(stdio Stdio) *cli.Command {
	var pages bool
	return &cli.Command{
		Name: "dump", Usage: "print every row, in the order of the file", ArgsUsage: "FILE",
		Description: `Prints the key, a tab and the value. A NUL byte at the end of either is left out.

Examples:
  virtmap map dump virtusertable.db
  virtmap map dump --pages virtusertable.db | less`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "pages", Destination: &pages, EnvVars: []string{"VIRTMAP_PAGES"},
			Usage: "print instead what every byte of a .db or .lmdb file means"}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usage(errors.New("map dump takes one FILE"))
			}
			return mapDump(c.Args().First(), pages, stdio)
		},
	}
}

func mapCheckCommand(stdio Stdio) *cli.Command {
	return &cli.Command{
		Name: "check", Usage: "look for damage in each file", ArgsUsage: "FILE...",
		Description: `Reads each file strictly. It finds damage that db_verify and mdb_stat do not find
too, such as a file that was cut or keys out of order. Exits with 1 when a file is damaged.

Examples:
  virtmap map check /etc/mail/virtusertable.db
  virtmap map check /etc/mail/*.db`,
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usage(errors.New("map check takes at least one FILE"))
			}
			return mapCheck(c.Args().Slice(), stdio)
		},
	}
}

// openMap opens FILE.db, FILE.cdb, FILE.lmdb or FILE: the names that mail servers give
// their maps.
func openMap(name string) (*mapfile.File, error) {
	if mapfile.WithoutSuffix(name) != name {
		return openFirst(name)
	}
	return openFirst(name+".db", name+".cdb", name+".lmdb", name)
}

func openFirst(paths ...string) (*mapfile.File, error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, machineExit(err, exitNoInput)
		case info.IsDir():
			return nil, exit(exitNoInput, fmt.Errorf("%q is a folder", path))
		}
		f, err := mapfile.Open(path)
		return f, mapExit(err)
	}
	return nil, exit(exitNoInput, fmt.Errorf("there is no %s", strings.Join(paths, ", ")))
}

// mapExit gives an error its exit code. A file that cannot be read has another code
// than a damaged file.
func mapExit(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return machineExit(err, exitNoInput)
	}
	if err != nil {
		return exit(exitProblems, err)
	}
	return nil
}

func mapGet(name string, keys []string, stdio Stdio) error {
	f, err := openMap(name)
	if err != nil {
		return err
	}
	defer f.Close()
	missing := 0
	for _, key := range keys {
		value, ok, err := getAnyForm(f, key)
		switch {
		case err != nil:
			return mapExit(err)
		case !ok:
			missing++
			fmt.Fprintf(stdio.Err, "%q is not there\n", key)
		case len(keys) == 1:
			fmt.Fprintf(stdio.Out, "%s\n", value)
		default:
			fmt.Fprintf(stdio.Out, "%s\t%s\n", key, value)
		}
	}
	if missing > 0 {
		return exit(exitProblems, nil)
	}
	return nil
}

// getAnyForm looks a key up as sendmail does: in lower case, first without and then
// with a final NUL.
func getAnyForm(f *mapfile.File, key string) (value string, ok bool, err error) {
	folded := mailaddr.Lower(key)
	for _, form := range []string{key, folded, mapfile.WithNUL(folded)} {
		found, ok, err := f.Append(nil, []byte(form))
		if ok || err != nil {
			return string(mapfile.WithoutNUL(found)), ok, err
		}
	}
	return "", false, nil
}

func mapDump(name string, pages bool, stdio Stdio) error {
	f, err := openMap(name)
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriter(stdio.Out) // Flush returns its first error
	if pages {
		err = f.Explain(out)
	} else {
		err = f.Each(func(key, value []byte) error {
			fmt.Fprintf(out, "%s\t%s\n", mapfile.WithoutNUL(key), mapfile.WithoutNUL(value))
			return nil
		})
	}
	if flushErr := out.Flush(); flushErr != nil {
		return exit(exitIO, flushErr)
	}
	return mapExit(err)
}

func mapCheck(names []string, stdio Stdio) error {
	var worst error
	for _, name := range names {
		f, err := openFirst(name, name+".db", name+".cdb", name+".lmdb")
		if err == nil {
			var sum mapfile.Sum
			if sum, err = f.Sum(); err == nil {
				fmt.Fprintf(stdio.Out, "%s: %s, %s, sound\n", diag.Printable(f.Path()), f.Type.Name, diag.Count(sum.Len(), "row"))
			}
			err = mapExit(errors.Join(err, f.Close()))
		}
		if err != nil {
			fmt.Fprintf(stdio.Err, "virtmap: %s\n", diag.Printable(err.Error()))
			worst = exit(max(exitCode(worst), exitCode(err)), nil)
		}
	}
	return worst
}
