package conf

import "strings"

// Letters of the macros with a host to which mail is relayed.
const (
	LuserRelay = "L"
	MailHub    = "H"
	LocalRelay = "R"
	SmartHost  = "S"
)

// ClassL is the class of local names whose mail is not relayed.
const ClassL = "L"

// relayMacros are the names of DL, DH, DR and DS in a sendmail.mc.
var relayMacros = []struct{ letter, name string }{
	{LuserRelay, "LUSER_RELAY"}, {MailHub, "MAIL_HUB"}, {LocalRelay, "LOCAL_RELAY"}, {SmartHost, "SMART_HOST"},
}

// Relay returns the value of one of these macros, with the values of other macros. It is
// empty when the macro is not set, when no rule uses it, or when the value of another
// macro is not known.
func (c *Config) Relay(letter string) string {
	if c.Rules && !c.relayRules[letter] {
		return ""
	}
	value, _ := c.expand(c.macros[letter].Value)
	return value
}

// rule finds out from a rewriting rule which features the configuration has.
func (c *Config) rule(line string) {
	c.EntireDomain = c.EntireDomain || strings.Contains(line, "$* $={VirtHost} . >")
	c.Sticky = c.Sticky || strings.HasPrefix(line, "R$+ < @ $=w . >") && strings.Contains(line, "< $H >")
	for _, relay := range relayMacros {
		if strings.Contains(line, "$"+relay.letter+" ") {
			c.relayRules[relay.letter] = true
		}
	}
	c.cutsDetail = c.cutsDetail || c.ruleset == "localaddr" && strings.HasPrefix(line, "R$+ + *")
	c.keepsHost = c.keepsHost || c.ruleset == "localaddr" && strings.Contains(line, "$&{Host}")
	c.hasLocalAddr = c.hasLocalAddr || c.ruleset == "localaddr"
	c.masqueradesEnvelope = c.masqueradesEnvelope || c.ruleset == "MasqEnv" && strings.HasPrefix(line, "R$+") && strings.Contains(line, "$>MasqHdr")
	c.genericsBelow = c.genericsBelow || strings.HasPrefix(line, "R$+ < @ $* $=G . >")
	c.rules[c.ruleset] = append(c.rules[c.ruleset], line)
}

// unreadRelays reports the relays that this package does not follow.
func (c *Config) unreadRelays(say func(line int, format string, args ...any)) {
	for _, relay := range relayMacros {
		m, ok := c.Macro(relay.letter)
		value := c.Relay(relay.letter)
		switch {
		case !ok || c.Rules && !c.relayRules[relay.letter]:
		case value == "":
			say(m.Line, "%s is %q, which is not looked at: its macro is not set", relay.name, m.Value)
		case c.keepsHost && relay.letter != SmartHost && (strings.HasPrefix(value, "local:") || strings.Contains(value, "@")):
			say(m.Line, "%s is %q: what FEATURE(`preserve_luser_host') makes of the recipient beside it is not looked at", relay.name, m.Value)
		}
	}
	if c.hasLocalAddr && !c.cutsDetail {
		say(0, "FEATURE(`preserve_local_plus_detail'): local names with a detail are looked up whole, which is not looked at")
	}
}

// maxExpansions is the most levels of macros within macros.
const maxExpansions = 10

// expand replaces macros by their values. ok is false when a value is not known, as for
// $w and $k.
func (c *Config) expand(text string) (string, bool) { return c.expandDeep(text, 0) }

func (c *Config) expandDeep(text string, depth int) (string, bool) {
	var out strings.Builder
	for {
		before, behind, found := strings.Cut(text, "$")
		out.WriteString(before)
		if !found {
			return out.String(), true
		}
		name, rest := nameOf(behind)
		m, known := c.Macro(name)
		if !known || depth == maxExpansions {
			return "", false
		}
		value, ok := c.expandDeep(m.Value, depth+1)
		if !ok {
			return "", false
		}
		out.WriteString(value)
		text = rest
	}
}
