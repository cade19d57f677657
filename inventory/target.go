package inventory

import (
	"fmt"
	"regexp"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
)

// reservedWords cannot be names. Most of them have a meaning in some places.
var reservedWords = map[string]string{
	"reject": "", "defer": "",
	"local":    "local is for catch_all only",
	"none":     "none is for roles only",
	"discard":  "mail is never thrown away silently; write reject",
	"not-ours": "not-ours is for tests only",
}

// target reads where the mail of one address goes: a word, an address or a list. The
// result is the zero Target after a fault.
func (r *reader) target(v value, what string) Target {
	switch {
	case v.isEmpty():
		r.fault(checkMissing.At(v.pos(), 1, "%s has no target", what).
			WithHelp("write a user, an address, a list such as [andrei, bea], or reject"))
	case v.isList():
		return r.list(v, what)
	case v.isScalar():
		if name, ok := r.scalar(v, what); ok {
			return r.word(v, name, what)
		}
	default:
		r.fault(checkShape.At(v.pos(), 1, "%s takes a user, an address or a list, not a mapping", what))
	}
	return Target{}
}

func (r *reader) word(v value, name Name, what string) Target {
	switch mailaddr.Lower(name.Text) {
	case "reject":
		return Target{Kind: Refused, Index: refusedUnknown, Pos: name.Pos}
	case "defer":
		return Target{Kind: Refused, Index: refusedForNow, Pos: name.Pos}
	}
	if word, reason, ok := refusalInWords(name.Text); ok {
		r.fault(checkDangling.At(v.pos(), v.size(), "%s cannot go to %q", what, name.Text).Concerning("target %q", name.Text).
			WithHelp("a text for the sender stands in braces: {%s: \"%s\"}", word, reason))
		return Target{}
	}
	return r.recipient(v, name, what)
}

// refusalInWords recognizes "reject Ann has left" and "550 5.1.1 Ann has left", and
// returns the word and the text that were meant.
func refusalInWords(text string) (word, reason string, ok bool) {
	if !strings.ContainsAny(text, " :=") { // nearly every target
		return "", "", false
	}
	m := refusalWords.FindStringSubmatch(text)
	if m == nil {
		return "", "", false
	}
	word = mailaddr.Lower(m[1])
	if m[2] != "" {
		word = map[byte]string{'4': "defer", '5': "reject"}[m[2][0]]
	}
	return word, strings.Trim(m[3], `"'- `), true
}

var refusalWords = regexp.MustCompile(`^(?:(?i:(reject|defer))(?:\s*[:=]\s*|\s+)|([45]\d\d)(?:[ -]+[45]\.\d+\.\d+)?\s+)(.+)$`)

// recipient reads a user, an alias or an address.
func (r *reader) recipient(v value, name Name, what string) Target {
	text := name.Text
	why, reserved := reservedWords[mailaddr.Lower(text)]
	if _, _, more := refusalInWords(text); more {
		reserved = true // in a list
	}
	if reserved {
		f := checkReserved.At(v.pos(), v.size(), "%s cannot go to %q", what, text).Concerning("target %q", text)
		if why == "" {
			why = "a list is accepted as a whole; leave the refused recipient out"
		}
		r.fault(f.WithHelp("%s", why))
		return Target{}
	}
	if help := notATarget(text); help != "" {
		r.fault(checkDangling.At(v.pos(), v.size(), "%s cannot go to %q", what, text).Concerning("target %q", text).WithHelp("%s", help))
		return Target{}
	}
	if strings.Contains(text, "@") {
		return r.addressTarget(v, name)
	}
	return Target{Kind: toName, Text: mailaddr.Lower(text), Pos: name.Pos}
}

// notATarget recognizes common texts that are no targets, and returns what to write
// instead.
func notATarget(text string) string {
	switch {
	case strings.HasPrefix(text, "error:"):
		return `write reject, or {reject: "a text"}`
	case hasProgram(text):
		return "a program or an include file cannot be a target; put it into the server's own aliases, and list the name of that alias under local_aliases"
	case strings.HasPrefix(strings.Trim(text, `"`), "/dev/"):
		return "mail is never thrown away silently; write reject for the address, or leave it out of the list"
	case strings.HasPrefix(strings.Trim(text, `"`), "/") && !strings.Contains(text, ","):
		return "a file cannot be a target; it is the mailbox of a user: users: {name: {mailbox: " + strings.Trim(text, `"`) +
			"}}, or put it into the server's own aliases, and list the name of that alias under local_aliases"
	case strings.ContainsAny(text, ", ") && !strings.ContainsAny(text, `"<>`):
		fields := strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' || c == ';' })
		return "several recipients are a list: [" + strings.Join(fields, ", ") + "]"
	case strings.Contains(text, "%") && !strings.Contains(text, "@"):
		return "%1, %2 and %3 are for addresses; detail: keep takes the +detail along"
	case strings.Contains(text, "+") && !strings.Contains(text, "@"):
		user, _, _ := strings.Cut(text, "+")
		return "a user has no plus; write " + user + ", or the whole address with its domain"
	case strings.HasSuffix(text, "@"), strings.HasPrefix(text, "@"):
		return "write a whole address, or catch_all: {domain: partner.example}"
	}
	return ""
}

