package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/importer"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

type importArgs struct {
	installed installedArgs
	aliases   cli.StringSlice
	from      cli.StringSlice
	base      string // of mailboxes
	out, into string
	server    bool
	accounts  map[string]bool // of the server
	passwd    bool            // the accounts are those of this machine, because no flag names others
}

func importCommand(stdio Stdio) *cli.Command {
	var a importArgs
	return &cli.Command{
		Name: "import", Usage: "write the inventory of a server that runs already", ArgsUsage: "[DIR]",
		Description:  importText,
		Flags:        a.flags(),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := errors.Join(notEmpty(c, "accounts", "host", "output", "into", "mailbox-base"), a.check(c)); err != nil {
				return err
			}
			a.passwd = !c.IsSet("accounts")
			return a.run(c.Context, c.Args().First(), stdio)
		},
	}
}

// gcPercent is how much garbage there may be beside what is in use. A large set
// is in memory twice, as rows and as an inventory, and the usual 100 doubles
// that again; 5 costs a tenth of the time.
const gcPercent = 20

func (a *importArgs) run(ctx context.Context, dir string, stdio Stdio) (err error) {
	kind, err := kindOf(a.installed.kind, dir, build.Folders{Out: dir}.Installed(defaultServer).State)
	if err != nil {
		return err
	}
	if judge, _, whole := serverFolder(a.from.Value()); len(a.from.Value()) > 0 && a.installed.kind == "" {
		kind = defaultServer // lists are no server's
		if whole {
			kind = judge
		}
	}
	var have mta.Build
	if a.into != "" {
		if have, kind, err = importable(a.into, stdio); err != nil {
			return err
		}
		a.installed.host = cmp.Or(a.installed.host, have.Inventory().Host.Name.Text)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	if dir == "" && len(a.from.Value()) == 0 && a.installed.kind == "" {
		sayChosen(kind, stdio)
	}
	server, err := a.open(kind, cmp.Or(dir, kind.Dir), stdio)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	a.sayAssumed(dir, kind, server.Facts(), stdio)
	warn(stdio, server.Warnings())
	var real *askedBeside
	if a.server {
		if real, err = a.askedBeside(server, stdio); err != nil {
			return err
		}
	}
	write := server.Inventory
	if a.into != "" {
		write = server.ForMerge
	}
	inv, err := write(cmp.Or(a.out, "mail.yaml"))
	if err != nil {
		return machineExit(err, exitProblems)
	}
	if a.into != "" {
		return a.merge(server, inv, have, stdio)
	}
	harmless, err := prove(ctx, kind, server, inv, real, stdio)
	if err != nil {
		return machineExit(err, exitIO)
	}
	if err := a.write(inv.Text, stdio); err != nil {
		return err
	}
	if inv.Left > 0 {
		fmt.Fprintf(stdio.Err, "%s not imported; each is a comment with the reason in the inventory\n", diag.Count(inv.Left, "line"))
	}
	if inv.Unnamed > 0 {
		fmt.Fprintf(stdio.Err, "%s without a known account; a comment in the inventory says which mail each gets\n", diag.Count(inv.Unnamed, "user"))
	}
	printSome(stdio, inv.Refused, ", each with a comment in the inventory")
	fmt.Fprintln(stdio.Err, a.nextStep(server, kind, inv, stdio))
	if inv.Left > 0 || !harmless {
		return exit(exitHeld, nil)
	}
	return nil
}

// maxRefused is how many rows that are refused are printed.
const maxRefused = 10

// printSome prints the first lines, and how many more there are, with what is to be said of
// them.
func printSome(stdio Stdio, lines []string, ofMore string) {
	for i, line := range lines {
		if i == maxRefused {
			fmt.Fprintf(stdio.Err, "and %d more%s\n", len(lines)-maxRefused, ofMore)
			return
		}
		fmt.Fprintln(stdio.Err, diag.Printable(line))
	}
}

// nextStep says how it goes on.
func (a *importArgs) nextStep(server *importer.Server, kind *mta.Server, inv *importer.Inventory, stdio Stdio) string {
	file := a.out
	if file == "" || file == inventory.StdinName {
		file = "FILE"
	}
	var before []string
	kept, config := "which keeps the files that are there as generation 0", ""
	if inv.Left > 0 {
		before = append(before, "read what is not imported")
	}
	if lines := server.Facts().Instead; len(lines) > 0 && server.Facts().Server == kind.Name {
		fmt.Fprintf(stdio.Err, "the inventory has what these lines of %s say: %s\n", kind.Words.Config, strings.Join(lines, ", "))
		config = " --config " + kind.Words.Config
		kept = "which marks these lines as comments (keep a copy: cp " + kind.Words.Config + " " + kind.Words.Config + ".before)"
	}
	first := ""
	if len(before) > 0 {
		first = strings.Join(before, ", ") + ", then "
	}
	return "next: " + first + "virtmap build --adopt" + config + " -i " + diag.Printable(file) + ", " + kept
}

// prove builds the inventory in a folder of its own, and prints what differs
// there: by the Router, and where there is one by the real program.
func prove(ctx context.Context, kind *mta.Server, server *importer.Server, inv *importer.Inventory, real *askedBeside, stdio Stdio) (harmless bool, err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM) // the folder must go too
	defer stop()
	work, err := workFolder(real != nil)
	if err != nil {
		return false, exit(exitCannotWrite, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	next := filepath.Join(work, "new")
	model := inv.Source.Inventory()
	model.ForgetAddresses() // they are rows by now
	build.Release(model)
	if err := errors.Join(os.Mkdir(next, 0o755), build.WriteSet(ctx, kind, inv.Source, next)); err != nil {
		return false, err
	}
	host := mta.Host{Name: model.Host.Name.Text, Account: server.Delivers}
	if real == nil {
		inv.Source, model = nil, nil // a large one is as large as what is compared
	}
	built, err := kind.Open(mta.Place{Dir: next}, host)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, built.Close()) }()
	proof, err := server.Prove(inv, built)
	if err := errors.Join(err, ctx.Err()); err != nil {
		return false, err
	}
	if err := printProof(stdio.Err, "", &proof); err != nil || real == nil {
		return proof.Harmless(), err
	}
	asked, err := real.run(ctx, inv, built, work)
	if err != nil {
		return false, err
	}
	return proof.Harmless() && asked.Harmless(), printProof(stdio.Err, " by sendmail", &asked)
}

