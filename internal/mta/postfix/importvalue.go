package postfix

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// cutTargets cuts a right side of virtual(5) into its targets.
func cutTargets(text string) []string { return slices.Collect(eachTarget(text)) }

// eachTarget yields the targets of a right side of virtual(5).
func eachTarget(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		begin := 0
		for i := 0; i <= len(text); i++ {
			if i < len(text) && text[i] != ',' && text[i] != ' ' && text[i] != '\t' {
				continue
			}
			if i > begin && !yield(text[begin:i]) {
				return
			}
			begin = i + 1
		}
	}
}

// value returns the value of a row with targets, or why no inventory can have it.
func (f *filling) value(local, domain, text string) (value, problem string) {
	if strings.HasPrefix(text, refusedSign) {
		return text, ""
	}
	if text != "" && !strings.ContainsAny(text, ", \t") {
		return f.target(local, domain, text, false)
	}
	var all []string
	have := map[string]bool{}
	list := cutTargets(text)
	for _, word := range list {
		target, problem := f.target(local, domain, word, len(list) > 1)
		if problem != "" {
			return "", problem
		}
		if !have[target] {
			have[target] = true
			all = append(all, target)
		}
	}
	if len(all) == 0 {
		return "", "it has no target"
	}
	return strings.Join(all, ", "), ""
}

// target returns the form of a target that is compared: an address, or @domain for the
// catch-all that leads each name to the same name there.
func (f *filling) target(local, domain, word string, several bool) (target, problem string) {
	if whole, same := strings.CutPrefix(word, "@"); same {
		other, bad := mailaddr.FoldDomain(whole)
		switch {
		case bad != nil:
			return "", bad.Text
		case local != "":
			return f.address(local, other), ""
		case several:
			return "", fmt.Sprintf("a list leads to the same recipients from every name, and %s is another one from each: list the addresses", word)
		}
		return "@" + other, ""
	}
	if !strings.Contains(word, "@") {
		if problem := badName(word); problem != "" {
			return "", problem
		}
		return f.address(mailaddr.Lower(word), f.origin()), ""
	}
	name, other, _ := mailaddr.Split(word)
	if _, bad := mailaddr.FoldLocal(name); bad != nil {
		return "", bad.Text
	}
	other, bad := f.folds.fold(other)
	if bad != nil {
		return "", bad.Text
	}
	if f.class[other] != elsewhere {
		name = mailaddr.Lower(name)
	}
	if other == domain && (name == local || local == "" && !f.listed(name, other)) {
		return f.itself(name, domain)
	}
	if to := f.address(name, other); to != word {
		return to, ""
	}
	return word, ""
}

// folds are domains that are their own folded form, as was found out for other rows.
type folds map[string]bool

// mostFolds is the number of domains from which folds begin anew.
const mostFolds = 4096

// fold is mailaddr.FoldDomain.
func (known folds) fold(domain string) (string, *mailaddr.Problem) {
	if known[domain] {
		return domain, nil
	}
	folded, bad := mailaddr.FoldDomain(domain)
	if bad == nil && folded == domain && known != nil {
		if len(known) >= mostFolds {
			clear(known)
		}
		known[domain] = true
	}
	return folded, bad
}

// listed reports whether an address has a row.
func (f *filling) listed(local, domain string) bool {
	_, listed := f.in.first[local+"@"+domain]
	return listed
}

// badName returns why a target without an @ is no name, or an empty text.
func badName(word string) string {
	name, _, _ := strings.Cut(word, "+")
	if _, bad := mailaddr.FoldLocal(word); bad != nil || !inventory.IsLocalName(mailaddr.Lower(name)) {
		return fmt.Sprintf("%q is neither a name nor an address: put it into the server's aliases, and its name here", cut(word))
	}
	return ""
}

// address returns the form of an address. A local name without a row is an account.
func (f *filling) address(local, domain string) string {
	switch {
	case isLocalhost(domain) && f.bare[local]:
		return local + "@" + f.facts.Host
	case domain != f.facts.Host && (f.class[domain] == localClass || isLocalhost(domain)) && !f.hasRow(local, domain):
		return f.accountTarget(local)
	}
	return local + "@" + domain
}

