package cli

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/manual"
	"virtmap/internal/mta/servers"
	"virtmap/inventory"
)

func manCommand(stdio Stdio) *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print a manual page: virtmap (1) or virtmap-inventory (5)", ArgsUsage: "[PAGE]",
		Description: `The pages are made from the help of the commands and from the tables of keys that
virtmap reads an inventory with.

Examples:
  virtmap man | man -l -
  virtmap man virtmap-inventory > /usr/local/share/man/man5/virtmap-inventory.5`,
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			var page *manual.Page
			switch name := cmp.Or(c.Args().First(), "virtmap"); {
			case c.NArg() > 1:
				return usage(errors.New("man takes one PAGE"))
			case name == "virtmap":
				page = commandsPage(commands(stdio))
			case name == "virtmap-inventory":
				page = inventoryPage()
			default:
				return usage(fmt.Errorf("there is no page %q; the pages are virtmap and virtmap-inventory", name))
			}
			_, err := stdio.Out.Write(page.Bytes())
			return machineExit(err, exitIO)
		},
	}
}

// commandsPage returns the page virtmap(1).
func commandsPage(all []*cli.Command) *manual.Page {
	page := &manual.Page{Name: "virtmap", Section: 1, About: appUsage, Version: version()}
	page.Heading("synopsis")
	page.Text("  virtmap COMMAND [FLAG...] [ARGUMENT...]")
	page.Heading("description")
	page.Text(about)
	page.Heading("commands")
	for _, c := range all {
		commandPart(page, "virtmap "+c.Name, c)
	}
	page.Heading("exit status")
	page.Text(exitCodes)
	page.Heading("files")
	page.Text(files)
	page.Heading("environment")
	page.Text("Every flag has a variable, which is named with it. NO_COLOR turns colour off.")
	page.Heading("see also")
	page.Text("virtmap-inventory(5), sendmail(8), makemap(8), postfix(1), postmap(1)")
	return page
}

// commandPart adds a command, or its sub-commands.
func commandPart(page *manual.Page, name string, c *cli.Command) {
	for _, inner := range c.Subcommands {
		commandPart(page, name+" "+inner.Name, inner)
	}
	if len(c.Subcommands) > 0 {
		return
	}
	page.Subheading(strings.TrimSpace(name + " " + c.ArgsUsage))
	page.Text(strings.ToUpper(c.Usage[:1]) + c.Usage[1:] + ".")
	page.Text(c.Description)
	for _, f := range c.Flags {
		term, text := flagTerm(f)
		page.Item(term, text)
	}
}

// flagTerm returns a flag in the form in which it is typed, and its description.
func flagTerm(f cli.Flag) (term, text string) {
	documented, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return "--" + f.Names()[0], ""
	}
	text = documented.GetUsage()
	value := ""
	if before, rest, ok := strings.Cut(text, "`"); ok {
		name, after, _ := strings.Cut(rest, "`")
		value, text = " "+name, before+name+after
	}
	for i, name := range f.Names() {
		if i > 0 {
			term += ", "
		}
		term += strings.Repeat("-", min(len(name), 2)) + name + value
	}
	if shown := documented.GetDefaultText(); shown != "" && documented.TakesValue() {
		text += " (default: " + shown + ")"
	}
	return term, text + " [$" + strings.Join(documented.GetEnvVars(), ", $") + "]"
}

// inventoryPage returns the page virtmap-inventory(5).
func inventoryPage() *manual.Page {
	page := &manual.Page{Name: "virtmap-inventory", Section: 5, About: "the inventory of virtual addresses and real users", Version: version()}
	page.Heading("description")
	parts := strings.Split(inventory.Manual(), "\n# ")
	page.Text(parts[0])
	for _, part := range parts[1:] {
		title, text, _ := strings.Cut(part, "\n")
		page.Heading(title)
		page.Text(text)
	}
	page.Heading("keys")
	for _, s := range inventory.Sections() {
		page.Subheading(s.Name)
		for _, k := range s.Keys {
			page.Item(k.Name+": "+k.Example, k.Doc+" ("+k.Kind+")")
		}
	}
	page.Heading("checks")
	for _, c := range servers.Checks().All() {
		page.Item(c.ID+" "+c.Name+" ("+c.Severity.String()+")", c.Rule)
	}
	page.Heading("see also")
	page.Text("virtmap(1)")
	return page
}
