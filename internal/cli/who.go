package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/inventory"
	"virtmap/virtuser"
)

type whoArgs struct{ inventory, format string }

func whoCommand(stdio Stdio) *cli.Command {
	var a whoArgs
	return &cli.Command{
		Name:      "who",
		Usage:     "list every address that ends at a user",
		ArgsUsage: "USER",
		Description: `Lists every address whose mail ends at a user, an mbox file or an address
elsewhere: through lists, other addresses, same_as and catch-alls, and where
a domain is open to local accounts. Keys such as sales+*@d stand for all that
they match, @d for every address at d that is not listed.
Exits with 1 when no address ends there.

Examples:
  virtmap who -i mail.yaml andrei
  virtmap who --format json carol@elsewhere.example`,
		Flags: []cli.Flag{
			inventoryFlag(&a.inventory),
			&cli.StringFlag{Name: "format", Value: "text", Destination: &a.format, EnvVars: []string{"VIRTMAP_FORMAT"},
				Usage: "print `FORMAT`: text or json (one object a line)"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := notEmpty(c, "inventory", "format"); err != nil {
				return err
			}
			switch {
			case c.NArg() != 1:
				return usage(errors.New("who takes one user"))
			case a.format != "text" && a.format != "json":
				return usage(fmt.Errorf("--format %q: it is text or json", a.format))
			}
			return who(a, strings.ToLower(c.Args().First()), stdio)
		},
	}
}

func who(a whoArgs, user string, stdio Stdio) error {
	source, err := faultless(a.inventory, stdio)
	if err != nil {
		return err
	}
	found := endingAt(source, user)
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
		return exit(exitProblems, fmt.Errorf("no address ends at %q", user))
	}
	return nil
}

// An ending is an address, or a key that stands for many, and what made it.
type ending struct {
	Address string `json:"address"`
	Place   string `json:"place"`
}

// endingAt routes an address for every row, and the name itself at every
// domain, for those that are open to local accounts.
func endingAt(source fileset.Source, user string) []ending {
	router, table, m := source.Router(), source.Compiled.Table, source.Model
	ends := endsOf(m, user)
	place := func(p diag.Pos) string { at, _ := m.Sources.Place(p); return at.String() }
	var found []ending
	for i := range table.Len() {
		key, _ := table.Row(i)
		if o := router.Route(sampleFor(table, string(key))); o.Taken() && slices.ContainsFunc(o.Recipients, ends) {
			found = append(found, ending{string(key), place(table.Pos(i))})
		}
	}
	for _, name := range hostnames.ClassW(m).All {
		addr := user + "@" + name.Text
		o := router.Route(addr)
		onlyLocal := !slices.ContainsFunc(o.Trace, func(s virtuser.Step) bool { return s.Map == "virtusertable" && s.Hit })
		if onlyLocal && o.Taken() && slices.ContainsFunc(o.Recipients, ends) {
			found = append(found, ending{addr, place(name.Pos)})
		}
	}
	return found
}

// endsOf knows the recipients that are a user: the account with any detail,
// its mailbox elsewhere, or where all its mail is forwarded.
func endsOf(m *inventory.Model, name string) func(recipient string) bool {
	names := []string{name}
	if i, ok := m.User(name); ok {
		if u := m.Users[i]; u.Mailbox.Text != "" {
			names = append(names, u.Mailbox.Text)
		} else if u.Forward.Kind == inventory.ToAddress && !u.KeepCopy {
			names = append(names, u.Forward.Text)
		}
	}
	return func(recipient string) bool {
		if !strings.ContainsAny(recipient, "@/") {
			recipient, _, _ = strings.Cut(recipient, "+")
		}
		return slices.Contains(names, recipient)
	}
}

// sampleFor makes up an address that a key is the first to match.
func sampleFor(table *virtuser.Table, key string) string {
	local, domain, _ := strings.Cut(key, "@")
	unlisted := "anything"
	for {
		if _, ok := table.Get([]byte(unlisted + "@" + domain)); !ok {
			break
		}
		unlisted += "x"
	}
	switch inventory.ParseForm(local) {
	case inventory.SomeDetail, inventory.AnyDetail:
		user, _, _ := strings.Cut(local, "+")
		return user + "+" + unlisted + "@" + domain
	case inventory.SomeUser, inventory.AnyUser:
		return unlisted + "+" + unlisted + "@" + domain
	}
	if local == "" {
		return unlisted + "@" + domain
	}
	return key
}
