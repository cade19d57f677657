package mcfile

import (
	"strings"
)

// A local is a part of a sendmail.mc that a person wrote: a ruleset, or an H line.
type local struct {
	at, end int    // offsets of its first line
	text    string // of a ruleset: its rules
	checks  string // of an H line: the ruleset
}

// senders finds what a person wrote for senders. The checks of virtmap must be called from
// the rulesets of Hooks and from a check of From: that are there already, because sendmail
// takes one of each.
func (e *editor) senders(text string) {
	if !e.s.Senders {
		return
	}
	rulesets, headers := localParts(text)
	for i, h := range Hooks {
		if own, ok := rulesets[h.Local]; ok {
			e.s.ownHook[i] = true
			e.merge(own, h.Local, h.Ours, own.text)
		}
	}
	if own, ok := headers["from"]; ok {
		e.s.ownFrom = true
		if own.checks != FromRuleset {
			e.merge(own, own.checks, FromRuleset, rulesets[own.checks].text)
		}
	}
}

// merge reports a ruleset of a person that does not call ours, with the lines to write.
func (e *editor) merge(own local, ruleset, ours, rules string) {
	f := checkSenders.At(e.src.Pos(own.at), own.end-own.at, "%s is a ruleset of this file, and must ask %s too", ruleset, ours)
	switch called := strings.Contains(rules, "$>"+ours); {
	case e.included:
		f.Text = ruleset + " is here and in " + Include + ", and sendmail takes one of each"
		e.faults.Add(f.WithHelp("take the include of %s out: build --config then keeps a block that leaves the ruleset to this file", Include))
	case !called:
		e.faults.Add(f.WithHelp("begin S%s with these three lines, in which <TAB> is a tab: %s", ruleset, strings.ReplaceAll(strings.Join(calls(ours), "  "), "\t", "<TAB>")))
	}
}

// localParts returns the rulesets of a text by name, and its H lines with a ruleset by
// field, in lower case.
func localParts(text string) (rulesets, headers map[string]local) {
	rulesets, headers = map[string]local{}, map[string]local{}
	name, at := "", 0
	for line := range strings.Lines(text) {
		rest := strings.TrimRight(line, " \t\r\n")
		part := local{at: at, end: at + len(rest)}
		at += len(line)
		switch {
		case rest == "":
		case rest[0] == 'S' && !strings.ContainsAny(rest, " (`"):
			name, _, _ = strings.Cut(rest[1:], "=")
			rulesets[name] = part
		case rest[0] == 'R' && name != "":
			part = rulesets[name]
			part.text += rest + "\n"
			rulesets[name] = part
		case rest[0] == 'H':
			field, value, _ := strings.Cut(rest[1:], ":")
			if ruleset, ok := strings.CutPrefix(strings.TrimSpace(value), "$>"); ok {
				part.checks = strings.TrimPrefix(ruleset, "+")
				headers[strings.ToLower(strings.TrimSpace(field))] = part
			}
		}
	}
	return rulesets, headers
}

// signed reports a genericstable in a file whose mail a milter signs. sendmail rewrites an
// address when it delivers, behind the milter.
func (e *editor) signed(calls []call) {
	var generics, filter *call
	for i := range calls {
		switch c := &calls[i]; {
		case c.name == "FEATURE" && c.arg(0) == "genericstable":
			generics = c
		case (c.name == "INPUT_MAIL_FILTER" || c.name == "MAIL_FILTER") && strings.Contains(strings.ToLower(c.arg(0)), "dkim"):
			filter = c
		}
	}
	if generics != nil && filter != nil {
		e.faults.Add(checkSigned.At(e.src.Pos(generics.at), generics.end-generics.at, "mail is signed by %s before the genericstable rewrites it, so that its signature is broken", filter.arg(0)).
			Second(e.src.Pos(filter.at), "the milter is given here").
			WithHelp("rewrite in submit.mc, with submission: {rewrite: msp}, and take the genericstable out of this file"))
	}
}
