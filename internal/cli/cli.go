// Package cli is the command line. Each command has one file, with its flags, its
// printing and its exit codes. The package has no rule about mail.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"virtmap/internal/diag"
)

// Version and Commit are set by the release build.
var Version, Commit = "", ""

// A Stdio is the input and output of a run.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer

	stages      *stages          // of the command, if it shows its stages
	includeFrom *cli.StringSlice // the value of --include-from
}

// Run runs the program and returns its exit code.
func Run(ctx context.Context, args []string, stdio Stdio) (code int) {
	defer func() {
		if failure := recover(); failure != nil {
			fmt.Fprintf(stdio.Err, "virtmap: this is a bug of virtmap, please report it: %v\n%s", failure, debug.Stack())
			code = exitSoftware
		}
	}()
	app := newApp(stdio)
	if len(args) > 1 && args[1] == completeWord {
		return exitCode(completeLine(app.Commands, args[2:], stdio.Out))
	}
	err := runApp(ctx, app, args, stdio)
	if text := errorText(err); text != "" {
		fmt.Fprintf(stdio.Err, "virtmap: %s\n", diag.Printable(text))
	}
	return exitCode(err)
}

// runApp runs a command, or prints its help.
func runApp(ctx context.Context, app *cli.App, args []string, stdio Stdio) error {
	if topic, asked := helpAsked(app.Commands, args); asked {
		return showHelp(app.Commands, topic, stdio)
	}
	args, err := reorder(app.Commands, args)
	if err != nil {
		return err
	}
	return app.RunContext(ctx, args)
}

const appUsage = "virtual mail domains for sendmail, Postfix, Exim and OpenSMTPD from one inventory"

const about = `virtmap reads one YAML inventory of virtual addresses and real users. It finds
every fault and names its place. It asks the DNS whether the MX records of each
domain lead to this server. It writes what the mail server needs. For sendmail
that is the virtusertable as text and as a map, local-host-names, aliases, and
the lines for sendmail.mc. For Postfix it is the tables of virtual addresses,
domains and refusals with their maps, and the lines for main.cf. For Exim it is
the tables, and the routers and checks that read them. For OpenSMTPD it is the
tables, and the lines for smtpd.conf.

Examples:
  virtmap init && virtmap check
  virtmap build -o out --mx off
  virtmap test`

const exitCodes = `  0   done, nothing wrong
  1   problems found, and nothing written
  3   written, but a domain is held back or pending, or files wait until the
      server reads what they lead to, or import left a row out or found a
      difference
  4   changes pending (diff --exit-code)
  5   refused by a guard; the message names the flag that allows it
  64  usage
  66  the inventory or another named file is missing or cannot be read
  70  a bug in virtmap
  73  cannot create a file
  74  input/output error
  75  try again: another build is at work, a file changed meanwhile, the
      command was interrupted, or DNS gave no answer
  77  permission denied`

const files = `  mail.yaml             the inventory; virtmap man virtmap-inventory
  virtusertable, .db    of sendmail, in host.mail_dir or the folder of -o,
                        with virtmap-aliases, local-host-names, virtmap.mc
  virtmap-virtual, .db  of Postfix, in the same folder, with
                        virtmap-domains, virtmap.main.cf and others
  .virtmap              in the folder of -o: its state, which is the
                        verdicts, the generations and the journal
  /var/lib/virtmap      the state without -o`

// commands returns all commands, in the order of the help.
func commands(stdio Stdio) []*cli.Command {
	stdio.includeFrom = &cli.StringSlice{}
	return readKindly(withIncludeFrom([]*cli.Command{
		checkCommand(stdio), diffCommand(stdio), buildCommand(stdio), fmtCommand(stdio), historyCommand(stdio), rollbackCommand(stdio),
		listCommand(stdio), lookupCommand(stdio), whoCommand(stdio), mxCommand(stdio), pageCommand(stdio),
		testCommand(stdio), receiveCommand(stdio),
		initCommand(stdio), importCommand(stdio),
		mapCommand(stdio),
		helpCommand(stdio), explainCommand(stdio), schemaCommand(stdio), manCommand(stdio), completionCommand(stdio), versionCommand(stdio),
	}, stdio.includeFrom))
}

func newApp(stdio Stdio) *cli.App {
	return &cli.App{
		Name:                   "virtmap",
		Usage:                  appUsage,
		Version:                version(),
		Commands:               commands(stdio),
		Writer:                 stdio.Out,
		ErrWriter:              stdio.Err,
		Reader:                 stdio.In,
		HideHelpCommand:        true,
		ExitErrHandler:         func(*cli.Context, error) {},
		OnUsageError:           onUsageError,
		UseShortOptionHandling: true,
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return showHelp(c.App.Commands, nil, stdio)
			}
			return usage(unknownCommand(c.App.Commands, c.Args().First()))
		},
	}
}

func onUsageError(_ *cli.Context, err error, _ bool) error { return usage(err) }

func unknownCommand(commands []*cli.Command, name string) error {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	words := diag.Words{Names: slices.Values(names)}
	if near, ok := words.Nearest(name); ok {
		return fmt.Errorf("there is no command %q; did you mean %s?", name, near)
	}
	return fmt.Errorf("there is no command %q; the commands are %s", name, strings.Join(names, ", "))
}

func version() string {
	if Version != "" && Commit != "" {
		return Version + " (" + Commit[:min(len(Commit), 12)] + ")"
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// onTerminal reports whether a writer is a terminal that wants colours.
func onTerminal(w io.Writer) bool { return os.Getenv("NO_COLOR") == "" && isTerminal(w) }

// isTerminal reports whether a writer is a terminal.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}

// widthOf returns the number of columns of a terminal; 80 if it is not known.
func widthOf(w io.Writer) int {
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}
