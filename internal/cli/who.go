package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

type whoArgs struct {
	inventory, format string
	sending           bool
	installed         installedArgs
}

func whoCommand(stdio Stdio) *cli.Command {
	var a whoArgs
	return &cli.Command{
		Name:      "who",
		Usage:     "list every address that ends at a user",
		ArgsUsage: "USER",
		Description: `Lists every address whose mail ends at a user, an mbox file or an address
elsewhere. It follows lists, other addresses, same_as and catch-alls, and domains
that are open to local accounts. A key such as sales+*@d stands for all addresses
that it matches, and @d for every address at d that is not listed.

With --sends it lists every address from which the user may send. @d is every address
at d that is not listed. user+detail is not listed beside user.

It looks through what the inventory would become. With --maps it looks through the
files that the sendmail.cf or main.cf of a folder names, or those of Exim, with the
server's own aliases. Exits with 1 when no address ends there.

Examples:
  virtmap who -i mail.yaml andrei
  virtmap who --maps /etc/mail root
  virtmap who --sends andrei
  virtmap who --format json carol@elsewhere.example`,
		Flags: append(a.installed.flags("look through the installed files of `DIR` instead of the inventory"),
			inventoryFlag(&a.inventory),
			&cli.BoolFlag{Name: "sends", Destination: &a.sending, EnvVars: []string{"VIRTMAP_SENDS"}, Usage: "list the addresses from which the user may send"},
			&cli.StringFlag{Name: "format", Value: "text", Destination: &a.format, EnvVars: []string{"VIRTMAP_FORMAT"},
				Usage: "print `FORMAT`: text or json (one object a line)"}),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := notEmpty(c, "inventory", "maps", "accounts", "host", "format"); err != nil {
				return err
			}
			if c.IsSet("inventory") {
				a.installed.inventory = a.inventory
			}
			if err := a.installed.check(c); err != nil {
				return err
			}
			switch {
			case c.NArg() != 1:
				return usage(errors.New("who takes one user"))
			case a.format != "text" && a.format != "json":
				return usage(fmt.Errorf("--format %q: it is text or json", a.format))
			}
			return who(a, c.Args().First(), stdio)
		},
	}
}

func who(a whoArgs, user string, stdio Stdio) error {
	find, what := a.find, "no address ends at %q"
	if a.sending {
		find, what = a.sends, "%q may send from no address"
	}
	found, err := find(user, stdio)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(stdio.Out)
	for _, e := range found {
		if a.format == "json" {
			err = errors.Join(err, json.NewEncoder(out).Encode(e))
			continue
		}
		_, problem := fmt.Fprintf(out, "%s  (%s)\n", e.Address, e.Place)
		err = errors.Join(err, problem)
	}
	switch err = errors.Join(err, out.Flush()); {
	case err != nil:
		return exit(exitIO, err)
	case len(found) == 0:
		return exit(exitProblems, fmt.Errorf(what, user))
	}
	return nil
}

// find searches the inventory or the installed files.
func (a whoArgs) find(user string, stdio Stdio) (found []match, err error) {
	if a.installed.maps == "" {
		source, err := faultless(a.inventory, stdio)
		if err != nil {
			return nil, err
		}
		return allOf(searchOf(source, serverOf(source), user))
	}
	set, server, err := a.installed.open(stdio)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	return allOf(searchIn(set, server, user))
}

// allOf returns what a search finds, if its rows could be read.
func allOf(w *search, err error) ([]match, error) {
	if err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	return w.all(), nil
}

// A match is an address, or a key for several addresses, and what made it.
type match struct {
	Address string `json:"address"`
	Place   string `json:"place"`
}

// all returns the addresses that end at a user, a mailbox or an address. It tries every
// row; the name itself in every domain; and the name in every row whose end depends on
// the address.
func (w *search) all() []match {
	for i := range w.rows.Len() {
		key, value := w.row(i)
		local, domain, _ := strings.Cut(key, "@")
		if local != "" && w.isOthers(value) {
			continue
		}
		for _, addr := range w.examples(local, domain) {
			if o, trace := w.set.Route(addr); w.first(trace) == key && w.endsAt(addr, o, trace) {
				w.add(key, w.place(key))
				break
			}
		}
		if local == "" {
			w.try(w.local+"@"+domain, func() string { return w.place(key) })
		}
	}
	for _, name := range w.names {
		w.try(w.local+"@"+name.Address, func() string { return name.Place })
	}
	if strings.Contains(w.name, "@") {
		w.try(w.name, func() string { return "as it stands" })
	}
	return w.found
}
