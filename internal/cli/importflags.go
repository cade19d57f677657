package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/lists"
	"virtmap/internal/mta/servers"
	"virtmap/inventory"
)

// importText is the manual of import.
const importText = `Reads the files of a mail server that runs, from its folder or from DIR, which may
be a copy. Prints the inventory that means the same.

  sendmail  the virtusertable, local-host-names and the aliases that rows
            lead to, where sendmail.cf or sendmail.mc names them
  postfix   main.cf, and the domains, virtual addresses, mailboxes, refusals
            and aliases in the tables that it names; a table without a map is
            read as text
  exim, opensmtpd
            the folder into which a build wrote; what people wrote for these
            servers is a list

The domains and the addresses stand in the order of the files, with their comments.
Names in the passwd file become users, and others become local_aliases. Each mailbox
of virtual_mailbox_maps becomes a user. A domain that is only relayed gets
role: backup. A domain whose only row leads each address to another domain becomes
same_as. Role addresses and details that all domains have in common become defaults.

What no inventory can say, and what the server does not read, becomes a comment that
begins with "Not imported" and has the reason; then the exit code is 3. Passwords
are never copied. A target that the files do not explain, such as an address in a
table that is not read, becomes a user with a comment about what to name.

At the end import builds the inventory in a temporary folder. It compares what
becomes of every address, of its near misses, and of names that are not listed: by
the old files under the rules of their server, and by the new files under the rules
of theirs. It lists each difference with the reason. The exit code is 3 when there
is one, except in the text of a refusal, in the case or the detail of a name of this
server, or when mail is refused at once that was returned before. With --server it
asks the installed sendmail about each address too, over a copy of the server's own
sendmail.cf: with the old files, and with the new.

--from reads something else:

  postfix:FILE            the text of a virtual alias map (virtual(5))
  mailbox:FILE            the text of virtual_mailbox_maps, or a list of
                          accounts
  aliases:FILE            the aliases of the server, to which other lists may
                          lead
  csv:FILE                columns by their names, such as address and goto
  lines:FILE              lines of "address targets"
  docker-mailserver:DIR   its folder of configuration
  postfixadmin:DIR        its tables, each exported as CSV
  exim-virtual:DIR        a file for each domain, such as /etc/exim4/virtual
  opensmtpd:FILE          a table of virtual addresses of OpenSMTPD
  domains:FILE            domains, one on each line
  postfix-server:DIR      a whole server, for an inventory of another --kind
  sendmail-server:DIR     (exim-server and opensmtpd-server too)

A FILE named - is standard input. Lists are judged by the rules of Postfix, which
refuses what a domain does not list. Without --kind the inventory is for sendmail.
A list does not say what happens to details, such as info+news: Postfix keeps them
where main.cf has recipient_delimiter = +, and "defaults: {detail: keep}" says so.

exim-virtual is judged by the rules of Exim, with the router of docs/exim.md: it has
no local_part_suffix, so that a detail is a part of the name. opensmtpd is judged
by the rules of OpenSMTPD: a name alone, and @, count at every domain of domains:FILE
or, without it, at those that other lines have. Beside aliases and domains, another
list makes Postfix the judge.

--into adds what an inventory does not have: domains, addresses, users. Addresses
go to the included file that has their domain. What the inventory has another way
is left alone, and listed as it is there and as it was found (exit 3). A new domain
that leads each name to a domain of the inventory gets this row as its catch_all,
in place of same_as. The server's name is then the host.name of the inventory.

Examples:
  virtmap import > mail.yaml
  virtmap import -o mail.yaml /etc/postfix
  virtmap import -o mail.yaml --host mx1.example.net --accounts passwd ./old-etc-mail
  virtmap import --aliases /etc/aliases --aliases /etc/mail/lists
  virtmap import --from postfix:/etc/postfix/virtual --from mailbox:/etc/postfix/vmailbox --mailbox-base /var/mail
  virtmap import --kind postfix --from docker-mailserver:./config`

func (a *importArgs) flags() []cli.Flag {
	return append(a.installed.serverFlags(),
		&cli.StringSliceFlag{Name: "aliases", Destination: &a.aliases, TakesFile: true, EnvVars: []string{"VIRTMAP_ALIASES"},
			Usage: "read the server's own aliases from `FILE`, instead of the files that its configuration names"},
		&cli.StringSliceFlag{Name: "from", Destination: &a.from, EnvVars: []string{"VIRTMAP_FROM"},
			Usage: "read `KIND:FILE` instead of the files of a server: " + strings.Join(fromKinds(), ", ") + "; repeatable: when two have the same address, the first is taken"},
		&cli.StringFlag{Name: "mailbox-base", Destination: &a.base, EnvVars: []string{"VIRTMAP_MAILBOX_BASE"},
			Usage: "the paths in files of the kind mailbox are below `DIR`, Postfix's virtual_mailbox_base"},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &a.out, TakesFile: true, EnvVars: []string{"VIRTMAP_OUTPUT"},
			Usage: "write the inventory to a new `FILE` instead of standard output"},
		&cli.StringFlag{Name: "into", Destination: &a.into, TakesFile: true, EnvVars: []string{"VIRTMAP_INTO"},
			Usage: "add what the inventory `FILE` does not have, name what it has another way, and leave its lines as they are"},
		&cli.BoolFlag{Name: "server", Aliases: []string{"sendmail"}, Destination: &a.server, EnvVars: []string{"VIRTMAP_ASK_SERVER", "VIRTMAP_SENDMAIL"},
			Usage: "ask the installed mail server too, with the old files and with the new; needs root"})
}

// fromKinds are the kinds of --from.
func fromKinds() []string {
	kinds := slices.Clone(lists.Kinds)
	for _, s := range servers.All {
		if s.Import != nil {
			kinds = append(kinds, s.Name+serverSuffix)
		}
	}
	return kinds
}

// check finds what does not go together.
func (a *importArgs) check(c *cli.Context) error {
	sources := len(a.from.Value()) > 0
	_, _, whole := serverFolder(a.from.Value())
	switch {
	case c.NArg() > 1:
		return usage(errors.New("import takes one DIR"))
	case sources && c.NArg() > 0:
		return usage(errors.New("import reads DIR, or what --from names"))
	case whole && len(a.from.Value()) > 1:
		return usage(errors.New("--from of a whole server goes with no other --from"))
	case sources && !whole && (a.server || len(a.aliases.Value()) > 0):
		return usage(errors.New("--server and --aliases are for the files of a server, not for lists"))
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
		if !ok || file == "" || !slices.Contains(fromKinds(), kind) {
			return usage(fmt.Errorf("--from %q: write KIND:FILE, with one of %s", spec, strings.Join(fromKinds(), ", ")))
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
