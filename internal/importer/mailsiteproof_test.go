package importer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	building "virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/importer"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// An importedSite is a mailSite that was imported for a kind of server, and built.
type importedSite struct {
	*mailSite
	kind   *mta.Server // of the inventory
	dir    string
	server *importer.Server
	inv    *importer.Inventory
	model  *inventory.Model
	built  mta.Set
	proof  importer.Proof
	named  map[string]importer.Difference
	asked  map[string]bool   // the addresses that the proof compares
	users  []string          // users of the inventory that are no accounts of the site
	boxes  map[string]string // by path or address of a mailbox: its user
}

// importSite imports the Postfix of a folder for a kind of server.
func importSite(s *mailSite, dir string, kind *mta.Server) (c *importedSite, err error) {
	c = &importedSite{mailSite: s, kind: kind, dir: dir, named: map[string]importer.Difference{}, asked: map[string]bool{}, boxes: map[string]string{}}
	host := mta.Host{Name: siteHost, Account: func(name string) bool { return slices.Contains(siteAccounts, name) }}
	from, err := postfix.Server.Import(dir, host, nil)
	if err != nil {
		return nil, err
	}
	if c.server, err = importer.New(kind, from); err != nil {
		return nil, err
	}
	if c.inv, err = c.server.Inventory("mail.yaml"); err != nil {
		return nil, err
	}
	c.model = c.inv.Source.Inventory()
	c.readUsers()
	next := filepath.Join(dir, "new-"+kind.Name)
	if err := errors.Join(os.Mkdir(next, 0o755), building.WriteSet(context.Background(), kind, c.inv.Source, next)); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, c.inv.Text)
	}
	if c.built, err = kind.Open(mta.Place{Dir: next}, mta.Host{Name: siteHost, Account: c.server.Delivers}); err != nil {
		return nil, err
	}
	return c, c.prove()
}

// prove proves the import.
func (c *importedSite) prove() (err error) {
	if c.proof, err = c.server.Prove(c.inv, c.built); err != nil {
		return err
	}
	for _, d := range c.proof.Found {
		c.named[d.Address] = d
	}
	all, err := c.server.Addresses(c.built)
	for _, addr := range all {
		c.asked[addr] = true
	}
	return err
}

func (c *importedSite) close() error { return errors.Join(c.server.Close(), c.built.Close()) }

// boxOf matches the address or the path in the comment above a user.
var boxOf = regexp.MustCompile(`(?:of |^)(\S+@\S+) (?:was|is to be named|only)|was (/\S+), and`)

// readUsers reads which mailbox each user of the inventory had: the path of the user, or
// what the comment above says to a person.
func (c *importedSite) readUsers() {
	comment := ""
	for line := range strings.Lines(c.inv.Text) {
		text := strings.TrimSpace(line)
		if about, ok := strings.CutPrefix(text, "# "); ok {
			comment = about
			continue
		}
		name, _, _ := strings.Cut(text, ":")
		if m := boxOf.FindStringSubmatch(comment); m != nil {
			c.boxes[m[1]+m[2]] = name
		}
		comment = ""
	}
	for _, u := range c.model.Users {
		if u.Mailbox.Text != "" {
			c.boxes[u.Mailbox.Text] = u.Name.Text
		}
		if !slices.Contains(siteAccounts, u.Name.Text) {
			c.users = append(c.users, u.Name.Text)
		}
	}
}

// shared returns a mailbox that two users have; empty: there is none.
func (c *importedSite) shared() string {
	had := map[string]string{}
	for _, u := range c.model.Users {
		if path := u.Mailbox.Text; path != "" {
			if other := had[path]; other != "" {
				return path + " is the mailbox of " + other + " and " + u.Name.Text
			}
			had[path] = u.Name.Text
		}
	}
	owner := map[string]string{}
	for box, user := range c.boxes {
		if other := owner[user]; other != "" {
			return user + " has the mailboxes " + other + " and " + box
		}
		owner[user] = box
	}
	return ""
}

// withoutDetail returns a local part without its detail.
func (c *importedSite) withoutDetail(local string) string {
	if _, isAlias := c.aliases[local]; isAlias || slices.Contains(c.users, local) || strings.HasPrefix(local, "owner-") {
		return local
	}
	delimiters := c.delimiter + "+" // the files of the inventory cut at a +
	if at := strings.IndexAny(local, delimiters); at > 0 {
		return local[:at]
	}
	return local
}

// mailboxOf returns the mailbox of an address: the user who has it now, or else its path or
// the address.
func (c *importedSite) mailboxOf(addr string) string {
	local, domain, _ := mailaddr.Split(addr)
	forms := []string{addr}
	if c.delimiter != "" {
		if at := strings.IndexAny(local, c.delimiter); at > 0 {
			forms = append(forms, local[:at]+"@"+domain)
		}
	}
	for _, key := range append(slices.Clone(forms), "@"+domain) {
		for _, row := range c.rows("vmailbox") {
			if row.key != key || !c.agent {
				continue
			}
			path := c.pathOf(row.value)
			if user := c.boxes[path]; user != "" {
				return user
			}
			return path
		}
	}
	for _, form := range forms {
		if user := c.boxes[form]; user != "" {
			return user
		}
	}
	return boxSign + addr
}

// pathOf returns the path of a value of virtual_mailbox_maps.
func (c *importedSite) pathOf(value string) string {
	path := filepath.Join(maincf.Parse("", []byte(c.text(c.dir))).Param("virtual_mailbox_base"), value)
	if strings.HasSuffix(value, "/") {
		path += "/"
	}
	return path
}

