package cli

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

//go:embed starter.yaml
var starter string

type initArgs struct{ host, user string }

func initCommand(stdio Stdio) *cli.Command {
	var a initArgs
	return &cli.Command{
		Name: "init", Usage: "write a commented inventory to begin with", ArgsUsage: "[FILE]",
		Description: `Writes mail.yaml, or FILE, or with - to standard output. A file that is there is
left alone. The inventory has no errors; change its domain and users. Its first
line lets editors complete it with the schema that virtmap schema prints.

Examples:
  virtmap init
  virtmap init --host mx1.example.net --user andrei -`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "host", Destination: &a.host, DefaultText: "this machine", EnvVars: []string{"VIRTMAP_HOST"},
				Usage: "the mail server is `NAME`"},
			&cli.StringFlag{Name: "user", Destination: &a.user, DefaultText: "you", EnvVars: []string{"VIRTMAP_USER"},
				Usage: "the first user is `NAME`"}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usage(errors.New("init takes one FILE"))
			}
			if err := notEmpty(c, "host", "user"); err != nil {
				return err
			}
			return a.run(firstOf(c.Args().First(), defaultInventory), stdio)
		},
	}
}

func (a *initArgs) run(path string, stdio Stdio) error {
	text := strings.NewReplacer("HOST", a.hostName(), "USER", a.userName()).Replace(starter)
	if m, faults := inventory.Parse(path, text); faults.Failed() {
		return usage(fmt.Errorf("with --host %q and --user %q: %s", m.Host.Name.Text, a.user, faults.Faults()[0].Text))
	}
	if path == inventory.StdinName {
		_, err := io.WriteString(stdio.Out, text)
		return machineExit(err, exitIO)
	}
	if err := writeNew(path, text); err != nil {
		return err
	}
	fmt.Fprintf(stdio.Err, "wrote %s; next: change its domain and users, then virtmap check -i %[1]s\n", path)
	return nil
}

// hostName is this machine's where that is a whole name.
func (a *initArgs) hostName() string {
	name := a.host
	if name == "" {
		name, _ = os.Hostname() // it is only a proposal
	}
	if folded, problem := mailaddr.FoldDomain(name); a.host == "" && (problem != nil || !strings.Contains(folded, ".")) {
		return "mx1.example.net"
	}
	return name
}

// userName is the person behind sudo, or the user, where that is no system
// account.
func (a *initArgs) userName() string {
	if a.user != "" {
		return a.user
	}
	name := os.Getenv("SUDO_USER")
	if me, err := user.Current(); name == "" && err == nil {
		name = me.Username
	}
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-.") != "" {
		return "root"
	}
	return name
}
