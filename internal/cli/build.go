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
	"virtmap/internal/publish"
	"virtmap/inventory"
	"virtmap/virtuser"
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
	asking                        askArgs
}

func (a *buildArgs) flags() []cli.Flag {
	return append([]cli.Flag{
		inventoryFlag(&a.inventory),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &a.out, EnvVars: []string{"VIRTMAP_OUTPUT"},
			Usage: "write the files to `DIR`; without it to host.mail_dir, on the machine that is host.name"},
		&cli.StringFlag{Name: "mc", Destination: &a.mc, TakesFile: true, EnvVars: []string{"VIRTMAP_MC"},
			Usage: "keep the lines sendmail needs as a marked block in `FILE`, the server's sendmail.mc"},
		&cli.StringFlag{Name: "mx", Destination: &a.mx, DefaultText: "dns, or zone with --zone", EnvVars: []string{"VIRTMAP_MX"},
			Usage: "where MX records are looked up, by `MODE`: dns, zone (the files of --zone), or off to serve every domain"},
		&cli.BoolFlag{Name: "adopt", Destination: &a.adopt, EnvVars: []string{"VIRTMAP_ADOPT"},
			Usage: "replace files that a person made; print what is lost and keep them in the state folder"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Destination: &a.dryRun, EnvVars: []string{"VIRTMAP_DRY_RUN"},
			Usage: "write nothing, print what would be written"},
		&cli.StringFlag{Name: "state", Destination: &a.state, EnvVars: []string{"VIRTMAP_STATE"},
			Usage: "keep the record of written files in `DIR`; default " + stateInside + " in -o DIR, " + stateServer + " without -o"},
		quietFlag(&a.quiet),
	}, a.asking.flags()...)
}

func buildCommand(stdio Stdio) *cli.Command {
	var a buildArgs
	return &cli.Command{
		Name:  "build",
		Usage: "check the inventory and write the files",
		Description: `Writes virtusertable, local-host-names, virtmap-aliases, their maps and
virtmap.mc, all or none. Says nothing when nothing changed, and one line when
something did. Files that a person made are not replaced without --adopt.

A new domain is served when its MX records lead to this server, and held back
and named otherwise (exit 3, or 75 when DNS gave no answer). A domain that is
served stays, whatever DNS says, until a person takes it out, or mx.remove:
auto when two resolvers have said so in three runs over a day; its addresses
are always written as the inventory has them. Only domains that are new, held
back or pending, or were not looked at for mx.recheck are asked about.

Examples:
  virtmap build -i mail.yaml --mc /etc/mail/sendmail.mc
  virtmap build -i mail.yaml -o out --zone zones
  virtmap build -i mail.yaml -o out --mx off`,
		Flags:        a.flags(),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := errors.Join(notEmpty(c, "inventory", "output", "mc", "state", "mx"), a.asking.check(c)); err != nil {
				return err
			}
			return build(c.Context, a, stdio)
		},
	}
}

func build(ctx context.Context, a buildArgs, stdio Stdio) error {
	if err := a.mode(); err != nil {
		return err
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
		return printFaults(stdio, source.Model.Sources, faults, least)
	}
	if err := a.place(&source.Model.Host); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	set := publish.Set{State: a.state, Adopt: a.adopt, DryRun: a.dryRun, Entered: true, FS: publish.OS}
	if !a.dryRun {
		leave, err := publish.Enter(set.FS, a.out, a.state)
		if err != nil {
			return machineExit(err, exitIO)
		}
		defer leave() // the locks end with the process, at the latest
	}
	choice, err := a.choose(ctx, &source, &set, faults, stdio)
	if err != nil {
		return err
	}
	if err := a.outputs(source, &set, faults); err != nil {
		return err
	}
	if err := printFaults(stdio, source.Model.Sources, faults, least); err != nil {
		return err
	}
	result, err := publish.Publish(ctx, set)
	if err != nil && !errors.Is(err, publish.ErrRecord) {
		return a.failed(err, stdio)
	}
	a.say(source, result, stdio)
	if err != nil {
		return machineExit(err, exitIO)
	}
	return choice.exit()
}

