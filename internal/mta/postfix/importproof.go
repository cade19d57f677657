package postfix

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/outcome"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// replaced are the parameters whose domains and rows an inventory has instead.
var replaced = []string{
	"virtual_alias_domains", "virtual_alias_maps", "virtual_mailbox_domains", "virtual_mailbox_maps", "virtual_mailbox_base",
	"virtual_uid_maps", "virtual_gid_maps", "relay_domains",
}

// readReplaced names the lines of main.cf with these parameters, in their order. Tables that
// are not read have to stay.
func (s *imported) readReplaced() {
	at := map[string]int{}
	for _, name := range replaced {
		value, line, set := s.site.config.Set(name)
		if !set || value == "" {
			continue
		}
		text := fmt.Sprintf("%d (%s)", line, name)
		if unread := s.unread[name]; len(unread) > 0 {
			text = fmt.Sprintf("%d (%s; keep %s)", line, name, strings.Join(unread, " "))
		}
		at[text] = line
		s.facts.Instead = append(s.facts.Instead, text)
	}
	slices.SortFunc(s.facts.Instead, func(a, b string) int { return cmp.Compare(at[a], at[b]) })
}

// Pair prepares the comparison with the files of a build. Files for Postfix are looked at
// over the server's own main.cf, without what the inventory has instead. Files for another
// server are asked by its rules.
func (s *imported) Pair(built mta.Set) (mta.Pair, error) {
	next, ok := built.(*Installed)
	if !ok {
		pair := mta.NewPair(&byUsers{s, s, true}, &byUsers{built, s, true})
		return pair, s.crossed(&pair, built)
	}
	over, err := s.over(next)
	if err != nil {
		return mta.Pair{}, err
	}
	pair := mta.NewPair(s, &byUsers{over, s, false})
	pair.Aliased = func(string) bool { return false }
	if !s.sameDetails(over) {
		return pair, nil // Same is always false
	}
	rows, err := over.Rows()
	if err != nil {
		return mta.Pair{}, err
	}
	role := pair.SameRole
	pair.SameRole = func(domain string) bool { return role(domain) && !over.refusesDomain(domain) }
	known := newSettling(s, over, rows)
	pair.Same = known.same
	pair.SameRow = func(key, old, next []byte) bool {
		return bytes.Equal(old, next) && !s.odd[string(key)] && known.same(old)
	}
	return pair, nil
}

// byUsers is a set of which outcomes have the users of mailboxes in the place of their
// paths. bare says that accounts lose their details: which mailbox of the account gets the
// mail is not compared between two kinds of servers.
type byUsers struct {
	mta.Set
	of   *imported
	bare bool
}

// Route returns the outcome of mail to an address.
func (b *byUsers) Route(addr string) (outcome.Outcome, []outcome.Step) {
	out, steps := b.Set.Route(addr)
	out = b.of.byUsers(out)
	if b.bare {
		out.Recipients = bareAccounts(out.Recipients)
	}
	return out, steps
}

// bareAccounts returns recipients with accounts without their details, each once.
func bareAccounts(all []string) []string {
	bare := make([]string, len(all))
	for i, to := range all {
		if bare[i] = to; !strings.ContainsAny(to, "@/|") {
			bare[i], _, _ = strings.Cut(to, "+")
		}
	}
	return sortedOnce(bare)
}

// over opens the files of a build over the configuration of the server.
func (s *imported) over(built *Installed) (*Installed, error) {
	lines, err := regular.Read(built.layout.place(filepath.Join(built.layout.dir, fileMain)), regular.NoLimit)
	if err != nil {
		return nil, err
	}
	config := s.site.config.Apply([]byte(s.cleared(built)))
	with := *s.site
	with.config = config.Apply([]byte(inMainCF(config, lines)))
	with.built = built.layout
	set := newInstalled(&with, mta.Host{Name: s.facts.Host, Account: s.Delivers}, nil)
	set.lenient, set.byText = true, true
	s.opened = append(s.opened, set)
	return set, set.start()
}

// cleared returns lines for main.cf without what an inventory has instead: a person takes
// these values out.
func (s *imported) cleared(built *Installed) string {
	var lines strings.Builder
	for _, name := range replaced {
		lines.WriteString("\n" + name + " =")
	}
	served := map[string]bool{}
	_, virtual, _, _ := built.router.Domains()
	for _, name := range virtual {
		served[name] = true
	}
	own := slices.DeleteFunc(maincf.SplitList(s.param("mydestination")), func(word string) bool {
		folded, bad := mailaddr.FoldDomain(word)
		return bad == nil && served[folded]
	})
	lines.WriteString("\nmydestination = " + strings.Join(own, ", ") + "\n")
	return lines.String()
}

// inMainCF returns the lines of a build as they stand in main.cf beside the values of the
// server; a value that cannot be merged is that of the build.
func inMainCF(config *maincf.Config, text []byte) string {
	var out strings.Builder
	for _, line := range mainLines(text) {
		name, value, _ := strings.Cut(line, " = ")
		if own, _, ok := config.Set(name); ok && own != "" {
			value = besideOwn(own, maincf.Line{Name: name, Value: value})
		}
		out.WriteString(name + " = " + value + "\n")
	}
	return out.String()
}

// besideOwn returns the value of a line of a build beside the value of the server.
func besideOwn(own string, line maincf.Line) string {
	var sources diag.Sources
	var faults diag.List
	src, err := sources.Add("main.cf", line.Name+" = "+own+"\n")
	if err != nil {
		return line.Value
	}
	edited := maincf.Parse("main.cf", []byte(maincf.Edit(src, []maincf.Line{line}, &faults)))
	if value, _, ok := edited.Set(line.Name); ok && !faults.Failed() {
		return value
	}
	return line.Value
}