// accountSign begins a target that is an account, although its name has a row at the server's
// own name.
const accountSign = `\`

// accountTarget returns the form of an account. An account that has a row at the server's
// own name is a target without its detail: with a detail, the target is an address.
func (f *filling) accountTarget(name string) string {
	if f.hasRow(name, f.facts.Host) {
		account, _, _ := strings.Cut(name, "+")
		return accountSign + cmp.Or(account, name)
	}
	return name + "@" + f.facts.Host
}

// hasRow reports whether a row leads the mail of a name elsewhere.
func (f *filling) hasRow(local, domain string) bool {
	if at, listed := f.in.first[local+"@"+domain]; listed {
		return !strings.HasPrefix(f.in.rows[at].Value, refusedSign)
	}
	_, caught := f.caught[domain]
	return caught
}

// isLocalhost reports whether a domain is a name of the host that no mail from outside comes
// to.
func isLocalhost(domain string) bool {
	return domain == "localhost" || strings.HasPrefix(domain, "localhost.")
}

// itself returns the target of an address that leads to itself: the mailbox that it has.
func (f *filling) itself(local, domain string) (target, problem string) {
	addr := local + "@" + domain
	user, made := f.named[addr]
	switch {
	case made:
		return user + "@" + f.facts.Host, ""
	case f.class[domain] == localClass && domain != f.facts.Host:
		return f.accountTarget(local), ""
	case f.class[domain] == localClass:
		return addr, ""
	}
	return "", "it leads to itself, and no mailbox has this address: Postfix takes its mail and returns it"
}

// origin returns the domain of names without one (myorigin).
func (s *imported) origin() string {
	if s.myorigin == "" {
		s.myorigin = s.readOrigin()
	}
	return s.myorigin
}

func (s *imported) readOrigin() string {
	name := mailaddr.Lower(s.param("myorigin"))
	if folded, bad := mailaddr.FoldDomain(name); bad == nil {
		name = folded
	}
	return name
}

// param returns the value of a parameter.
func (s *imported) param(name string) string { return s.site.param(s.facts.Host)(name) }

// refusedValue returns the value of a row that refuses mail.
func refusedValue(code int, status, text string) string {
	return fmt.Sprintf("%s%d %s %s", refusedSign, code, status, text)
}

// Means returns what a row says.
func (s *imported) Means(key, value string) mta.Meaning {
	if reply, refuses := strings.CutPrefix(value, refusedSign); refuses {
		var out outcome.Outcome
		code, rest, _ := strings.Cut(reply, " ")
		out.Status, out.Text, _ = strings.Cut(rest, " ")
		out.Code, _ = strconv.Atoi(code)
		return mta.Meaning{Refuses: true, Reply: out}
	}
	if domain, same := strings.CutPrefix(value, "@"); same {
		return mta.Meaning{Same: true, Domain: domain, Keeps: true}
	}
	m := mta.Meaning{To: strings.Split(value, ", ")}
	m.List = len(m.To) > 1
	m.Keeps = s.facts.Detail == inventory.DetailKeep && !strings.HasPrefix(key, "+*")
	for i, to := range m.To {
		m.To[i] = s.local(key, to)
	}
	return m
}

// local returns a target as an inventory has it: a name of this server without a domain,
// unless an address at the server's own name has a row of its own.
func (s *imported) local(key, target string) string {
	if name, ok := strings.CutPrefix(target, accountSign); ok {
		return name
	}
	name, ours := strings.CutSuffix(target, "@"+s.facts.Host)
	switch {
	case !ours || name == "" || strings.Contains(name, "@"):
		return target
	case !s.hostRows:
		return name
	}
	if value, listed := s.rows.get(target); listed && target != key && (!strings.HasPrefix(value, refusedSign) || s.followed[target]) {
		return target
	} else if !listed && s.users[name] == nil && s.caught(target) && key != "@"+s.facts.Host {
		return target
	}
	return name
}

// caught reports whether the catch-all of the server's own name takes the mail of an account
// without a row.
func (s *imported) caught(addr string) bool {
	value, ok := s.rows.get("@" + s.facts.Host)
	return ok && value != addr
}

// Shown returns a value as virtual(5) would have it.
func (s *imported) Shown(value string) string {
	if reply, refuses := strings.CutPrefix(value, refusedSign); refuses {
		return reply
	}
	return strings.ReplaceAll(value, "@"+s.facts.Host, "")
}

// Remark returns nothing: no value of Postfix refuses mail by accident.
func (s *imported) Remark(string) string { return "" }

// cut returns a text of at most the length of a line.
func cut(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
