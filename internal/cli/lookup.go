package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/virtuser"
)

type lookupArgs struct {
	inventory, maps, accounts, host, format string
}

func lookupCommand(stdio Stdio) *cli.Command {
	var a lookupArgs
	return &cli.Command{
		Name:      "lookup",
		Usage:     "say where an address goes, with every key that is tried",
		ArgsUsage: "[ADDRESS...]",
		Description: `Says what sendmail would do with mail from a stranger for each address, and
prints every key it tries, in order. Without an address it reads many from
standard input, one a line, and prints one line for each.
It looks at what the inventory would become, or with --maps at the files of a
folder as they are: any map type, and the accounts of --accounts.

Examples:
  virtmap lookup -i mail.yaml fake+news@fakemail.example
  virtmap lookup --maps /etc/mail --host mx1.example.net info@fakemail.example
  virtmap lookup --format json < addresses.txt`,
		Flags: []cli.Flag{
			inventoryFlag(&a.inventory),
			&cli.StringFlag{Name: "maps", Destination: &a.maps, TakesFile: true, EnvVars: []string{"VIRTMAP_MAPS"},
				Usage: "look at the installed files of `DIR` instead of the inventory"},
			&cli.StringFlag{Name: "accounts", Value: "/etc/passwd", Destination: &a.accounts, TakesFile: true, EnvVars: []string{"VIRTMAP_ACCOUNTS"},
				Usage: "with --maps: the local accounts are those of the passwd `FILE`"},
			&cli.StringFlag{Name: "host", Destination: &a.host, EnvVars: []string{"VIRTMAP_HOST"},
				Usage: "with --maps: the server calls itself `NAME`; default: this machine's name"},
			&cli.StringFlag{Name: "format", Value: "text", Destination: &a.format, EnvVars: []string{"VIRTMAP_FORMAT"},
				Usage: "print `FORMAT`: text or json (one object a line)"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := notEmpty(c, "inventory", "maps", "accounts", "host", "format"); err != nil {
				return err
			}
			if a.format != "text" && a.format != "json" {
				return usage(fmt.Errorf("--format %q: it is text or json", a.format))
			}
			return lookup(a, c.Args().Slice(), stdio)
		},
	}
}

// A finder routes addresses and knows the place of a row.
type finder struct {
	router *virtuser.Router
	place  func(key string) string
	close  func() error
}

func (a lookupArgs) open(stdio Stdio) (*finder, error) {
	if a.maps != "" {
		return a.openMaps(stdio)
	}
	source, faults, err := read(a.inventory, stdio)
	if err != nil {
		return nil, err
	}
	if faults.Failed() {
		return nil, report(stdio, source.Model.Sources, faults, diag.Error)
	}
	table := source.Compiled.Table
	place := func(key string) string {
		i, ok := table.Find([]byte(key))
		if !ok {
			return ""
		}
		at, _ := source.Model.Sources.Place(table.Pos(i))
		return at.String()
	}
	return &finder{source.Router(), place, func() error { return nil }}, nil
}

func (a lookupArgs) openMaps(stdio Stdio) (*finder, error) {
	accounts, err := readAccounts(a.accounts)
	if err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	if a.host == "" {
		if a.host, err = os.Hostname(); err != nil {
			return nil, exit(exitIO, err)
		}
	}
	set, err := fileset.Open(a.maps, strings.ToLower(a.host), func(name string) bool { return accounts[name] })
	if err != nil {
		return nil, machineExit(err, exitNoInput)
	}
	for _, warning := range set.Warnings {
		fmt.Fprintf(stdio.Err, "virtmap: %s\n", diag.Printable(warning))
	}
	return &finder{set.Router, func(string) string { return "" }, set.Close}, nil
}

// readAccounts gives the names of a passwd file.
func readAccounts(path string) (map[string]bool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if name, _, ok := strings.Cut(line, ":"); ok && name != "" {
			names[name] = true
		}
	}
	return names, nil
}

func lookup(a lookupArgs, addresses []string, stdio Stdio) (err error) {
	f, err := a.open(stdio)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	out := bufio.NewWriter(stdio.Out)
	print := func(addr string) error { return f.explain(out, addr) }
	switch {
	case a.format == "json":
		print = func(addr string) error { return f.asJSON(out, addr) }
	case len(addresses) == 0:
		print = func(addr string) error { return f.line(out, addr) }
	}
	if len(addresses) > 0 {
		for _, addr := range addresses {
			err = errors.Join(err, print(addr))
		}
	} else {
		err = eachLine(stdio.In, print)
	}
	if err = errors.Join(err, out.Flush()); err != nil {
		return exit(exitIO, err)
	}
	return nil
}

func eachLine(in io.Reader, do func(string) error) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			if err := do(line); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

// result is the outcome in a line.
func result(o *virtuser.Outcome) string {
	if o.Taken() {
		return strings.Join(o.Recipients, ", ")
	}
	return fmt.Sprintf("%d %s %s", o.Code, o.Status, o.Text)
}

func (f *finder) line(out io.Writer, addr string) error {
	o := f.router.Route(addr)
	_, err := fmt.Fprintf(out, "%s\t%s\n", diag.Printable(addr), diag.Printable(result(&o)))
	return err
}

// explain prints the outcome and below it every key that was tried.
func (f *finder) explain(out io.Writer, addr string) error {
	o := f.router.Route(addr)
	_, err := fmt.Fprintf(out, "%s: %s\n", diag.Printable(addr), diag.Printable(result(&o)))
	for _, step := range o.Trace {
		_, problem := fmt.Fprintf(out, "  %-13s  %s\n", step.Map, diag.Printable(f.describe(step)))
		err = errors.Join(err, problem)
	}
	return err
}

func (f *finder) describe(step virtuser.Step) string {
	text := step.Key + ": no"
	switch {
	case step.Hit && step.Value == "":
		return step.Key + ": yes"
	case step.Hit:
		text = step.Key + " -> " + step.Value
	}
	if place := f.place(step.Key); step.Hit && step.Map == "virtusertable" && place != "" {
		text += "  (" + place + ")"
	}
	return text
}

type lookupJSON struct {
	Address    string     `json:"address"`
	Code       int        `json:"code"`
	Status     string     `json:"status"`
	Text       string     `json:"text"`
	Recipients []string   `json:"recipients"`
	Trace      []stepJSON `json:"trace"`
}

type stepJSON struct {
	Map   string `json:"map"`
	Key   string `json:"key"`
	Hit   bool   `json:"hit"`
	Value string `json:"value,omitempty"`
	Place string `json:"place,omitempty"`
}

func (f *finder) asJSON(out io.Writer, addr string) error {
	o := f.router.Route(addr)
	answer := lookupJSON{addr, o.Code, o.Status, o.Text, append([]string{}, o.Recipients...), []stepJSON{}}
	for _, step := range o.Trace {
		row := stepJSON{Map: step.Map, Key: step.Key, Hit: step.Hit, Value: step.Value}
		if step.Hit && step.Map == "virtusertable" {
			row.Place = f.place(step.Key)
		}
		answer.Trace = append(answer.Trace, row)
	}
	return json.NewEncoder(out).Encode(answer)
}
