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
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/importer"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/program"
	"virtmap/inventory"
)

type importArgs struct {
	installed installedArgs
	aliases   cli.StringSlice
	from      cli.StringSlice
	base      string // of mailboxes
	out, into string
	sendmail  bool
	accounts  map[string]bool // of the server
	layout    sendmail.Layout // of its files
}

func importCommand(stdio Stdio) *cli.Command {
	var a importArgs
	return &cli.Command{
		Name: "import", Usage: "write the inventory of a server that runs already", ArgsUsage: "[DIR]",
		Description: `Reads what a sendmail server has in /etc/mail, or in DIR, which may be a copy:
the virtusertable, local-host-names and the aliases that rows lead to, where
sendmail.cf or sendmail.mc names them. Prints the inventory that means the same.

The rows are those that sendmail reads, of the map where there is one; comments
are those of the text. A name of class w without rows is catch_all: local, as it
is now; one whose only row leads each name to another domain is same_as. A list
of names and addresses in the aliases is a list of the inventory. Names in the
passwd file are users, others local_aliases. A row that sendmail answers with an
error becomes a reject with that answer.

What no inventory can say, and what sendmail does not read, is kept as a comment
that begins with "Not imported", with the reason; the exit code is 3 then. A
member of a list that the server refuses is left out, and named above it.

At the end it builds the inventory in a temporary folder, compares what becomes
of every address, its near misses, and names that are not listed, by the old
files and by the new, and lists what differs, with the reason. Only the text of
a refusal, and the case of letters, may differ without exit code 3. With
--sendmail the installed sendmail is asked about each of them too, with a copy of
the server's own sendmail.cf: over the old files, and over the new.

--from reads other lists: Postfix's virtual maps and virtual_mailbox_maps (their
text), two columns as CSV, or "address targets" a line, also from standard input
(lines:-). A domain refuses what it does not list, as in Postfix; the proof
compares what the rows mean to sendmail. Where main.cf has recipient_delimiter =
+, Postfix keeps the detail: add "defaults: {detail: keep}" to the inventory.

--into adds what an inventory has not: domains, addresses, users. Addresses go to
the included file that has their domain. What it has another way is left alone,
and listed as it is there and as it was found (exit 3). A copy of a domain that it
has another way leads there row by row. The server is then the inventory's
host.name.

Examples:
  virtmap import > mail.yaml
  virtmap import -o mail.yaml --host mx1.example.net --accounts passwd ./old-etc-mail
  virtmap import --aliases /etc/aliases --aliases /etc/mail/lists
  virtmap import --from postfix:/etc/postfix/virtual --from mailbox:/etc/postfix/vmailbox --mailbox-base /var/mail`,
		Flags: append(a.installed.flags("", "")[1:],
			&cli.StringSliceFlag{Name: "aliases", Destination: &a.aliases, TakesFile: true, EnvVars: []string{"VIRTMAP_ALIASES"},
				Usage: "the server's own aliases are in `FILE`, instead of the files that its configuration names"},
			&cli.StringSliceFlag{Name: "from", Destination: &a.from, EnvVars: []string{"VIRTMAP_FROM"},
				Usage: "read `KIND:FILE` instead of a sendmail server: " + strings.Join(importer.Kinds, ", ") + "; repeatable, and of an address that two have the first is taken"},
			&cli.StringFlag{Name: "mailbox-base", Destination: &a.base, EnvVars: []string{"VIRTMAP_MAILBOX_BASE"},
				Usage: "paths in mailbox: files are under `DIR`, Postfix's virtual_mailbox_base"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &a.out, TakesFile: true, EnvVars: []string{"VIRTMAP_OUTPUT"},
				Usage: "write a new `FILE` instead"},
			&cli.StringFlag{Name: "into", Destination: &a.into, TakesFile: true, EnvVars: []string{"VIRTMAP_INTO"},
				Usage: "add what the inventory `FILE` has not, say what it has another way, and leave its lines as they are"},
			&cli.BoolFlag{Name: "sendmail", Destination: &a.sendmail, EnvVars: []string{"VIRTMAP_SENDMAIL"},
				Usage: "ask the installed sendmail too, over the old files and the new; needs root"}),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := errors.Join(notEmpty(c, "accounts", "host", "output", "into", "mailbox-base"), a.check(c)); err != nil {
				return err
			}
			return a.run(c.Context, cmp.Or(c.Args().First(), "/etc/mail"), stdio)
		},
	}
}

// gcPercent is how much garbage there may be beside what is in use. A large set
// is in memory twice, as rows and as an inventory, and the usual 100 doubles
// that again; 5 costs a tenth of the time.
const gcPercent = 5

