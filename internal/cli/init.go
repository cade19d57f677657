package cli

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

//go:embed starter.yaml
var starter string

type initArgs struct{ host, user, server string }

func initCommand(stdio Stdio) *cli.Command {
	var a initArgs
	return &cli.Command{
		Name: "init", Usage: "write a commented inventory to begin with", ArgsUsage: "[FILE]",
		Description: `Writes mail.yaml, or FILE, or with - to standard output. A file that exists is
left alone. The inventory has no errors; change its name, domain and users. Beside it
init writes virtmap.schema.json, which virtmap schema prints too. The first line
of the inventory names that file, so that editors complete the inventory with it.

Examples:
  virtmap init
  virtmap init --host mx1.example.net --user andrei -
  virtmap init --server sendmail`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "host", Destination: &a.host, DefaultText: "this machine", EnvVars: []string{"VIRTMAP_HOST"},
				Usage: "the mail server is `NAME`"},
			&cli.StringFlag{Name: "user", Destination: &a.user, DefaultText: "you", EnvVars: []string{"VIRTMAP_USER"},
				Usage: "the first user is `NAME`"},
			&cli.StringFlag{Name: "server", Value: defaultServer.Name, Destination: &a.server, EnvVars: []string{"VIRTMAP_SERVER"},
				Usage: "the mail server is of the kind `NAME`: " + diag.Choice(kindNames()...)}},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usage(errors.New("init takes one FILE"))
			}
			if err := notEmpty(c, "host", "user"); err != nil {
				return err
			}
			return a.run(cmp.Or(c.Args().First(), build.DefaultInventory), stdio)
		},
	}
}

func (a *initArgs) run(path string, stdio Stdio) error {
	server, err := kindNamed("server", a.server)
	if err != nil {
		return err
	}
	text := a.text(server)
	if m, faults := inventory.Parse(path, text); faults.Failed() {
		return usage(fmt.Errorf("with --host %q and --user %q: %s", m.Host.Name.Text, a.user, faults.Faults()[0].Text))
	}
	if path == inventory.StdinName {
		_, err := io.WriteString(stdio.Out, withoutModeline(text))
		return machineExit(err, exitIO)
	}
	schema := filepath.Join(filepath.Dir(path), schemaFile)
	there, written := schemaBeside(path, schema)
	wrote := path
	if !there {
		text = withoutModeline(text)
	}
	if err := writeNew(path, text); err != nil {
		if written {
			_ = os.Remove(schema) // the first error is returned
		}
		return err
	}
	if written {
		wrote += " and " + schema
	}
	change := "name, domain and users"
	if a.host != "" {
		change = "domain and users"
	}
	fmt.Fprintf(stdio.Err, "wrote %s; next: change its %s, then virtmap check -i %s\n", diag.Printable(wrote), change, diag.Printable(path))
	return nil
}

// text returns the inventory for a kind of server.
func (a *initArgs) text(server *mta.Server) string {
	line := ""
	if server != defaultServer {
		line = "  server: " + server.Name + "\n"
	}
	maps := server.Maps[0]
	if others := server.Maps[1:]; len(others) > 0 {
		maps = fmt.Sprintf("%-22s# or %s", maps, strings.Join(others, ", or "))
	}
	return strings.NewReplacer("OPENWAYS", openWays(server, a.hostName()), "HOST", a.hostName(), "USER", a.userName(), "KIND", server.Name, "OWN", server.Words.Own, "SERVER", line, "MAPS", maps, "SUBMISSION", submissionOf(server)).Replace(starter)
}

// openWays returns the comment that silences the check of ways to local accounts; empty if
// the server has no such check.
func openWays(server *mta.Server, host string) string {
	const id = "VM014"
	if !slices.ContainsFunc(server.Checks, func(c *diag.Check) bool { return c.ID == id }) {
		return ""
	}
	return "  # virtmap:ignore " + id + " accounts of this server still get mail sent to them at " + host + "; see virtmap explain " + id + "\n"
}

// submissionOf returns an example of what a kind of server does with mail that is sent;
// empty if it can do nothing.
func submissionOf(server *mta.Server) string {
	var able, means []string
	for _, key := range []struct{ word, means string }{
		{"rewrite: msp", "the sendmail command writes sends_as of its user"},
		{"authorise: yes", "logins are held to who may send"},
	} {
		m, faults := inventory.Parse("", "version: 1\nhost: {name: mx1.example.net, server: "+server.Name+"}\nsubmission: {"+key.word+"}\n")
		server.Compile(m, faults)
		if !slices.ContainsFunc(faults.Faults(), func(f diag.Fault) bool { return f.Check == senders.CheckServer }) {
			able, means = append(able, key.word), append(means, key.means)
		}
	}
	if len(able) == 0 {
		return ""
	}
	return "# submission: {" + strings.Join(able, ", ") + "}  # " + strings.Join(means, ", ") + "\n\n"
}

// schemaFile is the name of the schema in the first line of the starter.
const schemaFile = "virtmap.schema.json"

// schemaBeside writes the schema beside an inventory that does not exist yet. there
// reports whether a schema is there now, written whether this call wrote it.
func schemaBeside(inventoryFile, schema string) (there, written bool) {
	if _, err := os.Lstat(inventoryFile); err == nil {
		return false, false // init does not change an existing inventory
	}
	if _, err := os.Stat(schema); err == nil {
		return true, false
	}
	text, err := inventory.Schema(false)
	if err != nil {
		return false, false
	}
	err = writeNew(schema, string(text))
	return err == nil, err == nil
}

// withoutModeline removes the line that names the schema, for a text without a schema
// beside it.
func withoutModeline(text string) string {
	_, rest, _ := strings.Cut(text, "\n")
	return rest
}

// hostName returns the host of --host, or the full name of this machine; an example if
// the machine has no full name.
func (a *initArgs) hostName() string {
	name := a.host
	if name == "" {
		name, _ = build.ThisHost() // the name is only a proposal
	}
	if folded, problem := mailaddr.FoldDomain(name); a.host == "" && (problem != nil || !strings.Contains(folded, ".")) {
		return "mx1.example.net"
	}
	return name
}

// userName returns the user of --user, or the user who called sudo, or the present
// user; root if an inventory cannot have that name.
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