// sameDetails reports whether all rows do the same with details on both sides.
func (s *imported) sameDetails(next *Installed) bool {
	passes := slices.Contains(next.layout.config.List("propagate_unmatched_extensions"), "virtual")
	rules := slices.ContainsFunc(next.layout.config.List("virtual_alias_maps"), func(spec string) bool { return strings.HasSuffix(spec, "/"+fileDetail) })
	return s.facts.Detail != inventory.DetailReject && passes == (s.facts.Detail == inventory.DetailKeep) && !rules
}

// Both returns the sets of two builds. Each has the accounts of its own inventory.
func (s *imported) Both(old, next mta.Build) mta.Pair { return mta.NewPair(old.Set(), next.Set()) }

// Reason says why an outcome differs because of what an inventory, or Postfix, does.
func (s *imported) Reason(address string, old, next outcome.Outcome) string {
	local, domain, _ := mailaddr.Split(address)
	_, _, detail := strings.Cut(local, "+")
	switch {
	case old.Taken && len(old.Recipients) == 0 && !next.Taken:
		return "postfix takes its mail and returns it to the sender; it is refused at once now"
	case old.Taken && len(old.Recipients) == 0 && next.Taken:
		return "postfix takes its mail, and none of its recipients gets it; in the inventory there are some that do"
	case s.facts.Detail != inventory.DetailReject && old.Taken && next.Taken && slices.Equal(withoutDetails(old.Recipients), withoutDetails(next.Recipients)):
		if detailed(next.Recipients) > detailed(old.Recipients) {
			return "only the detail behind the + differs, which the inventory passes on here, and the server did not"
		}
		return "only the detail behind the + differs, which the server passed on here, and the inventory does not"
	case !old.Taken && next.Taken && s.class[domain] == relayClass:
		return "a backup domain of an inventory passes on the mail of every name"
	case detail && s.facts.Detail == 0 && s.class[domain] == localClass:
		return "an account of this server is reached with any detail"
	}
	if why := cmp.Or(s.reasonOfWay(address), s.reasonOfBox(old), s.reasonOfName(local)); why != "" || !ownRefusal(old) || strings.HasPrefix(old.Text, unknownUser) {
		return why
	}
	return "a table of smtpd refuses it, which stays in main.cf; the inventory lists no such address"
}

// reasonOfWay returns what on the way of an address no inventory can have: a rule, or
// another recipient_delimiter.
func (s *imported) reasonOfWay(address string) string {
	_, steps := s.ask(address)
	for _, step := range steps {
		for _, t := range s.ruled {
			if value, ok, err := t.Find(step.Key); step.Hit && ok && err == nil && value == step.Value {
				return "it is one of the addresses for which " + t.Spec + " stands"
			}
		}
	}
	delimiter := s.param("recipient_delimiter")
	named := cmp.Or(delimiter, "(empty)")
	for _, step := range steps {
		local, _, _ := mailaddr.Split(step.Key)
		value, _ := s.rows.get(step.Key)
		switch {
		case step.Hit && strings.Contains(step.Table, "canonical"):
			return step.Table + " makes another address of it, which stays in main.cf"
		case strings.HasPrefix(value, refusedSign) && step.Key != mailaddr.Lower(address):
			return "postfix refuses " + step.Key + " to strangers alone; an inventory refuses it as a target too"
		case s.facts.Detail == inventory.DetailReject && strings.Contains(local, "+"):
			return "what is behind the + is a detail now; with recipient_delimiter = " + named + " it was a part of the name"
		case strings.ContainsAny(local, strings.ReplaceAll(delimiter, "+", "")):
			return "what is behind the " + delimiter + " is a part of the name now; with recipient_delimiter = " + named + " it was a detail"
		}
	}
	return ""
}

// reasonOfBox returns which recipient is at a domain of mailboxes and none of them: another
// program decides about its mail.
func (s *imported) reasonOfBox(old outcome.Outcome) string {
	for _, to := range old.Recipients {
		if _, domain, ok := mailaddr.Split(to); ok && s.class[domain] == mailboxClass {
			return to + " is not listed in virtual_mailbox_maps; postfix takes its mail, and " + s.param("virtual_transport") + " decides"
		}
	}
	return ""
}

// reasonOfName returns which table makes another address of a local name at each domain that
// the build makes a name of the server.
func (s *imported) reasonOfName(local string) string {
	name, _, _ := strings.Cut(mailaddr.Lower(local), "+")
	for _, param := range []string{"recipient_canonical_maps", "canonical_maps"} {
		for _, spec := range s.site.config.List(param) {
			t, err := s.set.openTable(spec)
			if err != nil {
				continue
			}
			if _, ok, err := t.Find(name); ok && err == nil {
				return param + " makes another address of " + name + ", which stays in main.cf"
			}
		}
	}
	return ""
}

// detailed returns how many recipients have a detail.
func detailed(all []string) (n int) {
	for _, to := range all {
		if name, _, _ := strings.Cut(to, "@"); strings.Contains(name, "+") {
			n++
		}
	}
	return n
}

// withoutDetails returns recipients without their details, each once.
func withoutDetails(all []string) []string {
	plain := make([]string, len(all))
	for i, to := range all {
		local, domain, ok := mailaddr.Split(to)
		if !ok {
			local = to
		}
		plain[i], _, _ = strings.Cut(local, "+")
		if ok {
			plain[i] += "@" + domain
		}
	}
	return sortedOnce(plain)
}

// sortedOnce sorts texts, and keeps each once.
func sortedOnce(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}
