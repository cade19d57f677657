package inventory

import (
	"regexp"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/parallel"
)

// resolveTargets looks up every name that is a target. Nearly all are users. The others
// go through resolve, one by one.
func (r *reader) resolveTargets() {
	m := r.model
	users := make(map[string]uint32, len(m.Users))
	for i := range m.Users {
		users[m.Users[i].Name.Text] = uint32(i)
	}
	odd := make([][]*Target, parallel.Parts(len(m.Domains), r.leastDomains))
	_ = parallel.Ranges(len(m.Domains), r.leastDomains, func(part, from, to int) error {
		for i := range m.Domains[from:to] {
			m.Domains[from+i].eachTarget(func(t *Target) {
				if !m.resolveQuickly(t, users) {
					odd[part] = append(odd[part], t)
				}
			})
		}
		return nil
	})
	for _, t := range slices.Concat(odd...) {
		r.resolve(t)
	}
	r.codesAsOutcomes()
	m.eachOtherTarget(r.resolve)
	for i := range r.repeated {
		if t := &r.repeated[i]; m.isOwn(domainOf(&t.second)) {
			r.repeats(t)
		}
	}
}

// A codeMeant says what to write instead of a bare reply code or status.
type codeMeant struct{ word, key, example string }

// refusalCode reports whether a text is a bare code, and what to write instead.
func refusalCode(text string) (codeMeant, bool) {
	meant := codeMeant{"reject", "code", "5.1.1"}
	if !bareCode.MatchString(text) {
		return meant, false
	}
	if text[0] == '4' {
		meant.word, meant.example = "defer", "4.2.1"
	}
	if strings.Contains(text, ".") {
		meant.key, meant.example = "status", text
	}
	return meant, true
}

// bareCode matches a reply code or an enhanced status with no other text.
var bareCode = regexp.MustCompile(`^(?:[45]\d\d|[45]\.\d{1,3}\.\d{1,3})$`)

// codesAsOutcomes reports tests that expect a bare code, unless a user or an alias has
// this name.
func (r *reader) codesAsOutcomes() {
	for i := range r.model.Tests {
		test := &r.model.Tests[i]
		if len(test.Want.Recipients) != 1 || test.Want.Recipients[0].Kind != toName {
			continue
		}
		t := &test.Want.Recipients[0]
		code, ok := refusalCode(t.Text)
		_, user := r.model.User(t.Text)
		_, alias := r.model.LocalAlias(t.Text)
		if ok && !user && !alias {
			r.fault(checkTests.At(t.Pos, len(t.Text), "the test of %s expects %q, which is no outcome", test.Address, t.Text).
				WithHelp("write {%s: %s}", code.word, code.example))
			t.Kind = NoTarget
		}
	}
}

func domainOf(t *Target) string {
	_, domain, _ := mailaddr.Split(t.Text)
	return domain
}

// isOwn reports whether this server looks up the addresses of a domain, in any case of
// letters: the domain is served, or is a name of the host.
func (m *Model) isOwn(domain string) bool {
	_, served := m.Serves(domain)
	return served || m.IsHostName(domain) || m.Meant(domain) != domain
}

// resolveQuickly resolves the targets for which no fault is possible: a user, or an
// address in lower case in a domain that is not in the inventory.
func (m *Model) resolveQuickly(t *Target, users map[string]uint32) bool {
	switch t.Kind {
	case toName:
		i, ok := users[t.Text]
		if ok {
			t.Kind, t.Index = ToUser, i
		}
		return ok
	case ToAddress, ToPattern, ToDomain:
		domain := domainOf(t)
		if t.Kind == ToDomain {
			domain = t.Text
		}
		_, listed := m.Domain(domain)
		return !listed && mailaddr.Lower(t.Text) == t.Text
	}
	return true
}

