package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mcfile"
	"virtmap/internal/publish"
)

// Where the record of written files is kept: inside a folder given by -o, and
// at a place of its own on the server itself.
const (
	stateInside = ".virtmap"
	stateServer = "/var/lib/virtmap"
)

type buildArgs struct {
	inventory, out, state, mx, mc string
	adopt, dryRun, quiet          bool

	mxGiven bool
}

func (a *buildArgs) flags() []cli.Flag {
	return []cli.Flag{
		inventoryFlag(&a.inventory),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &a.out, EnvVars: []string{"VIRTMAP_OUTPUT"},
			Usage: "write the files to `DIR`; without it to host.mail_dir, on the machine that is host.name"},
		&cli.StringFlag{Name: "mc", Destination: &a.mc, TakesFile: true, EnvVars: []string{"VIRTMAP_MC"},
			Usage: "keep the lines sendmail needs as a marked block in `FILE`, the server's sendmail.mc"},
		&cli.StringFlag{Name: "mx", Destination: &a.mx, Value: "off", DefaultText: "off, and a reminder", EnvVars: []string{"VIRTMAP_MX"},
			Usage: "how MX records are checked; off is the only `MODE` so far"},
		&cli.BoolFlag{Name: "adopt", Destination: &a.adopt, EnvVars: []string{"VIRTMAP_ADOPT"},
			Usage: "replace files that a person made; print what is lost and keep them in the state folder"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Destination: &a.dryRun, EnvVars: []string{"VIRTMAP_DRY_RUN"},
			Usage: "write nothing, print what would be written"},
		&cli.StringFlag{Name: "state", Destination: &a.state, EnvVars: []string{"VIRTMAP_STATE"},
			Usage: "keep the record of written files in `DIR`; default " + stateInside + " in -o DIR, " + stateServer + " without -o"},
		quietFlag(&a.quiet),
	}
}

func buildCommand(stdio Stdio) *cli.Command {
	var a buildArgs
	return &cli.Command{
		Name:  "build",
		Usage: "check the inventory and write the files",
		Description: `Writes virtusertable, local-host-names, virtmap-aliases, their maps and
virtmap.mc, all or none. Says nothing when nothing changed, and one line when
something did. Files that a person made are not replaced without --adopt.

Examples:
  virtmap build -i mail.yaml -o out --mx off
  virtmap build -i mail.yaml --mc /etc/mail/sendmail.mc --mx off`,
		Flags:        a.flags(),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := notEmpty(c, "inventory", "output", "mc", "state"); err != nil {
				return err
			}
			a.mxGiven = c.IsSet("mx")
			return build(c.Context, a, stdio)
		},
	}
}

func build(ctx context.Context, a buildArgs, stdio Stdio) error {
	if a.mx != "off" {
		return usage(fmt.Errorf("--mx %q: this version asks no DNS; write --mx off", a.mx))
	}
	source, faults, err := read(a.inventory, stdio)
	if err != nil {
		return err
	}
	least := diag.Warning
	if a.quiet {
		least = diag.Error
	}
	if faults.Failed() {
		return report(stdio, source.Model.Sources, faults, least)
	}
	set, err := a.set(source, faults)
	if err != nil {
		return err
	}
	if err := report(stdio, source.Model.Sources, faults, least); err != nil {
		return err
	}
	// Until here an interrupt ends the process as it is: nothing is written yet.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	result, err := publish.Publish(ctx, set)
	if err != nil && !errors.Is(err, publish.ErrRecord) {
		return a.failed(err, stdio)
	}
	a.say(source, result, stdio)
	return machineExit(err, exitIO)
}

// set gathers what is to be published, and where.
func (a *buildArgs) set(source fileset.Source, faults *diag.List) (publish.Set, error) {
	host := source.Model.Host
	set := publish.Set{State: a.state, Adopt: a.adopt, DryRun: a.dryRun, FS: publish.OS}
	if a.out == "" {
		if err := onHost(host.Name.Text); err != nil {
			return set, err
		}
		a.out = host.MailDir.Text
		set.State = firstOf(set.State, stateServer)
	}
	set.State = firstOf(set.State, filepath.Join(a.out, stateInside))
	owner := -1
	if os.Geteuid() == 0 {
		owner = fileset.TrustedUser(set.FS, a.out, lookupUser)
	}
	var err error
	if set.Outputs, err = fileset.Outputs(source, a.out, owner); err != nil {
		return set, exit(exitSoftware, err)
	}
	if a.mc != "" {
		// A rename would replace a link; what it leads to is the file meant.
		if real, err := filepath.EvalSymlinks(a.mc); err == nil {
			a.mc = real
		}
		block, err := fileset.MC(source, set.FS, a.mc, source.Model.Sources, faults)
		if err != nil {
			return set, machineExit(fmt.Errorf("--mc: %w", err), exitNoInput)
		}
		set.Outputs = append(set.Outputs, block)
	}
	return set, nil
}

func firstOf(given, other string) string {
	if given != "" {
		return given
	}
	return other
}

