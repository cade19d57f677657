package mcfile

import (
	"fmt"
	"path"
	"strings"
)

// Configuration returns the lines of sendmail.cf that name tables and hosts to which mail
// is relayed, as m4 would make them from a sendmail.mc, in the same order. ours is the
// virtmap.mc that it may include. Other files that it includes are not read.
func Configuration(text, ours string) string {
	m := &maker{text: withInclude(text, ours), defined: map[string]string{
		"MAIL_SETTINGS_DIR": DefaultDir + "/",
		"DATABASE_MAP_TYPE": "hash",
		"ALIAS_FILE":        "MAIL_SETTINGS_DIR`'aliases",
		"confCW_FILE":       "MAIL_SETTINGS_DIR`'" + HostNames,
		"confCR_FILE":       "-o MAIL_SETTINGS_DIR`'relay-domains",
	}}
	for _, c := range scan(m.text) {
		m.call(c)
	}
	m.flush(len(m.text))
	return m.lines()
}

// A maker makes the lines. It keeps lines of different sections apart, because m4 writes
// the lines of a section together (cf/m4/proto.m4, diversions 5 and 6).
type maker struct {
	text    string
	defined map[string]string // values of define

	readsNames     bool // FEATURE(`use_cw_file')
	classes        strings.Builder
	virtual        bool // there is a class {VirtHost}
	config, rules  strings.Builder
	local          strings.Builder // of LOCAL_RULESETS, as it is written
	section        section
	sectionStarted int // where this text begins
}

// classLines are the calls that m4 turns into a C or F line with their argument.
var classLines = map[string]string{
	"LOCAL_DOMAIN": "C{w}", "LOCAL_USER": "C{L}", "LOCAL_USER_FILE": "F{L}",
	"RELAY_DOMAIN": "C{R}", "RELAY_DOMAIN_FILE": "F{R}",
	"VIRTUSER_DOMAIN": "C{VirtHost}", "VIRTUSER_DOMAIN_FILE": "F{VirtHost}",
}

// call reads a call.
func (m *maker) call(c call) {
	switch {
	case c.name == "LOCAL_CONFIG" || c.name == "LOCAL_RULESETS" || endsSection(c.name):
		m.flush(c.at)
		m.section, m.sectionStarted = sectionOf(c), c.end
		return
	case c.args == nil || c.name != strings.ToUpper(c.name) && c.name != "define" && c.name != "undefine":
		return // not a call, but a word of a line
	}
	m.flush(c.at)
	m.sectionStarted = c.end
	if head := classLines[c.name]; head != "" {
		m.classes.WriteString(head + m.expand(c.arg(0)) + "\n")
		m.virtual = m.virtual || strings.HasSuffix(head, "{VirtHost}")
		return
	}
	switch c.name {
	case "define":
		m.defined[c.arg(0)] = strings.TrimSpace(c.arg(1))
	case "undefine":
		delete(m.defined, c.arg(0))
	case "FEATURE":
		m.feature(c)
	case "DOMAIN":
		m.readsNames = m.readsNames || c.arg(0) == "generic"
	case "OSTYPE":
		if c.arg(0) == "debian" {
			m.defined["confCR_FILE"] = `-o MAIL_SETTINGS_DIR` + "`'" + `relay-domains %[^\#]`
			m.defined["confCW_FILE"] = `MAIL_SETTINGS_DIR` + "`'" + HostNames + ` %[^\#]`
		}
	}
}

// A section says where m4 writes the text between calls.
type section uint8

const (
	outside      section = iota // nowhere that is read here
	localConfig                 // LOCAL_CONFIG
	localRuleset                // LOCAL_RULESETS
)

// sectionOf returns the section that a call begins.
func sectionOf(c call) section {
	switch {
	case c.name == "LOCAL_CONFIG", c.name == "divert" && c.arg(0) == "6":
		return localConfig
	case c.name == "LOCAL_RULESETS", c.name == "divert" && c.arg(0) == "9":
		return localRuleset
	}
	return outside
}

