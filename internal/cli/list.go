package cli

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/listing"
	"virtmap/inventory"
)

type listArgs struct {
	inventory, format, user, only string
	domains                       cli.StringSlice
}

func listCommand(stdio Stdio) *cli.Command {
	var a listArgs
	return &cli.Command{
		Name:  "list",
		Usage: "list every address of the inventory, and where its mail ends",
		Description: `Prints a row for each address, role and catch-all of each domain, in the order of
the inventory's domains. A copy by same_as has all rows of its source. The host's
own names have rows only if they are under domains. No DNS is asked.

Columns of table and csv, members of json:
  domain   the domain, as A-labels
  address  the part before the @; * is the catch-all, or a backup domain
  kind     user, list, alias (of local_aliases), address (in a domain of the
           inventory or at the host), forward (an address elsewhere),
           pattern (with %1, %2 or %3), domain (the same name in another
           domain), local (the server's own accounts decide), reject, defer,
           or backup
  to       where the mail goes, as written; of reject and defer the reply.
           In json a list, and the reply is the member reply.
  ends     the users, local_aliases and addresses where the mail ends. A
           user who forwards all mail is replaced by the end of the forward.
           The end of a pattern or a domain depends on the address, and is
           as written. Empty: no mail is taken, or the server's accounts
           decide. In json a list.
  source   own, role (of the domain), default (of defaults), copy (same_as)
  state    enabled or disabled; in json the member disabled, true or false
  place    the file and the line of the address in the inventory
  senders  the users who may send from the address, or none; local is each
           user, from the address of the same name. Of * and of keys such as
           sales+* they are those for addresses that are not listed. Empty,
           and not in json: the domain does not send. table and csv have it
           if a domain of the inventory sends. In json a list.

json has one object a line. In csv a cell that begins with = + - @ or ' has one
more ' before it, so that no spreadsheet takes it for a formula; +*, for example,
is '+*. A program removes the first ' of a cell, or reads json. On a terminal
table cuts long cells; elsewhere it cuts nothing.

--user shows what goes to a user, also if the user forwards it. Rows whose end
depends on the address are not shown; virtmap who finds their addresses too.
--only takes kinds, and the words role, default, copy, disabled and sends (of a
domain that sends); a row is shown if one of the words fits.

Exits with 1 if a target of the rows leads nowhere. The rows are printed before.

Examples:
  virtmap list -i mail.yaml --domain fakemail.example
  virtmap list --user andrei
  virtmap list --only forward,pattern --format csv > forwards.csv`,
		Flags: []cli.Flag{
			inventoryFlag(&a.inventory),
			domainFlag(&a.domains, "list the addresses"),
			&cli.StringFlag{Name: "user", Destination: &a.user, EnvVars: []string{"VIRTMAP_LIST_USER"},
				Usage: "list what goes to the user, or the name of local_aliases, `NAME` only"},
			&cli.StringFlag{Name: "only", Destination: &a.only, EnvVars: []string{"VIRTMAP_LIST_ONLY"},
				Usage: "list what one of the `WORDS` fits, separated by commas: " + strings.Join(listWords(), ", ")},
			&cli.StringFlag{Name: "format", Value: "table", Destination: &a.format, EnvVars: []string{"VIRTMAP_FORMAT"},
				Usage: "print `FORMAT`: table, csv or json (one object a line)"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := errors.Join(noArguments(c), notEmpty(c, "inventory", "user", "only", "format"), a.check()); err != nil {
				return err
			}
			return a.run(stdio)
		},
	}
}

// listWords returns the words of --only.
func listWords() (words []string) {
	for _, kind := range listing.Kinds {
		words = append(words, string(kind))
	}
	return append(words, string(listing.Role), string(listing.Default), string(listing.Copy), "disabled", "sends")
}

// check looks at the values of flags.
func (a *listArgs) check() error {
	if listFormats[a.format] == nil {
		return usage(fmt.Errorf("--format %q: it is table, csv or json", a.format))
	}
	return onlyOf(a.only, listWords())
}

func (a *listArgs) run(stdio Stdio) error {
	r := readerOf(stdio)
	m, faults, err := r.Domains(a.inventory)
	if err != nil {
		return machineExit(err, exitNoInput)
	}
	if faults.Failed() {
		return printFaults(stdio, m.Sources, faults, diag.Error)
	}
	chosen, err := chooseDomains(m, a.domains.Value())
	if err != nil {
		return err
	}
	build.Release(m)
	found := faults.Fork()
	rows := listing.New(m, found)
	if a.user != "" {
		name, err := receiverNamed(m, a.user)
		if err != nil {
			return err
		}
		rows = rows.Through(name)
	}
	printer := listFormats[a.format](stdio.Out, m)
	for row := range a.rows(m, rows, chosen) {
		if err := printer.row(row); err != nil {
			return exit(exitIO, err)
		}
	}
	if err := printer.close(); err != nil {
		return exit(exitIO, err)
	}
	if found.Failed() {
		return printFaults(stdio, m.Sources, found, diag.Error)
	}
	return nil
}

// receiverNamed returns the folded name of a user or of a name of local_aliases.
func receiverNamed(m *inventory.Model, name string) (string, error) {
	folded := strings.ToLower(name)
	_, user := m.User(folded)
	if _, alias := m.LocalAlias(folded); user || alias {
		return folded, nil
	}
	if strings.Contains(name, "@") {
		return "", usage(fmt.Errorf("--user %q: it is a name under users; virtmap who finds what ends at an address", name))
	}
	return "", usage(fmt.Errorf("--user %q: the inventory has no such user%s", name, nearestOf(folded, func(yield func(string) bool) {
		for i := range m.Users {
			if !yield(m.Users[i].Name.Text) {
				return
			}
		}
	})))
}

// rows yields the rows of the chosen domains that a word of --only fits.
func (a *listArgs) rows(m *inventory.Model, all *listing.Listing, chosen domainChoice) iter.Seq[*listing.Row] {
	return func(yield func(*listing.Row) bool) {
		for d := range m.Domains {
			if !chosen.has(m.Domains[d].Name) {
				continue
			}
			for row := range all.Rows(d) {
				if fits(row, a.only) && !yield(row) {
					return
				}
			}
		}
	}
}

// fits reports whether one of the words of --only fits a row.
func fits(row *listing.Row, only string) bool {
	return allows(only, string(row.Kind)) || allows(only, string(row.Source)) || row.Disabled && allows(only, "disabled") || row.Sends && allows(only, "sends")
}