func (r *reader) resolve(t *Target) {
	switch t.Kind {
	case toName:
		r.resolveName(t)
	case ToAddress, ToPattern:
		domain := domainOf(t)
		if r.model.isOwn(domain) {
			t.Text = mailaddr.Lower(t.Text)
			r.model.Pattern(t).lower()
		}
		r.targetDomain(t, domain)
	case ToDomain:
		r.targetDomain(t, t.Text)
	}
}

// targetDomain warns of targets in disabled domains, because the DNS leads their mail
// back to this server.
func (r *reader) targetDomain(t *Target, domain string) {
	if i, ok := r.model.Domain(domain); ok && !r.model.Domains[i].Enabled {
		r.fault(checkDisabledTarget.At(t.Pos, len(t.Written()), "target %q is in a domain that is not enabled here", t.Written()).
			Second(r.model.Domains[i].Pos, "the domain is given here").
			WithHelp("enable the domain, or send the mail elsewhere"))
	}
}

// refusing are words that people try instead of reject.
var refusing = []string{"blackhole", "bounce", "deny", "drop", "nobody", "nouser", "refuse", "trash"}

func (r *reader) resolveName(t *Target) {
	m := r.model
	if i, ok := m.User(t.Text); ok {
		t.Kind, t.Index = ToUser, uint32(i)
		return
	}
	if i, ok := m.LocalAlias(t.Text); ok {
		t.Kind, t.Index = ToAlias, uint32(i)
		return
	}
	if slices.Contains(nullWords, t.Text) { // no user has this name
		r.fault(checkMissing.At(t.Pos, len(t.Text), "this has no target: %s is YAML's word for nothing", t.Text).
			WithHelp("write a user, an address, a list such as [andrei, bea], or reject"))
		t.Kind = NoTarget
		return
	}
	if r.noUsers { // the fault of users is the one to mend
		t.Kind = NoTarget
		return
	}
	near := r.nearest("users", t.Text, func(yield func(string) bool) {
		for i := range m.Users {
			if !yield(m.Users[i].Name.Text) {
				return
			}
		}
		for i := range m.LocalAliases {
			if !yield(m.LocalAliases[i].Text) {
				return
			}
		}
	})
	help := "declare it: users: {" + t.Text + ": }, or local_aliases: [" + t.Text + "] if the server's own alias files define it"
	code, refused := refusalCode(t.Text)
	switch {
	case refused:
		help = "to refuse with it, write {" + code.word + ": {" + code.key + ": " + t.Text + "}}; without a code it is " + code.word
	case slices.Contains(refusing, t.Text):
		help = "mail is taken or refused; write reject to refuse it"
	case near != "":
		help = "the nearest declared user is \"" + near + "\""
	}
	r.fault(checkDangling.At(t.Pos, len(t.Text), "target %q is not a declared user", t.Text).Concerning("target %q", t.Text).WithHelp("%s", help))
	t.Kind = NoTarget
}

// resolveSameAs links each domain with the domain that it copies, and reports circles.
func (r *reader) resolveSameAs() {
	m := r.model
	for i := range m.Domains {
		if d := &m.Domains[i]; d.SameAs.Text != "" {
			r.linkSource(d)
		}
	}
	state := make([]byte, len(m.Domains)) // 0: not seen, 1: on the path, 2: done
	for i := range m.Domains {
		var path []int
		at := i
		for ; at >= 0 && state[at] == 0; at = m.Domains[at].Source {
			state[at] = 1
			path = append(path, at)
		}
		if at >= 0 && state[at] == 1 {
			r.sameAsLoop(path[slices.Index(path, at):])
		}
		for _, j := range path {
			state[j] = 2
		}
	}
}

