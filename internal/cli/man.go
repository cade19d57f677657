package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/docs"
	"virtmap/internal/manual"
	"virtmap/internal/mta/servers"
	"virtmap/inventory"
)

func manCommand(stdio Stdio) *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print a manual page, such as virtmap (1) or virtmap-inventory (5)", ArgsUsage: "[PAGE]",
		Description: `The pages are made from the help of the commands, from the tables of keys that
virtmap reads an inventory with, and from the pages of docs. Those are about
subjects, in section 7: ` + strings.Join(slices.Collect(manualNames)[2:], ", ") + `.

Examples:
  virtmap man | man -l -
  virtmap man virtmap-inventory > /usr/local/share/man/man5/virtmap-inventory.5`,
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usage(errors.New("man takes one PAGE"))
			}
			page, err := manualPage(cmp.Or(c.Args().First(), "virtmap"), stdio)
			if err == nil {
				_, err = stdio.Out.Write(page.Bytes())
			}
			return machineExit(err, exitIO)
		},
	}
}

// manualPage returns a page by its name.
func manualPage(name string, stdio Stdio) (*manual.Page, error) {
	subject, isSubject := docs.Find(name)
	switch {
	case name == "virtmap":
		return commandsPage(commands(stdio)), nil
	case name == "virtmap-inventory":
		return inventoryPage(), nil
	case isSubject:
		return subjectPage(subject), nil
	}
	return nil, usage(fmt.Errorf("there is no page %q; the pages are %s", name, strings.Join(slices.Collect(manualNames), ", ")))
}

// manualNames yields the names of all pages.
func manualNames(yield func(string) bool) {
	for _, name := range []string{"virtmap", "virtmap-inventory"} {
		if !yield(name) {
			return
		}
	}
	for _, p := range docs.Manual {
		if !yield("virtmap-" + p.Name) {
			return
		}
	}
}

// subjectPage returns the page of a subject in section 7.
func subjectPage(p docs.Page) *manual.Page {
	page := &manual.Page{Name: "virtmap-" + p.Name, Section: 7, About: p.About, Version: version()}
	page.Markdown(p.Text(), docs.See)
	page.Heading("see also")
	page.Text("virtmap(1), virtmap-inventory(5)")
	return page
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
	page.Text("virtmap-inventory(5), " + subjects() + ", sendmail(8), makemap(8), postfix(1), postmap(1)")
	return page
}

// subjects returns the pages of subjects, as a page names them.
func subjects() string {
	names := make([]string, len(docs.Manual))
	for i, p := range docs.Manual {
		names[i] = "virtmap-" + p.Name + "(7)"
	}
	return strings.Join(names, ", ")
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
