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
  virtmap import --from postfix:/etc/postfix/virtual --from mailbox:/etc/postfix/vmailbox --mailbox-base /var/mail`

func (a *importArgs) flags() []cli.Flag {
	return append(a.installed.flags("", "")[1:],
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
			Usage: "ask the installed sendmail too, over the old files and the new; needs root"})
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
