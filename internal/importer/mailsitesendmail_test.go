package importer_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// requireSendmail skips a test without the real sendmail.
func requireSendmail(t *testing.T) {
	t.Helper()
	peer.Root(t)
	peer.Find(t, "m4")
	if _, err := program.Find(); err != nil {
		peer.Skip(t, "%v", err)
	}
}

// sendmail imports a site for sendmail, and judges what the real sendmail does with the
// files that the inventory builds. The Router of the proof must say the same.
func (w *siteRun) sendmail(t *testing.T, of *importedSite, addrs []string, old map[string]outcome.Outcome) error {
	c, err := importSite(of.mailSite, of.dir, sendmail.Server)
	if err != nil {
		return fmt.Errorf("for sendmail: %w", err)
	}
	defer c.close()
	real, err := c.askSendmail(t, addrs)
	if err != nil {
		return fmt.Errorf("for sendmail: %w", err)
	}
	for i, addr := range addrs {
		was, is := c.mailboxes(old[addr]), c.mailboxes(c.expand(real[i], c.built))
		w.count("addresses asked of sendmail", 1)
		routed, _ := c.built.Route(addr)
		if believed := c.mailboxes(c.expand(routed, c.built)); !isASCII(addr) && !believed.Taken && !is.Taken {
			is = believed // sendmail refuses U-labels at every domain in words of its own
		} else if !sameMailboxes(believed, is) {
			w.fail("for sendmail %s is believed to become %s, and is %s in sendmail", addr, shown(believed), shown(is))
			continue
		}
		if sameMailboxes(was, is) || is.Taken && !was.Taken && c.becameAccount(addr, is) || c.behindHidden(addr) {
			continue
		}
		w.judgeNamed(c, addr, was, is)
	}
	return nil
}

// askSendmail asks the real sendmail about the files of a build. It knows the accounts and
// the aliases of the site too.
func (c *importedSite) askSendmail(t *testing.T, addrs []string) ([]outcome.Outcome, error) {
	p, err := program.Find()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(c.dir, "new-sendmail")
	settings := c.inv.Source.(sendmail.Build).Settings()
	settings.MailDir = dir
	site := sendmail.Site{Dir: dir, Host: siteHost, Include: string(mcfile.Text(settings, "mail.yaml")), Alias: c.builtAlias()}
	for name := range c.aliases {
		site.Names = append(site.Names, name)
	}
	for _, name := range c.users {
		if c.server.Delivers(name) {
			site.Names = append(site.Names, name)
		}
	}
	site.Names = slices.DeleteFunc(site.Names, site.Alias)
	isList := func(to string) bool { name, _, _ := strings.Cut(to, "+"); return site.Alias(name) }
	asker, err := sendmail.NewAsker(p, site)
	if err != nil {
		return nil, err
	}
	all, err := asker.Ask(t.Context(), addrs)
	for i := range all {
		all[i].NotOurs = all[i].Status == "5.7.1" && all[i].Text == "Relaying denied"
		all[i].Recipients = slices.DeleteFunc(slices.Clone(all[i].Recipients), isList) // a list none of whose members gets mail
	}
	return all, err
}

// builtAlias returns a function that reports whether the build has an alias.
func (c *importedSite) builtAlias() func(name string) bool {
	aliases := c.built.(*sendmail.Installed).Router.Aliases
	return func(name string) bool { _, ok := aliases.Alias(name); return ok }
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c > unicode.MaxASCII })
}