// write writes the inventory to a new file, or to standard output.
func (a *importArgs) write(text string, stdio Stdio) error {
	if a.out == "" || a.out == inventory.StdinName {
		_, err := io.WriteString(stdio.Out, text)
		return machineExit(err, exitIO)
	}
	return writeNew(a.out, text)
}

// maxAlike is how many addresses of a domain are printed that differ for one reason, if their
// mail was returned to the sender and is refused now, or if they have a detail.
const maxAlike = 3

// printProof says which outcomes differ, and why.
func printProof(to io.Writer, by string, p *importer.Proof) error {
	w := bufio.NewWriter(to)
	for i := 0; i < len(p.Found); i++ {
		d := &p.Found[i]
		fmt.Fprintf(w, "%s: %s -> %s\n", diag.Printable(d.Address), shortFate(&d.Old), shortFate(&d.New))
		if d.Why != "" {
			fmt.Fprintf(w, "  %s\n", diag.Printable(d.Why))
		}
		if more := alike(p.Found[i:]) - maxAlike; more > 0 {
			domain := d.Address[strings.LastIndexByte(d.Address, '@'):]
			fmt.Fprintf(w, "and so %s more at %s\n", addresses(more+maxAlike-1), diag.Printable(domain[1:]))
			i += more + maxAlike - 1
		}
	}
	fmt.Fprintf(w, "%s compared%s, %d differ\n", addresses(p.Compared), by, len(p.Found))
	return w.Flush()
}

// alike returns how many differences there are, from the first, of one domain and one reason:
// of mail that was returned to the sender and is refused now, or of addresses with a detail.
func alike(found []importer.Difference) (n int) {
	at := func(d *importer.Difference) string { return d.Address[strings.LastIndexByte(d.Address, '@')+1:] }
	for n < len(found) {
		d := &found[n]
		returned := d.Returned() && d.Harmless
		detailed := d.Why != "" && strings.Contains(d.Address, "+") && d.Old.Taken == found[0].Old.Taken && d.New.Taken == found[0].New.Taken
		if !returned && !detailed || d.Why != found[0].Why || at(d) != at(&found[0]) {
			break
		}
		n++
	}
	return n
}

// shortFate is fate for a line of the proof, in which a long list is cut.
func shortFate(o *outcome.Outcome) string {
	if o.Taken {
		return diag.Printable(importer.Shorten(fate(o)))
	}
	return diag.Printable(fate(o))
}

// writeNew writes a file that must not be there.
func writeNew(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return exit(exitRefused, fmt.Errorf("%q is there and left alone; name another FILE, or - for standard output", path))
	}
	if err != nil {
		return machineExit(err, exitCannotWrite)
	}
	_, err = file.WriteString(text)
	return machineExit(errors.Join(err, file.Close()), exitIO)
}