// mailboxes returns an outcome in which each recipient is a mailbox: a user of the
// inventory in the place of a mailbox of the old server, and no details.
func (c *importedSite) mailboxes(o outcome.Outcome) outcome.Outcome {
	if strings.HasPrefix(o.Text, "User unknown in ") {
		o.Text = "User unknown"
	}
	all := make([]string, 0, len(o.Recipients))
	for _, to := range o.Recipients {
		all = append(all, c.mailbox(to))
	}
	slices.Sort(all)
	o.Recipients = slices.Compact(all)
	return o
}

// mailbox returns the mailbox of a recipient.
func (c *importedSite) mailbox(to string) string {
	to, isBox := strings.CutPrefix(to, boxSign)
	if !strings.HasPrefix(to, "/") {
		to = mailaddr.Lower(to)
	}
	local, domain, isAddress := mailaddr.Split(to)
	switch {
	case isBox && domain == "mailbox.virtmap.invalid":
		name, _, _ := strings.Cut(local, "+")
		return name
	case isBox || slices.Contains(c.mailSite.boxes, domain):
		return c.mailboxOf(to)
	case strings.HasPrefix(to, "/") && c.boxes[to] != "":
		return c.boxes[to]
	case !isAddress && to != "" && !strings.ContainsAny(to[:1], "/|"):
		return c.withoutDetail(to)
	}
	return to
}

// expand expands the names of the alias file in an outcome of a set. local(8) sends the mail
// of a list with an owner on as a new message, for which the rows of the set count again.
func (c *importedSite) expand(o outcome.Outcome, set mta.Set) outcome.Outcome {
	var all []string
	for _, to := range o.Recipients {
		all = append(all, c.expanded(to, set, 0)...)
	}
	o.Recipients = all
	return o
}

// expanded returns the recipients of a name of the alias file, or the recipient itself.
func (c *importedSite) expanded(to string, set mta.Set, depth int) (all []string) {
	name := c.withoutDetail(mailaddr.Lower(to))
	right, ok := c.aliases[name]
	switch {
	case !ok || strings.Contains(to, "@"):
		return []string{to}
	case right[0] == '"':
		return []string{strings.Trim(right, `"`)}
	}
	_, owned := c.aliases["owner-"+name]
	for member := range strings.SplitSeq(right, ",") {
		members := []string{strings.TrimSpace(member)}
		if owned && depth < 5 {
			out, _ := set.Route(members[0] + "@" + siteHost)
			members = out.Recipients
		}
		for _, member := range members {
			all = append(all, c.expanded(member, set, depth+1)...)
		}
	}
	return all
}

// sameMailboxes reports whether two outcomes agree.
func sameMailboxes(a, b outcome.Outcome) bool {
	if a.Taken || b.Taken {
		return a.Taken == b.Taken && slices.Equal(a.Recipients, b.Recipients)
	}
	return a.NotOurs && b.NotOurs || a.NotOurs == b.NotOurs && a.Code == b.Code && a.Status == b.Status && a.Text == b.Text
}

// replacedParams are what a person takes out of main.cf: the inventory has it.
var replacedParams = []string{
	"virtual_alias_domains", "virtual_alias_maps", "virtual_mailbox_domains", "virtual_mailbox_maps", "virtual_mailbox_base", "virtual_uid_maps", "virtual_gid_maps", "relay_domains",
}

// newMain returns main.cf after the change to the inventory: without what the inventory
// has, and with the lines of the build.
func (c *importedSite) newMain() (text string, clashes []string, err error) {
	served := map[string]bool{}
	for _, d := range c.model.Domains {
		served[d.Name] = true
	}
	var out strings.Builder
	for _, line := range logicalLines(c.text(c.dir)) {
		name, value, _ := strings.Cut(line, " = ")
		switch {
		case slices.Contains(replacedParams, name):
			continue
		case name == "mydestination":
			own := slices.DeleteFunc(maincf.SplitList(value), func(word string) bool { return served[word] })
			line = "mydestination = " + strings.Join(own, ", ")
		}
		out.WriteString(line + "\n")
	}
	b := c.inv.Source.(postfix.Build)
	for {
		var sources diag.Sources
		var faults diag.List
		src, err := sources.Add("main.cf", out.String())
		if err != nil {
			return "", nil, err
		}
		edited := maincf.Edit(src, b.Lines(), &faults)
		if !faults.Failed() {
			return edited, clashes, nil
		}
		clash, rest := withoutClash(&sources, &faults, out.String())
		if clash == "" {
			return "", nil, fmt.Errorf("main.cf cannot be merged: %s", faults.Faults()[0].Text)
		}
		clashes = append(clashes, clash)
		out.Reset()
		out.WriteString(rest)
	}
}

// withoutClash takes the line of the first fault out of a main.cf, as a person does who
// decides for the inventory.
func withoutClash(sources *diag.Sources, faults *diag.List, text string) (name, rest string) {
	place, ok := sources.Place(faults.Faults()[0].Pos)
	lines := strings.SplitAfter(text, "\n")
	if !ok || place.Line > len(lines) {
		return "", ""
	}
	name, _, _ = strings.Cut(lines[place.Line-1], " =")
	return name, strings.Join(slices.Delete(lines, place.Line-1, place.Line), "")
}

// logicalLines returns the lines of a main.cf, each with those that go on with it.
func logicalLines(text string) (all []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if n := len(all); n > 0 && strings.HasPrefix(line, " ") {
			all[n-1] += line
			continue
		}
		all = append(all, line)
	}
	return all
}

// random returns the numbers for what is asked about a site.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 34)) }
