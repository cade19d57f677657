package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
)

type lookupArgs struct {
	inventory, format string
	from              bool
	installed         installedArgs
}

func lookupCommand(stdio Stdio) *cli.Command {
	var a lookupArgs
	return &cli.Command{
		Name:      "lookup",
		Usage:     "say where an address goes, with every key that is tried",
		ArgsUsage: "[ADDRESS...]",
		Description: `Says for each address what the mail server would do with mail from a stranger, and
prints every key that it tries, in order. Without an address it reads addresses
from standard input, one a line, and prints one line for each.

It looks at what the inventory would become. With --maps it looks at the files of
a folder as they are, of any map type. The accounts are then those of --accounts,
or those of the inventory when -i is given too.

With --from it says who may send from each address: the users who get its mail, or
its senders (virtmap man virtmap-inventory).

A domain with letters such as ü is looked up by its A-labels, as an inventory
has it. A line says that sendmail without SMTPUTF8 would refuse the letters.

Examples:
  virtmap lookup -i mail.yaml fake+news@fakemail.example
  virtmap lookup --maps /etc/mail info@fakemail.example
  virtmap lookup --from fake@fakemail.example
  virtmap lookup --format json < addresses.txt`,
		Flags: append(a.installed.flags("look at the installed files of `DIR` instead of the inventory"),
			inventoryFlag(&a.inventory),
			&cli.BoolFlag{Name: "from", Destination: &a.from, EnvVars: []string{"VIRTMAP_FROM"}, Usage: "say who may send from each address"},
			&cli.StringFlag{Name: "format", Value: "text", Destination: &a.format, EnvVars: []string{"VIRTMAP_FORMAT"},
				Usage: "print `FORMAT`: text or json (one object a line)"}),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := notEmpty(c, "inventory", "maps", "accounts", "host", "format"); err != nil {
				return err
			}
			if a.format != "text" && a.format != "json" {
				return usage(fmt.Errorf("--format %q: it is text or json", a.format))
			}
			if c.IsSet("inventory") {
				a.installed.inventory = a.inventory
			}
			if c.NArg() == 0 && a.inventory == "-" && a.installed.maps == "" {
				return usage(errors.New("the inventory and the addresses cannot both come from standard input"))
			}
			if err := a.installed.check(c); err != nil {
				return err
			}
			if a.from {
				return lookupSenders(a, c.Args().Slice(), stdio)
			}
			return lookup(a, c.Args().Slice(), stdio)
		},
	}
}

// A finder looks addresses up, and knows the place of a row.
type finder struct {
	set   mta.Set
	place func(step outcome.Step) string // of a row that was hit; empty: it is not known
}

func (a lookupArgs) open(stdio Stdio) (*finder, error) {
	if a.installed.maps != "" {
		return a.openMaps(stdio)
	}
	source, err := faultless(a.inventory, stdio)
	if err != nil {
		return nil, err
	}
	table, _ := serverOf(source).Of(mta.Addresses)
	set := source.Set()
	place := func(step outcome.Step) string {
		key := mta.RowKey(set, table.Name, step)
		pos, ok := source.Place(key)
		if !ok || key == "" {
			return ""
		}
		at, _ := source.Inventory().Sources.Place(pos)
		return at.String()
	}
	return &finder{set, place}, nil
}

func (a lookupArgs) openMaps(stdio Stdio) (*finder, error) {
	set, _, err := a.installed.open(stdio)
	if err != nil {
		return nil, err
	}
	return &finder{set, func(outcome.Step) string { return "" }}, nil
}

func lookup(a lookupArgs, addresses []string, stdio Stdio) (err error) {
	f, err := a.open(stdio)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.set.Close()) }()
	print := f.explain
	switch {
	case a.format == "json":
		print = f.asJSON
	case len(addresses) == 0:
		print = f.line
	}
	if len(addresses) > 0 {
		err = printAll(stdio.Out, addresses, print)
	} else {
		err = eachBatch(stdio.In, func(batch []string) error { return printAll(stdio.Out, batch, print) })
	}
	if err != nil {
		return exit(exitIO, err)
	}
	return nil
}