// endsSection reports whether a call ends LOCAL_CONFIG or LOCAL_RULESETS.
func endsSection(name string) bool {
	switch name {
	case "divert", "MAILER_DEFINITIONS", "LOCAL_NET_CONFIG", "LOCAL_DNSBL":
		return true
	}
	return strings.HasPrefix(name, "LOCAL_RULE_")
}

// feature reads a FEATURE.
func (m *maker) feature(c call) {
	switch c.arg(0) {
	case "use_cw_file":
		m.readsNames = true
	case Virtusertable:
		spec := c.arg(1)
		switch spec {
		case "":
			spec = "DATABASE_MAP_TYPE MAIL_SETTINGS_DIR`'" + Virtusertable
		case "LDAP":
			spec = "ldap -1 -v sendmailMTAMapValue"
		}
		m.config.WriteString("Kvirtuser " + m.expand(spec) + "\n")
	case "virtuser_entire_domain":
		m.rules.WriteString("R<!> $+ < @ $* $={VirtHost} . >\n")
	case "stickyhost":
		m.rules.WriteString("R$+ < @ $=w . >\t$: < $H > $1 < @ $2 . >\n")
	}
}

// flush reads the lines of a section up to an offset.
func (m *maker) flush(end int) {
	if m.section == outside {
		return
	}
	for line := range strings.Lines(m.text[m.sectionStarted:end]) {
		line, _, comment := strings.Cut(line, "dnl")
		if comment || !strings.HasSuffix(line, "\n") {
			line += "\n"
		}
		switch {
		case strings.TrimSpace(line) == "":
		case m.section == localRuleset:
			if line[0] == 'S' || line[0] == 'R' {
				m.local.WriteString(line)
			}
		case strings.IndexByte("CDFHK", line[0]) >= 0, strings.HasPrefix(line, "O "), line[0] == '\t', line[0] == ' ':
			m.config.WriteString(m.expand(line))
		}
	}
}

// lines returns all lines, in the order of m4.
func (m *maker) lines() string {
	var out strings.Builder
	line := func(head, name string) {
		if value := strings.TrimSpace(m.expand(m.defined[name])); value != "" {
			fmt.Fprintf(&out, "%s%s\n", head, value)
		}
	}
	if m.readsNames {
		line("Fw", "confCW_FILE")
	}
	line("Dj", "confDOMAIN_NAME")
	line("DS", "SMART_HOST")
	line("DL", "LUSER_RELAY")
	line("FR", "confCR_FILE")
	line("DR", "LOCAL_RELAY")
	line("DH", "MAIL_HUB")
	out.WriteString(m.classes.String())
	if m.virtual {
		out.WriteString("CR$={VirtHost}\n")
	}
	out.WriteString(m.config.String())
	line("O AliasFile=", "ALIAS_FILE")
	out.WriteString(m.rules.String())
	out.WriteString(m.local.String())
	return out.String()
}

// expand replaces defined names by their values, and removes one level of quotes.
func (m *maker) expand(text string) string {
	var out strings.Builder
	m.expandTo(&out, text, 0)
	return out.String()
}

// maxExpansions is the most levels of names within values.
const maxExpansions = 8

func (m *maker) expandTo(out *strings.Builder, text string, depth int) {
	for at := 0; at < len(text); {
		switch c := text[at]; {
		case c == '`':
			end := quoteEnd(text, at)
			out.WriteString(strings.TrimSuffix(text[at+1:end], "'"))
			at = end
		case isWordStart(c):
			end := at
			for end < len(text) && isWord(text[end]) {
				end++
			}
			if value, ok := m.defined[text[at:end]]; ok && depth < maxExpansions {
				m.expandTo(out, value, depth+1)
			} else {
				out.WriteString(text[at:end])
			}
			at = end
		default:
			out.WriteByte(c)
			at++
		}
	}
}

// withInclude replaces the call that includes virtmap.mc by the text of virtmap.mc.
func withInclude(text, ours string) string {
	for _, c := range scan(text) {
		if (c.name == "include" || c.name == "sinclude") && path.Base(c.arg(0)) == Include {
			return text[:c.at] + ours + text[c.end:]
		}
	}
	return text
}
