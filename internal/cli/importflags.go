package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/importer"
	"virtmap/inventory"
)

// importText is the manual of import.
const importText = `Reads what a sendmail server has in /etc/mail, or in DIR, which may be a copy:
the virtusertable, local-host-names and the aliases that rows lead to, where
sendmail.cf or sendmail.mc names them. Prints the inventory that means the same.

The rows are those that sendmail reads: of the map, where there is one. Comments
are those of the text. A name of class w without rows becomes catch_all: local,
because that is what sendmail does with it. A name whose only row leads each
address to another domain becomes same_as. A list of names and addresses in the
aliases becomes a list of the inventory. Names in the passwd file become users,
and others become local_aliases. A row that sendmail answers with an error becomes
a reject with that answer.

What no inventory can say, and what sendmail does not read, becomes a comment that
begins with "Not imported" and has the reason; then the exit code is 3. A member
of a list that the server refuses is left out, and named in a comment above.

At the end import builds the inventory in a temporary folder. It compares what
becomes of every address, of its near misses, and of names that are not listed: by
the old files and by the new. It lists each difference with the reason. The exit
code is 3 when there is one, except in the text of a refusal or in the case of
letters. With --server it asks the installed sendmail about each of them too,
over a copy of the server's own sendmail.cf: with the old files, and with the new.

--from reads other lists: Postfix's virtual maps and virtual_mailbox_maps (their
text), two columns as CSV, or lines of "address targets". lines:- reads standard
input. A domain refuses what it does not list, as in Postfix; the comparison uses
what the rows mean to sendmail. Where main.cf has recipient_delimiter = +, Postfix
keeps the detail: add "defaults: {detail: keep}" to the inventory.

--into adds what an inventory does not have: domains, addresses, users. Addresses
go to the included file that has their domain. What the inventory has another way
is left alone, and listed as it is there and as it was found (exit 3). A new domain
that leads each name to a domain of the inventory gets this row as its catch_all,
in place of same_as. The server's name is then the host.name of the inventory.

Examples:
  virtmap import > mail.yaml
  virtmap import -o mail.yaml --host mx1.example.net --accounts passwd ./old-etc-mail
  virtmap import --aliases /etc/aliases --aliases /etc/mail/lists
  virtmap import --from postfix:/etc/postfix/virtual --from mailbox:/etc/postfix/vmailbox --mailbox-base /var/mail`

func (a *importArgs) flags() []cli.Flag {
	return append(a.installed.serverFlags(),
		&cli.StringSliceFlag{Name: "aliases", Destination: &a.aliases, TakesFile: true, EnvVars: []string{"VIRTMAP_ALIASES"},
			Usage: "read the server's own aliases from `FILE`, instead of the files that its configuration names"},
		&cli.StringSliceFlag{Name: "from", Destination: &a.from, EnvVars: []string{"VIRTMAP_FROM"},
			Usage: "read `KIND:FILE` instead of a sendmail server: " + strings.Join(importer.Kinds, ", ") + "; repeatable: when two have the same address, the first is taken"},
		&cli.StringFlag{Name: "mailbox-base", Destination: &a.base, EnvVars: []string{"VIRTMAP_MAILBOX_BASE"},
			Usage: "the paths in files of the kind mailbox are below `DIR`, Postfix's virtual_mailbox_base"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &a.out, TakesFile: true, EnvVars: []string{"VIRTMAP_OUTPUT"},
			Usage: "write the inventory to a new `FILE` instead of standard output"},
		&cli.StringFlag{Name: "into", Destination: &a.into, TakesFile: true, EnvVars: []string{"VIRTMAP_INTO"},
			Usage: "add what the inventory `FILE` does not have, name what it has another way, and leave its lines as they are"},
		&cli.BoolFlag{Name: "server", Aliases: []string{"sendmail"}, Destination: &a.server, EnvVars: []string{"VIRTMAP_ASK_SERVER", "VIRTMAP_SENDMAIL"},
			Usage: "ask the installed mail server too, with the old files and with the new; needs root"})
}

// check finds what does not go together.
func (a *importArgs) check(c *cli.Context) error {
	sources := len(a.from.Value()) > 0
	switch {
	case c.NArg() > 1:
		return usage(errors.New("import takes one DIR"))
	case sources && c.NArg() > 0:
		return usage(errors.New("import reads DIR, or what --from names"))
	case sources && (a.server || len(a.aliases.Value()) > 0):
		return usage(errors.New("--server and --aliases are for the files of a sendmail server, not for --from"))
	case a.into != "" && (a.out != "" || a.server):
		return usage(errors.New("--into changes its FILE; it goes neither with --output nor with --server"))
	case a.into != "" && a.installed.kind != "":
		return usage(errors.New("--kind and --into exclude each other: the inventory says it"))
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