// eachBatch passes on the lines of an input that are not empty, as many together as
// have arrived. A program that writes line by line therefore gets an answer to each
// line.
func eachBatch(in io.Reader, do func(batch []string) error) error {
	r := bufio.NewReaderSize(in, 256<<10)
	var batch []string
	for {
		line, err := r.ReadString('\n')
		if line = strings.TrimSpace(line); line != "" {
			batch = append(batch, line)
		}
		if len(batch) > 0 && (err != nil || r.Buffered() == 0) {
			if err := do(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// printAll prints the answer for each address, in their order. Processors share the
// work.
func printAll(out io.Writer, addresses []string, print func(io.Writer, string) error) error {
	n := min(runtime.GOMAXPROCS(0), 1+len(addresses)/64)
	pieces := make([]bytes.Buffer, n)
	var wait sync.WaitGroup
	for i := range pieces {
		wait.Go(func() {
			for _, addr := range addresses[i*len(addresses)/n : (i+1)*len(addresses)/n] {
				_ = print(&pieces[i], addr) // writing to a buffer cannot fail
			}
		})
	}
	wait.Wait()
	for i := range pieces {
		if _, err := pieces[i].WriteTo(out); err != nil {
			return err
		}
	}
	return nil
}

// result returns the outcome as one line.
func result(o *outcome.Outcome) string {
	if o.Taken {
		return recipients(o.Recipients)
	}
	return fmt.Sprintf("%d %s %s", o.Code, o.Status, o.Text)
}

// recipients returns the recipients of accepted mail as a text. If a list leads only to
// refused addresses, there are none.
func recipients(all []string) string {
	if len(all) == 0 {
		return "accepted, then returned to the sender"
	}
	return strings.Join(all, ", ")
}

// A question is an address in the form of the user and in the form of the lookup. An
// inventory and the tables have the A-labels of a domain.
type question struct{ asked, addr string }

func questionOf(asked string) question {
	local, domain, _ := mailaddr.Split(asked)
	if !strings.ContainsFunc(domain, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return question{asked, asked}
	}
	domain, bracketed := strings.CutSuffix(domain, ">")
	folded, problem := mailaddr.FoldDomain(domain)
	if problem != nil {
		return question{asked, asked} // sendmail also answers for a malformed name
	}
	if bracketed {
		folded += ">"
	}
	return question{asked, local + "@" + folded}
}

// note returns how the address was looked up; empty if both forms are the same.
func (q question) note() string {
	if q.asked == q.addr {
		return ""
	}
	return "looked up as " + q.addr + "; with the letters themselves sendmail without SMTPUTF8 refuses it"
}

func (f *finder) line(out io.Writer, asked string) error {
	q := questionOf(asked)
	o, _ := f.set.Route(q.addr)
	end := ""
	if note := q.note(); note != "" {
		end = "\t" + diag.Printable(note)
	}
	_, err := fmt.Fprintf(out, "%s\t%s%s\n", diag.Printable(asked), diag.Printable(result(&o)), end)
	return err
}

// explain prints the outcome, and below it every key that was tried.
func (f *finder) explain(out io.Writer, asked string) error {
	q := questionOf(asked)
	o, trace := f.set.Route(q.addr)
	_, err := fmt.Fprintf(out, "%s: %s\n", diag.Printable(asked), diag.Printable(result(&o)))
	if note := q.note(); note != "" {
		_, problem := fmt.Fprintf(out, "  %s\n", diag.Printable(note))
		err = errors.Join(err, problem)
	}
	for _, step := range trace {
		_, problem := fmt.Fprintf(out, "  %-13s  %s\n", step.Table, diag.Printable(f.describe(step)))
		err = errors.Join(err, problem)
	}
	return err
}

func (f *finder) describe(step outcome.Step) string {
	text := stepText(step)
	if place := f.place(step); place != "" {
		text += "  (" + place + ")"
	}
	return text
}

type lookupJSON struct {
	Address    string     `json:"address"`
	LookedUp   string     `json:"looked_up,omitempty"` // with A-labels; empty if it is the same as the address
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

func stepJSONOf(step outcome.Step) stepJSON {
	return stepJSON{Map: step.Table, Key: step.Key, Hit: step.Hit, Value: step.Value}
}

func (f *finder) asJSON(out io.Writer, asked string) error {
	q := questionOf(asked)
	o, trace := f.set.Route(q.addr)
	answer := lookupJSON{asked, "", o.Code, o.Status, o.Text, append([]string{}, o.Recipients...), []stepJSON{}}
	if q.addr != asked {
		answer.LookedUp = q.addr
	}
	for _, step := range trace {
		row := stepJSONOf(step)
		row.Place = f.place(step)
		answer.Trace = append(answer.Trace, row)
	}
	return json.NewEncoder(out).Encode(answer)
}
