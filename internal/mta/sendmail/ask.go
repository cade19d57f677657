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

// An Asker is the installed sendmail with a configuration of its own over a set of
// files, or with a copy of the server's own.
type Asker struct {
	program *program.Program
	cf      string
	alias   func(name string) bool
	standIn map[string]bool
	ends    map[string][]string // of aliases, by mailer and user
	asked   bool                // relays is known
	relays  bool                // its client may relay
}

// Relays reports whether the configuration lets the client relay that asks, which
// comes from loopback, as the access map of Debian does. What a stranger is told
// about other domains is not known then.
func (s *Asker) Relays() bool { return s.relays }

// elsewhere is an address at no domain of anybody.
const elsewhere = "nobody@relay-test.invalid"

// A Site is what sendmail needs to know beside the set of files.
type Site struct {
	Dir     string   // folder of the set; sendmail distrusts it when others may write to it or one above
	Host    string   // the server's name
	Include string   // the lines for sendmail.mc
	CF      string   // instead: the text of a sendmail.cf whose places are in Dir
	Names   []string // accounts and aliases of the server that this machine does not have

	Alias func(name string) bool // names of alias files
}

// standInFolder is where the mail of a name that this machine does not have
// would go: sendmail must know every name, and delivers nothing here.
const standInFolder = "/virtmap-account/"

// Own gives a copy of the server's own configuration the places of a site: a queue
// of its own, hardly a log, no DNS, no milters, no .forward files, and no pause
// behind a refusal. standIns adds the alias file with the names that this machine
// does not have, as the last one.
func Own(dir string, standIns bool) conf.Copy {
	in := func(name string) string { return filepath.Join(dir, name) }
	c := conf.Copy{Lines: []string{"O ForwardPath="}, Options: map[string]string{
		"QueueDirectory": in("queue"), "PidFile": in("pid"), "StatusFile": in("statistics"), "HostStatusDirectory": "", "ServiceSwitchFile": in("service.switch"),
		"InputMailFilters": "", "ForwardPath": "", "BadRcptThrottle": "0", "MaxRecipientsPerMessage": "0", "Timeout.ident": "0s", "LogLevel": "1",
	}}
	if standIns {
		c.Last = []string{"O AliasFile=" + in("aliases")}
	}
	return c
}

// NewAsker writes what sendmail needs into the folder of a set.
func NewAsker(p *program.Program, site Site) (*Asker, error) {
	s := &Asker{program: p, cf: filepath.Join(site.Dir, "test.cf"), alias: site.Alias, standIn: map[string]bool{}, ends: map[string][]string{}}
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
		if cf, err = p.CF(program.TestMC(site.Dir, site.Host, include)); err != nil {
			return nil, err
		}
	}
	return s, os.WriteFile(s.cf, cf, 0o644)
}

// Ask gives what sendmail does with each address.
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

// recipients gives the final recipients of an address by what its parsing
// gave: "$# local $: andrei + x". Aliases of the set are expanded by sendmail.
func (s *Asker) recipients(ctx context.Context, address, mailer string) ([]string, error) {
	name, user := program.Triple(mailer)
	user = strings.TrimSuffix(mailaddr.FoldRecipient(user), "+") // nothing behind it is no detail
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
