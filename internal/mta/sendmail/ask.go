package sendmail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/outcome"
)

// An Asker asks the installed sendmail about a set of files. sendmail runs with a
// configuration made for the question, or with a copy of the server's own.
type Asker struct {
	program *program.Program
	cf      string
	realm   string // of users who log in
	sasl    string // a folder for their passwords
	alias   func(name string) bool
	standIn map[string]bool
	ends    map[string][]string // final recipients of aliases that were asked about, by recipient
	asked   bool                // relays is set
	relays  bool                // the configuration lets our client relay
}

// Relays reports whether the configuration lets the client of the Asker relay. This
// client comes from loopback, which the access map of Debian allows to relay. The reply
// to a stranger for another domain is then unknown.
func (s *Asker) Relays() bool { return s.relays }

// elsewhere is an address in a domain that does not exist.
const elsewhere = "nobody@relay-test.invalid"

// A Site is what sendmail needs to know besides the set of files.
type Site struct {
	Dir     string   // the folder of the set; sendmail distrusts it if other users may write to it or to a folder above
	Host    string   // the name of the server
	Include string   // the lines for sendmail.mc
	CF      string   // used instead of Include if not empty: the text of a sendmail.cf whose files are in Dir
	Senders bool     // users log in
	Names   []string // accounts and aliases of the server that this machine does not have

	Alias func(name string) bool // reports whether an alias file has a name
}

// standInFolder is the folder of the mailboxes for names that this machine does not
// have. sendmail must know every name. It delivers no mail here.
const standInFolder = "/virtmap-account/"

// Own prepares a copy of the server's own configuration. The copy has its own queue in
// dir, almost no log, no DNS, no milters, no .forward files, and no pause after a
// refusal. standIns adds the alias file of dir as the last one. It has the names that
// this machine does not have.
func Own(dir string, standIns bool) conf.Copy {
	in := func(name string) string { return filepath.Join(dir, name) }
	c := conf.Copy{Lines: []string{"O ForwardPath="}, Options: map[string]string{
		"QueueDirectory": in("queue"), "PidFile": in("pid"), "StatusFile": in("statistics"), "HostStatusDirectory": "", "ServiceSwitchFile": in("service.switch"),
		"InputMailFilters": "", "ForwardPath": "", "BadRcptThrottle": "0", "MaxRecipientsPerMessage": "0", "Timeout.ident": "0s", "LogLevel": "1",
		"AuthMechanisms": "PLAIN", "AuthOptions": "", "AuthRealm": "",
	}}
	if standIns {
		c.Last = []string{"O AliasFile=" + in("aliases")}
	}
	return c
}

// NewAsker writes what sendmail needs into the folder of a set.
func NewAsker(p *program.Program, site Site) (*Asker, error) {
	s := &Asker{program: p, cf: filepath.Join(site.Dir, "test.cf"), realm: site.Host, sasl: filepath.Join(site.Dir, "sasl"), alias: site.Alias, standIn: map[string]bool{}, ends: map[string][]string{}}
	var aliases strings.Builder
	for _, name := range site.Names {
		s.standIn[name] = true
		fmt.Fprintf(&aliases, "%s: %s%s\n", name, standInFolder, name)
	}
	include := filepath.Join(site.Dir, "test.include")
	for path, text := range map[string]string{include: site.Include, filepath.Join(site.Dir, "aliases"): aliases.String(), filepath.Join(site.Dir, "service.switch"): "hosts files\naliases files\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Join(site.Dir, "queue"), 0o700); err != nil {
		return nil, err
	}
	cf := []byte(site.CF)
	if site.CF == "" {
		var err error
		if cf, err = p.CF(program.TestMC(site.Dir, site.Host, include, site.authLines()...)); err != nil {
			return nil, err
		}
	}
	return s, os.WriteFile(s.cf, cf, 0o644)
}

// authLines are the lines of a sendmail.mc with which users log in.
func (s Site) authLines() []string {
	if !s.Senders {
		return nil
	}
	return []string{"TRUST_AUTH_MECH(`PLAIN')dnl", "define(`confAUTH_MECHANISMS', `PLAIN')dnl"}
}

// AskSenders returns the outcome of MAIL FROM of each login, as sendmail decides it.
func (s *Asker) AskSenders(ctx context.Context, logins []outcome.Login) ([]outcome.Outcome, error) {
	if err := os.MkdirAll(s.sasl, 0o755); err != nil {
		return nil, err
	}
	return s.program.Senders(ctx, s.cf, s.realm, s.sasl, logins)
}

// Ask returns the outcome of each address, as sendmail decides it.
func (s *Asker) Ask(ctx context.Context, addresses []string) ([]outcome.Outcome, error) {
	if !s.asked {
		foreign, err := s.program.Rcpt(ctx, s.cf, []string{elsewhere})
		if err != nil {
			return nil, err
		}
		s.asked, s.relays = true, foreign[0].Code == 250
	}
	replies, err := s.program.Rcpt(ctx, s.cf, addresses)
	if err != nil {
		return nil, err
	}
	outcomes := make([]outcome.Outcome, len(addresses))
	var taken []string
	var places []int
	for i, r := range replies {
		outcomes[i] = r
		switch {
		case strings.Contains(r.Text, "(will queue)"):
			outcomes[i] = outcome.Outcome{Taken: true, Recipients: []string{"(the queue: sendmail cannot read one of the files)"}}
		case r.Code == 250:
			taken, places = append(taken, "<"+addresses[i]+">"), append(places, i)
		}
	}
	if len(taken) == 0 {
		return outcomes, nil
	}
	mailers, err := s.program.Mailers(ctx, s.cf, taken)
	if err != nil {
		return nil, err
	}
	for n, i := range places {
		if outcomes[i].Recipients, err = s.recipients(ctx, addresses[i], mailers[n]); err != nil {
			return nil, err
		}
	}
	return outcomes, nil
}

// recipients returns the final recipients of an address. mailer is the result of
// parsing the address, such as "$# local $: andrei + x". sendmail expands the aliases
// of the set.
func (s *Asker) recipients(ctx context.Context, address, mailer string) ([]string, error) {
	name, user := program.Triple(mailer)
	user = strings.TrimSuffix(mailaddr.FoldRecipient(user), "+") // an empty detail is no detail
	account, _, _ := strings.Cut(user, "+")
	if name != "local" || !s.alias(account) {
		return []string{user}, nil
	}
	if found, ok := s.ends[user]; ok {
		return found, nil
	}
	found, err := s.program.Recipients(ctx, s.cf, address)
	switch {
	case errors.Is(err, program.ErrNoRecipients):
		found = []string{user}
	case err != nil:
		return nil, err
	}
	for i, end := range found {
		found[i] = mailaddr.FoldRecipient(strings.TrimPrefix(end, standInFolder))
	}
	slices.Sort(found)
	s.ends[user] = slices.Compact(found)
	return s.ends[user], nil
}