func lookupUser(name string) (uid int, err error) {
	if uid, err := strconv.Atoi(name); err == nil {
		return uid, nil
	}
	account, err := user.Lookup(name)
	if err != nil {
		return -1, err
	}
	return strconv.Atoi(account.Uid)
}

// onHost refuses to write to the mail folder of another machine.
func onHost(name string) error {
	here, err := os.Hostname()
	if err != nil {
		return exit(exitIO, err)
	}
	hosts, _ := os.ReadFile("/etc/hosts") // without one there is only the short name to go by
	if names := hostNames(here, string(hosts)); !slices.Contains(names, name) {
		return exit(exitRefused, fmt.Errorf("this machine is %q and the inventory is for %s; write the files elsewhere with -o DIR", names[0], name))
	}
	return nil
}

// hostNames gives the full names of a machine: its own, when that has a dot,
// and those that stand beside it in /etc/hosts otherwise.
func hostNames(here, hosts string) []string {
	here = mailaddr.Lower(strings.TrimSuffix(here, "."))
	if strings.Contains(here, ".") {
		return []string{here}
	}
	var full []string
	for line := range strings.Lines(mailaddr.Lower(hosts)) {
		line, _, _ = strings.Cut(line, "#")
		if names := strings.Fields(line); slices.Contains(names, here) {
			for _, name := range names[1:] {
				if strings.HasPrefix(name, here+".") {
					full = append(full, name)
				}
			}
		}
	}
	return append(full, here)
}

// failed prints what a refused run would have lost.
func (a *buildArgs) failed(err error, stdio Stdio) error {
	var foreign *publish.Foreign
	if !errors.As(err, &foreign) {
		return machineExit(err, exitIO)
	}
	for _, file := range foreign.Files {
		printLost(stdio, file, "would lose")
	}
	return exit(exitRefused, fmt.Errorf("%w; nothing was written. --adopt replaces them", foreign))
}

// maxLost is how many lost lines of a file are printed.
const maxLost = 20

func printLost(stdio Stdio, file publish.Change, verb string) {
	if file.Kept != "" && verb == "lost" {
		fmt.Fprintf(stdio.Err, "%s: the file that was there is kept as %s\n", file.Path, file.Kept)
	}
	for i, line := range file.Lost {
		if i == maxLost {
			fmt.Fprintf(stdio.Err, "%s: and %d more\n", file.Path, len(file.Lost)-maxLost)
			return
		}
		fmt.Fprintf(stdio.Err, "%s: %s: %s\n", file.Path, verb, diag.Printable(line))
	}
}

// say prints one line for a run that wrote something, and nothing otherwise.
func (a *buildArgs) say(source fileset.Source, result publish.Report, stdio Stdio) {
	verb := "lost"
	if a.dryRun {
		verb = "would lose"
	}
	for _, change := range result.Changes {
		printLost(stdio, change, verb)
	}
	if a.quiet {
		return
	}
	if a.dryRun {
		for _, change := range result.Changes {
			verb := "replace"
			if change.New {
				verb = "create"
			}
			fmt.Fprintf(stdio.Out, "would %s %s\n", verb, change.Path)
		}
		return
	}
	if len(result.Changes) == 0 {
		return
	}
	for _, path := range result.Stale {
		fmt.Fprintf(stdio.Err, "%s is no longer written; remove it once sendmail does not read it\n", path)
	}
	if !a.mxGiven {
		fmt.Fprintln(stdio.Err, "MX records were not checked; --mx off says that this is meant")
	}
	var names, outside []string
	for _, change := range result.Changes {
		if change.Path == a.mc {
			outside = []string{change.Path}
			continue
		}
		names = append(names, filepath.Base(change.Path))
	}
	if len(names) > 0 {
		outside = append(outside, strings.Join(names, " ")+" to "+a.out)
	}
	fmt.Fprintf(stdio.Out, "%s: wrote %s (%s); %s\n", source.Model.Name, strings.Join(outside, " and "), contents(source), a.next(source, names, len(outside) > 0 && outside[0] == a.mc))
}

// next says what must happen for sendmail to use what changed.
func (a *buildArgs) next(source fileset.Source, names []string, mc bool) string {
	changed := func(name string) bool { return slices.Contains(names, name) }
	host := source.Model.Host
	switch {
	case len(names) > 0 && filepath.Clean(a.out) != host.MailDir.Text:
		return "next: copy them to " + host.MailDir.Text + " on " + host.Name.Text
	case changed(mcfile.Include) || mc:
		return "next: make sendmail.cf anew and restart sendmail"
	case changed(mcfile.HostNames) || changed(mcfile.RelayDomains):
		return "next: restart sendmail, or send it a HUP: its names changed"
	}
	return "nothing else to do: sendmail sees a new map by itself"
}

// contents counts what an inventory has.
func contents(source fileset.Source) string {
	enabled := 0
	for i := range source.Model.Domains {
		if source.Model.Domains[i].Enabled {
			enabled++
		}
	}
	return plural(enabled, "domain") + ", " + plural(source.Compiled.Table.Len(), "row")
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}
