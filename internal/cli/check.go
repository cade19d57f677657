package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

type checkArgs struct {
	inventory, out   string
	quiet, installed bool
	accounts         string // a file in the form of passwd
	timings, list    bool
	domains          cli.StringSlice
	telling          formatArgs
}

func checkCommand(stdio Stdio) *cli.Command {
	var a checkArgs
	return &cli.Command{
		Name:  "check",
		Usage: "find every fault of the inventory; change nothing",
		Description: `Prints every fault on standard error, with its place and with what to write
instead. Exits with 1 when one of the faults is an error.

--deep looks at the installed files too, and at the configuration of sendmail or
Postfix. It finds files that the server would not read, because of their owner or
mode or because its configuration does not name them; maps and texts that
contradict each other; users that are no accounts of this machine; and mailboxes
that the server cannot write to. It names what mends each.

--accounts names the accounts that catch_all: local opens to the world.

--changed-since compares with the inventory at a revision of git. Warnings are
reported on changed lines only. An error that the revision did not have is
reported on every line: when a user is taken away, lines that nobody changed are
wrong.

--domain reports only faults on the lines of some domains; others do not count.

--format writes the faults for a CI server. The exit code is the same in every
format. Under GITHUB_ACTIONS the changed lines are annotated without this flag.

Examples:
  virtmap check -i mail.yaml
  virtmap check --format text --format sarif=virtmap.sarif --fail-on warning
  virtmap check --domain fakemail.example
  virtmap check --accounts /etc/passwd
  git show HEAD:mail.yaml | virtmap check -i -
  virtmap check --deep`,
		Flags: append([]cli.Flag{inventoryFlag(&a.inventory), domainFlag(&a.domains, "report the faults"), quietFlag(&a.quiet), timingsFlag(&a.timings),
			&cli.BoolFlag{Name: "list", Destination: &a.list, EnvVars: []string{"VIRTMAP_LIST"},
				Usage: "list all checks with their severities and rules, and check nothing; virtmap explain says more about each"},
			&cli.StringFlag{Name: "accounts", Destination: &a.accounts, TakesFile: true, EnvVars: []string{"VIRTMAP_ACCOUNTS"},
				Usage: "name the accounts that catch_all: local opens, of the passwd `FILE`, such as /etc/passwd"},
			&cli.BoolFlag{Name: "deep", Destination: &a.installed, EnvVars: []string{"VIRTMAP_DEEP"},
				Usage: "look at the installed files, their permissions and the accounts too"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &a.out, EnvVars: []string{"VIRTMAP_OUTPUT"}, DefaultText: "host.mail_dir",
				Usage: "with --deep: the installed files are in `DIR`"}}, a.telling.flags()...),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := errors.Join(notEmpty(c, "inventory", "output", "changed-since", "accounts"), a.telling.check()); err != nil {
				return err
			}
			if a.telling.since != "" && a.inventory == "-" {
				return usage(errors.New("--changed-since asks git about files, and standard input is none"))
			}
			if a.installed && len(a.domains.Value()) > 0 {
				return usage(errors.New("--deep looks at files and --domain at lines of the inventory; leave one of them out"))
			}
			if a.list {
				return listChecks(stdio)
			}
			return followed(a.timings, stdio, func(stdio Stdio) error { return check(c.Context, a, stdio) })
		},
	}
}

func check(ctx context.Context, a checkArgs, stdio Stdio) error {
	accounts, err := accountsOf(a.accounts)
	if err != nil {
		return err
	}
	source, faults, err := readAdvised(a.inventory, accounts, diag.Note, stdio)
	if err != nil {
		return err
	}
	if a.telling.since != "" {
		if err := a.onlyChanged(ctx, accounts, source, stdio.includeFolders(), faults); err != nil {
			return err
		}
	}
	elsewhere, err := a.onlyDomains(source.Inventory(), faults)
	if err != nil {
		return err
	}
	least := diag.Note // programs get notes too; people first get the errors
	if a.quiet {
		least = a.telling.failing()
	}
	if err := a.telling.tell(stdio, source.Inventory().Sources, faults, least); err != nil {
		return err
	}
	if a.installed {
		if err := a.deep(source, stdio); err != nil {
			return err
		}
	}
	switch {
	case a.quiet:
	case len(a.domains.Value()) > 0:
		fmt.Fprintf(stdio.Err, "%s: no errors in %s%s\n", source.Inventory().Name, diag.Printable(strings.Join(a.domains.Value(), ", ")), elsewhere)
	case a.telling.since != "":
		fmt.Fprintf(stdio.Err, "%s: no errors on lines changed since %s, and no new ones elsewhere\n", source.Inventory().Name, diag.Printable(a.telling.since))
	default:
		fmt.Fprintf(stdio.Err, "%s: no errors in %s\n", source.Inventory().Name, build.Contents(source))
	}
	return nil
}

// onlyDomains keeps the faults on the lines of the domains of --domain. elsewhere is the
// end of a message that counts the errors on other lines. If the inventory has errors and
// lacks a domain, all faults are kept, because one of them may be the reason.
func (a *checkArgs) onlyDomains(m *inventory.Model, faults *diag.List) (elsewhere string, err error) {
	chosen, err := chooseDomains(m, a.domains.Value())
	switch {
	case err != nil && faults.Failed():
		return "", nil
	case err != nil || chosen == nil:
		return "", err
	}
	if others := chosen.keep(m, faults); others > 0 {
		elsewhere = ", and " + diag.Count(others, "error") + " elsewhere"
	}
	return elsewhere, nil
}

// accountsOf returns the names of a file in the form of passwd(5).
func accountsOf(path string) (names []string, err error) {
	if path == "" {
		return nil, nil
	}
	text, err := regular.Read(path, regular.MaxBytes)
	if err != nil {
		return nil, machineExit(fmt.Errorf("--accounts: %w", err), exitNoInput)
	}
	for line := range strings.Lines(string(text)) {
		name, _, ok := strings.Cut(line, ":")
		if ok && name != "" && name[0] != '#' && name[0] != '+' && name[0] != '-' { // + and - are for NIS
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, exit(exitNoInput, fmt.Errorf("--accounts: %q names no account; it takes lines such as andrei:x:1000:…", path))
	}
	return names, nil
}

func noArguments(c *cli.Context) error {
	if c.NArg() == 0 {
		return nil
	}
	first := c.Args().First()
	for _, flag := range c.Command.Flags {
		if slices.Contains(flag.Names(), "inventory") {
			return usage(fmt.Errorf("%s takes no argument %q; the inventory is given with -i: virtmap %[1]s -i %[3]s", c.Command.Name, first, first))
		}
	}
	return usage(fmt.Errorf("%s takes no argument %q", c.Command.Name, first))
}