// hasProgram reports whether a text has a program or an include file, as in alias
// files.
func hasProgram(text string) bool {
	if !strings.ContainsAny(text, "|:") {
		return false
	}
	for field := range strings.SplitSeq(text, ",") {
		field = strings.TrimLeft(field, ` "'\`)
		if strings.HasPrefix(field, "|") || strings.HasPrefix(field, ":include:") {
			return true
		}
	}
	return false
}

// addressTarget reads an address, or a pattern.
func (r *reader) addressTarget(v value, name Name) Target {
	t := Target{Kind: ToAddress, Pos: name.Pos}
	var problem *mailaddr.Problem
	if strings.Contains(name.Text, "%") {
		problem = r.patternTarget(name.Text, &t)
	} else {
		t.Text, problem = mailaddr.FoldForeign(name.Text)
	}
	if problem == nil && strings.Contains(t.Text, "*") {
		problem = &mailaddr.Problem{
			Text: fmt.Sprintf("%q has a * in it, which is taken literally", name.Text),
			Help: "write catch_all: {domain: partner.example} for every address there",
		}
	}
	if problem != nil {
		r.problem(CheckAddress, v, problem)
		return Target{}
	}
	return t
}

// patternTarget reads an address with percent signs. Without parameters it is a plain
// address.
func (r *reader) patternTarget(text string, t *Target) *mailaddr.Problem {
	p, problem := parsePattern(text)
	switch {
	case problem != nil:
		return problem
	case len(p) == 1:
		t.Text = p[0].Text
		return nil
	}
	local, _, _ := mailaddr.Split(text)
	_, domain, _ := mailaddr.Split(p[len(p)-1].Text)
	t.Kind, t.Index, t.Text = ToPattern, uint32(len(r.model.Patterns)), local+"@"+domain
	r.model.Patterns = append(r.model.Patterns, p)
	return nil
}

// list reads several recipients. A list of one recipient is this recipient.
func (r *reader) list(v value, what string) Target {
	var members []Target
	seen := map[Target]Target{} // members by their folded form
	r.items(v, what, func(item value) {
		if !item.isScalar() {
			r.fault(checkShape.At(item.pos(), 1, "a recipient of %s is %s", what, item.what()).
				WithHelp("write users and addresses: [andrei, bea]"))
			return
		}
		name, ok := r.scalar(item, "a recipient of "+what)
		if !ok {
			return
		}
		t := r.recipient(item, name, what)
		if t.Kind == ToPattern {
			r.fault(checkConflict.At(t.Pos, item.size(), "%q in a list: an alias knows no %%1, %%2 or %%3", t.Text).
				WithHelp("make it the only target, or write the address out"))
			return
		}
		folded := Target{Kind: t.Kind, Text: mailaddr.Lower(t.Text)}
		if first, twice := seen[folded]; twice && t.Kind != NoTarget {
			repeated := repeatedTarget{what, t, first, item.size()}
			if t.Text == first.Text {
				r.repeats(&repeated)
				return
			}
			r.repeated = append(r.repeated, repeated)
		}
		if t.Kind != NoTarget {
			members = append(members, t)
			seen[folded] = t
		}
	})
	switch len(members) {
	case 0:
		if len(v.node.Content) == 0 {
			r.fault(checkMissing.At(v.pos(), 1, "%s has an empty list", what).
				WithHelp("write the recipients, or reject"))
		}
		return Target{}
	case 1:
		members[0].Lone = len(v.node.Content) == 1
		return members[0]
	}
	return r.newList(members, Target{}, v.pos())
}

// A repeatedTarget is a member of a list that differs from an earlier member only in
// the case of letters. In a domain of the inventory both are the same.
type repeatedTarget struct {
	what          string
	second, first Target
	size          int
}

// repeats reports a member that is in a list twice.
func (r *reader) repeats(t *repeatedTarget) {
	r.fault(checkDuplicate.At(t.second.Pos, t.size, "%s goes to %s twice", t.what, t.second.Written()).
		Second(t.first.Pos, "first given here").WithHelp("keep one of the two"))
}

func (r *reader) newList(members []Target, bounces Target, pos diag.Pos) Target {
	r.model.Lists = append(r.model.Lists, List{Members: members, BouncesTo: bounces})
	return Target{Kind: ToList, Index: uint32(len(r.model.Lists) - 1), Pos: pos}
}

// bouncesTo sets the recipient of bounces of a target. A target that is not a list
// becomes a list, because only an alias can have an owner.
func (r *reader) bouncesTo(t Target, v value, what string) Target {
	name, ok := r.scalar(v, "bounces_to of "+what)
	if !ok || t.Kind == NoTarget {
		return t
	}
	owner := r.recipient(v, name, "bounces_to of "+what)
	switch {
	case t.Kind == ToList && owner.Kind != ToPattern:
		r.model.Lists[t.Index].BouncesTo = owner
	case owner.Kind == ToPattern:
		r.fault(checkConflict.At(owner.Pos, v.size(), "bounces_to of %s is %q, and an alias knows no %%1, %%2 or %%3", what, owner.Text).
			WithHelp("write the address out"))
		return t
	case t.Kind == Refused || t.Kind == ToLocal || t.Kind == ToDomain || t.Kind == ToPattern:
		r.fault(checkConflict.At(v.pos(), v.size(), "%s has bounces_to, but no recipients whose mail could bounce", what).
			WithHelp("leave bounces_to out"))
	default:
		t.Lone = false // a list has an owner
		return r.newList([]Target{t}, owner, t.Pos)
	}
	return t
}

// forward reads the addresses to which a user's mail is forwarded.
func (r *reader) forward(v value) Target {
	t := r.target(v, "forward")
	if t.Kind == Refused || t.Kind == ToPattern {
		r.fault(CheckValue.At(v.pos(), v.size(), "forward takes addresses").WithHelp("write carol@elsewhere.example, or a list of addresses"))
		return Target{}
	}
	return t
}

// catchAll reads the target of unlisted addresses. After a fault the result is def.
func (r *reader) catchAll(v value, def Target) Target {
	t := Target{}
	switch {
	case v.isScalar() && mailaddr.Lower(v.node.Value) == "local":
		return Target{Kind: ToLocal, Pos: v.pos()}
	case v.isMapping():
		var raw rawAddress
		note := readMapping(r, v, "catch_all", catchAllKeys, &raw)
		t = r.longForm(v, &raw, "catch_all")
		r.note(t.Pos, note)
	default:
		t = r.target(v, "catch_all")
	}
	if t.Kind == NoTarget {
		return def
	}
	return t
}

// longForm makes a target from the keys of a mapping. Exactly one of the keys says
// where the mail goes.
func (r *reader) longForm(v value, raw *rawAddress, what string) Target {
	given, t := 0, Target{}
	for _, choice := range []struct {
		v    value
		read func(value) Target
	}{
		{raw.to, func(v value) Target { return r.target(v, what) }},
		{raw.reject, func(v value) Target { return r.refusal(v, "reject", what) }},
		{raw.deferred, func(v value) Target { return r.refusal(v, "defer", what) }},
		{raw.domain, func(v value) Target {
			name := r.domainName(v, "domain")
			if name.Text == "" {
				return Target{}
			}
			return Target{Kind: ToDomain, Text: name.Text, Pos: name.Pos}
		}},
	} {
		if choice.v.node == nil {
			continue
		}
		if given++; given == 2 {
			r.fault(checkConflict.At(choice.v.pos(), choice.v.size(), "%s says twice what becomes of its mail", what).
				WithHelp("keep one of to, reject and defer"))
		}
		t = choice.read(choice.v)
	}
	if given == 0 && raw.disabled {
		return Target{Kind: Refused, Index: refusedUnknown, Pos: v.pos()}
	}
	if given == 0 {
		r.fault(checkMissing.At(v.pos(), 1, "%s does not say what becomes of its mail", what).
			WithHelp("write to: with a target, or reject:, or defer:"))
	}
	if raw.bounces.node != nil {
		t = r.bouncesTo(t, raw.bounces, what)
	}
	return t
}
