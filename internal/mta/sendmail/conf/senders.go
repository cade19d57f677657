package conf

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
)

// SubmitName is the configuration of the sendmail command (the MSP).
const SubmitName = "submit.cf"

// GenericsMap is the name of the map that FEATURE(`genericstable') makes.
const GenericsMap = "generics"

// ClassG is the class of names whose addresses are looked up in the genericstable.
const ClassG = "G"

// A header is an H line: the ruleset that checks a field.
type header struct {
	ruleset string
	line    int
}

// headerLine reads an H line such as "HFrom: $>VirtmapFrom". Lines without a ruleset are
// formats of fields.
func (c *Config) headerLine(text string, line int) {
	field, value, ok := strings.Cut(text, ":")
	ruleset, check := strings.CutPrefix(strings.TrimSpace(value), "$>")
	if ok && check {
		c.checked[strings.ToLower(strings.TrimSpace(field))] = header{strings.TrimPrefix(ruleset, "+"), line}
	}
}

// asks reports whether a ruleset is another one, or has a rule that calls it.
func (c *Config) asks(ruleset, other string) bool {
	return ruleset == other || slices.ContainsFunc(c.rules[ruleset], func(rule string) bool {
		return slices.Contains(strings.Fields(rule), "$>"+other)
	})
}

// lacksSenders says why the configuration does not look logins up in the table of senders.
func (c *Config) lacksSenders(s mcfile.Settings, path string) (what string, line int) {
	m, ok := c.Map(mcfile.SenderMap)
	from := c.checked["from"]
	switch {
	case !ok:
		return "logins are not looked up in " + path, 0
	case !regular.SamePath(mapfile.WithoutSuffix(m.Path), path):
		return fmt.Sprintf("the table of senders is another: %q", m.Spec), m.Line
	case m.Class != s.Map || s.Map == "text" && !m.textAsWritten():
		return fmt.Sprintf("the table of senders is read as %q, and the inventory's map is %s", m.Spec, s.Map), m.Line
	case !slices.Contains(m.Flags, "-T<TMPF>"):
		return fmt.Sprintf("the table of senders is read as %q: without -T<TMPF> a map that is missing refuses every login", m.Spec), m.Line
	case !c.hasStore():
		return "there is no map " + mcfile.StoreMap + " of the class macro", 0
	case !c.asks(from.ruleset, mcfile.FromRuleset):
		return "From: fields of logins are not checked", from.line
	case !c.hasSenderRules():
		return "the rulesets for senders are not those of virtmap.mc", 0
	}
	for _, h := range mcfile.Hooks {
		if !c.asks(h.Local, h.Ours) {
			return h.Local + " does not call " + h.Ours, 0
		}
	}
	return "", 0
}

// hasStore reports whether there is the map in which the rulesets set a value.
func (c *Config) hasStore() bool {
	m, ok := c.Map(mcfile.StoreMap)
	return ok && m.Class == "macro"
}

// hasSenderRules reports whether the rulesets for senders are as virtmap writes them.
func (c *Config) hasSenderRules() bool {
	want := Parse(mcfile.SenderRules).rules
	for name, rules := range want {
		if !slices.EqualFunc(rules, c.rules[name], func(a, b string) bool { return slices.Equal(strings.Fields(a), strings.Fields(b)) }) {
			return false
		}
	}
	return true
}

// Signs reports whether mail is given to a milter that seems to sign it, by its name.
func (c *Config) Signs() (milter string, ok bool) {
	i := slices.IndexFunc(c.milters, func(name string) bool { return strings.Contains(strings.ToLower(name), "dkim") })
	if i < 0 {
		return "", false
	}
	return c.milters[i], true
}

// Submit reads the submit.cf beside a configuration. Without one, its Path is empty.
func (c *Config) Submit() (*Config, error) {
	path := filepath.Join(filepath.Dir(c.Path), SubmitName)
	text, err := regular.ReadIfThere(path)
	if err != nil || text == nil || c.Path == "" {
		return Parse(""), err
	}
	submit := Parse(string(text))
	submit.Path, submit.Text = path, string(text)
	submit.Changed = regular.LastChange(path)
	return submit, nil
}

// LacksGenerics says why the sendmail command does not write the addresses of
// virtmap-generics; empty: it does.
func (c *Config) LacksGenerics(s mcfile.Settings, host string) (what string, line int) {
	path := s.MailDir + "/" + mcfile.Generics
	m, ok := c.Map(GenericsMap)
	switch {
	case !ok:
		return "the sendmail command does not read " + path, 0
	case !regular.SamePath(mapfile.WithoutSuffix(m.Path), path):
		return fmt.Sprintf("the genericstable is another: %q", m.Spec), m.Line
	case m.Class != s.Map || s.Map == "text" && !m.textAsWritten():
		return fmt.Sprintf("the genericstable is read as %q, and the inventory's map is %s", m.Spec, s.Map), m.Line
	case !c.generic(host):
		return host + " is not in class G, so that its users keep their own addresses", 0
	case !c.masqueradesEnvelope:
		return "without FEATURE(`masquerade_envelope') the sender of the envelope stays the account, and SPF does not align", 0
	}
	return "", 0
}

// generic reports whether addresses of the server's own name are looked up in the
// genericstable. $j is this name.
func (c *Config) generic(host string) bool {
	_, ok := c.Generic([]string{host})
	return ok || slices.ContainsFunc(c.Words, func(w ClassWord) bool { return w.Class == ClassG && w.Word == "$j" })
}

// Generic returns the first of some domains whose addresses are looked up in the
// genericstable: those of class G, and with FEATURE(`generics_entire_domain') those below. A
// file of the class that cannot be read has no names.
func (c *Config) Generic(domains []string) (first ClassWord, ok bool) {
	class := map[string]ClassWord{}
	for _, w := range c.Words {
		if w.Class == ClassG && w.Name != "" {
			class[w.Name] = w
		}
	}
	for _, f := range c.ClassFiles(ClassG) {
		text, _ := regular.Read(f.Path, regular.MaxBytes)
		for _, name := range f.Names(text) {
			class[mailaddr.Lower(name)] = ClassWord{Class: ClassG, Word: name, Line: f.Line}
		}
	}
	for _, domain := range domains {
		for name, below := domain, true; below; {
			if w, is := class[name]; is {
				w.Name = domain
				return w, true
			}
			_, name, below = strings.Cut(name, ".")
			below = below && c.genericsBelow
		}
	}
	return ClassWord{}, false
}