func (a *importArgs) run(ctx context.Context, dir string, stdio Stdio) (err error) {
	var have sendmail.Build
	if a.into != "" {
		if have, err = sendmailBuild(a.into, stdio); err != nil {
			return err
		}
		a.installed.host = cmp.Or(a.installed.host, have.Model.Host.Name.Text)
	}
	server, err := a.open(dir, stdio)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	warn(stdio, server.Warnings)
	var real *program.Program
	if a.sendmail {
		if real, err = installedSendmail(server.MapType(), stdio); err != nil {
			return err
		}
	}
	inv, err := server.Inventory(cmp.Or(a.out, "mail.yaml"))
	if err != nil {
		return machineExit(err, exitProblems)
	}
	if a.into != "" {
		return a.merge(server, inv, have, stdio)
	}
	harmless, err := a.prove(ctx, server, inv, real, stdio)
	if err != nil {
		return machineExit(err, exitIO)
	}
	if err := a.write(inv.Text, stdio); err != nil {
		return err
	}
	if inv.Left > 0 {
		fmt.Fprintf(stdio.Err, "%s not imported; each is a comment with the reason in the inventory\n", diag.Count(inv.Left, "line"))
	}
	printSome(stdio, inv.Refused)
	fmt.Fprintln(stdio.Err, a.nextStep(inv))
	if inv.Left > 0 || !harmless {
		return exit(exitHeld, nil)
	}
	return nil
}

// maxRefused is how many rows that are refused are printed.
const maxRefused = 10

// printSome prints the first lines, and how many more there are.
func printSome(stdio Stdio, lines []string) {
	for i, line := range lines {
		if i == maxRefused {
			fmt.Fprintf(stdio.Err, "and %d more, each with a comment in the inventory\n", len(lines)-maxRefused)
			return
		}
		fmt.Fprintln(stdio.Err, diag.Printable(line))
	}
}

// nextStep says how it goes on.
func (a *importArgs) nextStep(inv *importer.Inventory) string {
	file := a.out
	if file == "" || file == inventory.StdinName {
		file = "FILE"
	}
	read := ""
	if inv.Left > 0 {
		read = "read what is not imported, then "
	}
	return "next: " + read + "virtmap build --adopt -i " + diag.Printable(file) + ", which keeps the files that are there as generation 0"
}

// prove builds the inventory in a folder of its own, and prints what differs
// there: by the Router, and where there is one by the real program.
func (a *importArgs) prove(ctx context.Context, server *importer.Server, inv *importer.Inventory, real *program.Program, stdio Stdio) (harmless bool, err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM) // the folder must go too
	defer stop()
	work, err := workFolder(real != nil)
	if err != nil {
		return false, exit(exitCannotWrite, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	next := filepath.Join(work, "new")
	inv.Source.Model.ForgetAddresses() // they are rows by now
	build.Release(inv.Source.Model)
	if err := errors.Join(os.Mkdir(next, 0o755), build.WriteSet(ctx, sendmail.Server, inv.Source, next)); err != nil {
		return false, err
	}
	host := inv.Source.Model.Host.Name.Text
	if real == nil {
		inv.Source = sendmail.Build{} // a large one is as large as what is compared
	}
	built, err := sendmail.OpenOurs(next, host, nil)
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
	r := comparison{program: real, server: server, inv: inv, built: built, work: work, accounts: a.accounts, layout: a.layout}
	asked, err := r.run(ctx)
	if err != nil {
		return false, err
	}
	return proof.Harmless() && asked.Harmless(), printProof(stdio.Err, " by sendmail", &asked)
}

// check finds what does not go together.
func (a *importArgs) check(c *cli.Context) error {
	sources := len(a.from.Value()) > 0
	switch {
	case c.NArg() > 1:
		return usage(errors.New("import takes one DIR"))
	case sources && c.NArg() > 0:
		return usage(errors.New("import reads DIR, or what --from names"))
	case sources && (a.sendmail || len(a.aliases.Value()) > 0):
		return usage(errors.New("--sendmail and --aliases are for the files of a sendmail server, not for --from"))
	case a.into != "" && (a.out != "" || a.sendmail):
		return usage(errors.New("--into changes its FILE; it goes neither with --output nor with --sendmail"))
	case a.into == inventory.StdinName:
		return usage(errors.New("--into takes a file: it is changed"))
	case a.base != "" && !strings.HasPrefix(a.base, "/"):
		return usage(fmt.Errorf("--mailbox-base %q: it is a whole path", a.base))
	}
	stdin := 0
	for _, spec := range a.from.Value() {
		kind, file, ok := strings.Cut(spec, ":")
		if !ok || file == "" || !slices.Contains(importer.Kinds, kind) {
			return usage(fmt.Errorf("--from %q: write KIND:FILE, with one of %s", spec, strings.Join(importer.Kinds, ", ")))
		}
		if file == inventory.StdinName {
			stdin++
		}
	}
	if stdin > 1 {
		return usage(errors.New("--from can read standard input once"))
	}
	return nil
}

// write writes the inventory to a new file, or to standard output.
func (a *importArgs) write(text string, stdio Stdio) error {
	if a.out == "" || a.out == inventory.StdinName {
		_, err := io.WriteString(stdio.Out, text)
		return machineExit(err, exitIO)
	}
	return writeNew(a.out, text)
}

// printProof says which outcomes differ, and why.
func printProof(to io.Writer, by string, p *importer.Proof) error {
	w := bufio.NewWriter(to)
	for i := range p.Found {
		d := &p.Found[i]
		fmt.Fprintf(w, "%s: %s -> %s\n", diag.Printable(d.Address), diag.Printable(fate(&d.Old)), diag.Printable(fate(&d.New)))
		if d.Why != "" {
			fmt.Fprintf(w, "  %s\n", diag.Printable(d.Why))
		}
	}
	fmt.Fprintf(w, "%s compared%s, %d differ\n", addresses(p.Compared), by, len(p.Found))
	return w.Flush()
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
