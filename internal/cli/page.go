package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/outcome"
	"virtmap/internal/page"
	"virtmap/internal/publish"
)

type pageArgs struct {
	inventory, out, state string
	domains               cli.StringSlice
}

func pageCommand(stdio Stdio) *cli.Command {
	var a pageArgs
	return &cli.Command{
		Name:  "page",
		Usage: "write a web page that says who gets what, and why",
		Description: `Writes one HTML file for people without a shell. It answers for any address as
lookup does, with the way there. It has every domain and user, a picture of
who gets what, and the findings of check with their places. If a domain sends
mail, it says who may send from which address. With --state it has the verdicts
of the last build on the MX records, and what to publish.

With --domain the file is about some domains, for the people who own them. It
has their addresses, senders, notes, findings and verdicts. Of other domains and of users
it has only what mail for these addresses comes through; it does not answer for
others.

The file needs no network and no other file. It has every address of the server,
or of the chosen domains, so only its owner can read it: publish it only where
the inventory may be seen. The same inventory and state give the same bytes.

Examples:
  virtmap page -o who.html
  virtmap page --domain fakemail.example -o fakemail.html
  virtmap page -i mail.yaml --state out/.virtmap -o who.html
  virtmap page -o - > who.html`,
		Flags: []cli.Flag{inventoryFlag(&a.inventory), domainFlag(&a.domains, "show the addresses"),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &a.out, Value: "who.html", TakesFile: true, EnvVars: []string{"VIRTMAP_OUTPUT"},
				Usage: "write to `FILE`, - for standard output"},
			&cli.StringFlag{Name: "state", Destination: &a.state, TakesFile: true, EnvVars: []string{"VIRTMAP_STATE"},
				Usage: "show the verdicts on MX records that a build keeps in `DIR`, such as out/.virtmap or /var/lib/virtmap"}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := errors.Join(noArguments(c), notEmpty(c, "inventory", "output", "state")); err != nil {
				return err
			}
			return writePage(a, stdio)
		},
	}
}

func writePage(a pageArgs, stdio Stdio) (err error) {
	source, faults, err := readAdvised(a.inventory, nil, diag.Note, stdio)
	if err != nil {
		return err
	}
	if faults.Failed() {
		return printFaults(stdio, source.Inventory().Sources, faults, diag.Error)
	}
	chosen, err := chooseDomains(source.Inventory(), a.domains.Value())
	if err != nil {
		return err
	}
	chosen.keep(source.Inventory(), faults)
	verdicts, err := verdictsIn(a.state)
	if err != nil {
		return err
	}
	set := source.Set()
	defer func() { err = errors.Join(err, set.Close()) }()
	d := page.Document{
		Model: source.Inventory(), Findings: diag.Printer{Sources: source.Inventory().Sources}.Located(faults), Verdicts: verdicts, MaxRows: page.MaxRows, Only: slices.Sorted(maps.Keys(chosen)),
		Route: func(addr string) outcome.Outcome { o, _ := set.Route(addr); return o },
	}
	var html bytes.Buffer
	if err := d.Write(&html); err != nil {
		return exit(exitSoftware, err)
	}
	if a.out == "-" {
		if _, err := stdio.Out.Write(html.Bytes()); err != nil {
			return exit(exitIO, err)
		}
		return nil
	}
	if err := writePrivate(a.out, html.Bytes()); err != nil {
		return machineExit(fmt.Errorf("--output: %w", err), exitCannotWrite)
	}
	stdio.tell(fmt.Sprintf("%s: wrote %s (%d kB); it has every address%s, so only its owner can read it", source.Inventory().Name, a.out, max(1, html.Len()/1000), ofDomains(chosen)))
	return nil
}

// ofDomains returns the end of "every address", if a page is about some domains.
func ofDomains(chosen domainChoice) string {
	if chosen == nil {
		return ""
	}
	return " of " + diag.Count(len(chosen), "domain")
}

// verdictsIn returns the verdicts in a state folder; nil if no folder is named.
func verdictsIn(dir string) (*hostnames.Memory, error) {
	if dir == "" {
		return nil, nil
	}
	path := filepath.Join(dir, hostnames.MemoryName)
	text, err := publish.ReadState(publish.OS, path)
	if err == nil && text == nil {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	var memory *hostnames.Memory
	if err == nil {
		memory, err = hostnames.ParseMemory(text)
	}
	if err != nil {
		err = fmt.Errorf("--state: %w", err)
	}
	return memory, machineExit(err, exitNoInput)
}