func (r *reader) linkSource(d *Domain) {
	m := r.model
	i, ok := m.Domain(d.SameAs.Text)
	f := checkSameAs.At(d.SameAs.Pos, len(d.SameAs.Text), "%s is the same as %s, which", d.Name, d.SameAs.Text)
	switch {
	case !ok:
		f.Text += " is not a domain of this inventory"
		f.Help = "list it under domains"
		if near := r.nearest("domains", d.SameAs.Text, r.domainWords()); near != "" {
			f.Help = "the nearest domain is " + near
		}
	case m.Domains[i].Backup:
		f.Text += " is a backup domain and has no addresses"
		f = f.Second(m.Domains[i].Pos, "the backup domain is given here").WithHelp("name a domain that is delivered here")
	case !m.Domains[i].Enabled:
		f.Text += " is not enabled"
		f = f.Second(m.Domains[i].Pos, "the domain is given here").WithHelp("enable it, or name another")
	default:
		d.Source = i
		return
	}
	r.fault(f)
}

func (r *reader) domainWords() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range r.model.Domains {
			if !yield(r.model.Domains[i].Name) {
				return
			}
		}
	}
}

func (r *reader) sameAsLoop(circle []int) {
	m := r.model
	names := make([]string, 0, len(circle)+1)
	for _, i := range append(circle, circle[0]) {
		names = append(names, m.Domains[i].Name)
	}
	first := &m.Domains[circle[0]]
	r.fault(checkSameAs.At(first.SameAs.Pos, len(first.SameAs.Text), "same_as runs in a circle: %s", strings.Join(names, " -> ")).
		WithHelp("give one of them addresses of its own"))
	first.Source = -1
}

// hostNeeds are the addresses that need the server's own mail: mail of cron and bounces
// go to root, postmaster and mailer-daemon at the host's name.
var hostNeeds = []string{"mailer-daemon", "postmaster", "root"}

// checkHostDomains checks domains that are names of the server. They need an explicit
// catch-all, and hostNeeds must still arrive.
func (r *reader) checkHostDomains() {
	m := r.model
	for i := range m.Domains {
		d := &m.Domains[i]
		if !strings.Contains(d.Name, ".") && d.Name != "localhost" && !m.IsHostName(d.Name) {
			r.fault(CheckSingleLabel.At(d.Pos, len(d.Name), "domain %q has no dot in it", d.Name).
				WithHelp("write the whole name, such as %s.example", d.Name))
		}
		if !d.Enabled || d.Backup || !m.IsHostName(d.Name) {
			continue
		}
		f := checkHost.At(d.Pos, len(d.Name), "%s is this server's own name and", d.Name)
		if d.CatchAll.Kind == NoTarget {
			f.Text += " has no catch_all of its own"
			r.fault(f.WithHelp("write catch_all: local, so that its accounts keep their mail"))
			continue
		}
		missing := slices.DeleteFunc(slices.Clone(hostNeeds), func(name string) bool { return m.delivers(i, name) })
		if d.CatchAll.Kind == Refused && len(missing) > 0 {
			f.Text += " refuses unlisted mail, and " + strings.Join(missing, ", ") + " with it"
			r.fault(f.WithHelp("list %s under its addresses, or write catch_all: local: cron's and bounce mail comes as root@%s", strings.Join(missing, ", "), m.Host.Name.Text))
		}
	}
	r.hostNamesBackup()
}

// delivers reports whether a domain, or the domain that it copies, lists a plain
// address and does not refuse it.
func (m *Model) delivers(d int, name string) bool {
	for ; d >= 0; d = m.Domains[d].Source {
		for _, layer := range [][]Address{m.Domains[d].Addresses, m.Domains[d].Roles} {
			if a, ok := Find(layer, name, Plain); ok {
				return !a.Disabled && a.To.Kind != Refused && a.To.Kind != Removed
			}
		}
	}
	return false
}

// hostNamesBackup reports a backup domain that is a name of this server.
func (r *reader) hostNamesBackup() {
	for i := range r.model.Domains {
		if d := &r.model.Domains[i]; d.Backup && d.Enabled && r.model.IsHostName(d.Name) {
			r.fault(checkHost.At(d.Pos, len(d.Name), "%s is this server's own name and cannot be relayed elsewhere", d.Name).
				WithHelp("take it out of domains, or out of host"))
		}
	}
}