// mode settles where MX records are looked up.
func (a *buildArgs) mode() error {
	zones := len(a.asking.zones.Value()) > 0
	switch {
	case a.mx == "" && zones:
		a.mx = mxZone
	case a.mx == "":
		a.mx = mxDNS
	case a.mx != mxDNS && a.mx != mxZone && a.mx != mxOff:
		return usage(fmt.Errorf("--mx %q: it is dns, zone or off", a.mx))
	case a.mx == mxZone && !zones:
		return usage(errors.New("--mx zone needs the zone files: --zone FILE or --zone DIR"))
	case a.mx != mxZone && zones:
		return usage(fmt.Errorf("--zone and --mx %s exclude each other", a.mx))
	case a.mx == mxOff && len(a.asking.resolvers.Value()) > 0:
		return usage(errors.New("--resolver and --mx off exclude each other: nobody is asked"))
	}
	return nil
}

// place settles the folders of the files and of the state.
func (a *buildArgs) place(host *inventory.Host) error {
	if a.out == "" {
		if err := onHost(host.Name.Text); err != nil {
			return err
		}
		a.out = host.MailDir.Text
		a.state = firstOf(a.state, stateServer)
	}
	a.state = firstOf(a.state, filepath.Join(a.out, stateInside))
	return nil
}

// choose finds out which domains are served, and compiles anew when some are
// not.
func (a *buildArgs) choose(ctx context.Context, source *fileset.Source, set *publish.Set, faults *diag.List, stdio Stdio) (*choice, error) {
	if a.mx == mxOff {
		return &choice{}, nil
	}
	m := source.Model
	choice, err := a.decide(ctx, m, stdio)
	if err != nil {
		return nil, err
	}
	var waits []diag.Fault
	if slices.ContainsFunc(m.Domains, func(d inventory.Domain) bool { return d.Held }) {
		var anew diag.List
		source.Compiled = virtuser.Compile(m, &anew)
		waits = virtuser.Waits(&anew)
	}
	if !a.quiet { // what was not printed was not said
		faults.Add(choice.desk.Announce(choice.decision, waits, a.dryRun || isTerminal(stdio.Err))...)
	}
	set.Records, err = choice.record()
	return choice, err
}

// outputs gathers what is to be published.
func (a *buildArgs) outputs(source fileset.Source, set *publish.Set, faults *diag.List) error {
	owner := -1
	if os.Geteuid() == 0 {
		owner = fileset.TrustedUser(set.FS, a.out, lookupUser)
	}
	var err error
	if set.Outputs, err = fileset.Outputs(source, a.out, owner); err != nil {
		return exit(exitSoftware, err)
	}
	if a.mc == "" {
		return nil
	}
	// A rename would replace a link; what it leads to is the file meant.
	if real, err := filepath.EvalSymlinks(a.mc); err == nil {
		a.mc = real
	}
	block, err := fileset.MC(source, set.FS, a.mc, source.Model.Sources, faults)
	if err != nil {
		return machineExit(fmt.Errorf("--mc: %w", err), exitNoInput)
	}
	set.Outputs = append(set.Outputs, block)
	return nil
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
	names, err := namesOfThisHost()
	if err != nil {
		return err
	}
	if !slices.Contains(names, name) {
		return exit(exitRefused, fmt.Errorf("this machine is %q and the inventory is for %s; write the files elsewhere with -o DIR", names[0], name))
	}
	return nil
}

func namesOfThisHost() ([]string, error) {
	here, err := os.Hostname()
	if err != nil {
		return nil, exit(exitIO, err)
	}
	hosts, _ := os.ReadFile("/etc/hosts") // without one there is only the short name to go by
	return hostNames(here, string(hosts)), nil
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
