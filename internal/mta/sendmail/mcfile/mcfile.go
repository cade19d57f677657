// Package mcfile knows the lines that an inventory needs in a sendmail.mc. It
// writes them as virtmap.mc, for include(), or keeps them as a marked block in
// a sendmail.mc that somebody else maintains.
//
//	FEATURE(`use_cw_file')dnl
//	FEATURE(`virtusertable', `hash /etc/mail/virtusertable')dnl
//	RELAY_DOMAIN_FILE(`/etc/mail/virtmap-relay-domains')dnl
//	LOCAL_CONFIG
//	O AliasFile=/etc/mail/virtmap-aliases
//	divert(0)dnl
//
// The lines stand before the first MAILER: m4 only complains about a FEATURE
// behind it, and exits 0. Aliases are added by an O line of LOCAL_CONFIG,
// because define(`ALIAS_FILE') would replace the server's own. A FEATURE given
// twice makes two K lines of which the last wins in silence; so a line that is
// there already is taken over, and one that names another table is a fault.
//
// Nothing here is escaped: names reach these lines only when they hold no m4
// quote, comma or parenthesis (package inventory sees to it).
package mcfile

import (
	"strings"

	"virtmap/internal/diag"
)

// Names of the files, beside each other in the mail folder.
const (
	Virtusertable = "virtusertable"
	HostNames     = "local-host-names"
	Aliases       = "virtmap-aliases"
	RelayDomains  = "virtmap-relay-domains"
	Include       = "virtmap.mc"
)

// DefaultDir is MAIL_SETTINGS_DIR where nobody defined it.
const DefaultDir = "/etc/mail"

// Settings are what the lines depend on.
type Settings struct {
	MailDir string // absolute, without a final slash
	Map     string // hash, cdb or text
	Relay   bool   // there are backup domains, served or not
}

// MapSpec is the second argument of FEATURE(`virtusertable'). No -o: with it a
// missing map counts as empty, and mail falls through to local accounts.
func (s Settings) MapSpec() string {
	path := s.MailDir + "/" + Virtusertable
	if s.Map == "text" {
		return `text -k0 -v1 -z\t ` + path // FEATURE's own text form looks up whole lines
	}
	return s.Map + " " + path
}

// AliasSpec is the value of the AliasFile option. The text form of an alias
// file is sendmail's stab class; its text class is not for aliases.
func (s Settings) AliasSpec() string {
	path := s.MailDir + "/" + Aliases
	switch s.Map {
	case "cdb":
		return "cdb:" + path
	case "text":
		return "stab:" + path
	}
	return path
}

// A need is one thing that the configuration must say.
type need uint8

const (
	needCWFile need = iota
	needCWFeature
	needTable
	needRelay
	needAliases
	needCount
)

// line is how we say it.
func (s Settings) line(n need) string {
	switch n {
	case needCWFile:
		return "define(`confCW_FILE', `" + s.MailDir + "/" + HostNames + "')dnl\n"
	case needCWFeature:
		return "FEATURE(`use_cw_file')dnl\n"
	case needTable:
		return "FEATURE(`virtusertable', `" + s.MapSpec() + "')dnl\n"
	case needRelay:
		return "RELAY_DOMAIN_FILE(`" + s.MailDir + "/" + RelayDomains + "')dnl\n"
	}
	return "LOCAL_CONFIG\nO AliasFile=" + s.AliasSpec() + "\ndivert(0)dnl\n"
}

// MCLine is what a sendmail.mc says to have a file of the set read, by its name.
func (s Settings) MCLine(file string) string {
	switch file {
	case HostNames:
		if s.MailDir != DefaultDir {
			return s.line(needCWFile) + s.line(needCWFeature)
		}
		return s.line(needCWFeature)
	case Virtusertable:
		return s.line(needTable)
	case RelayDomains:
		return s.line(needRelay)
	}
	return s.line(needAliases)
}

// CFLine is what a sendmail.cf says to have a file of the set read.
func (s Settings) CFLine(file string) string {
	path := s.MailDir + "/" + file
	switch file {
	case HostNames:
		return "Fw" + path + ` %[^\#]`
	case Virtusertable:
		return "Kvirtuser " + s.MapSpec()
	case RelayDomains:
		return "FR" + path + ` %[^\#]`
	}
	return "O AliasFile=" + s.AliasSpec()
}

// needs lists what a configuration with the given MAIL_SETTINGS_DIR must say.
func (s Settings) needs(settingsDir string) [needCount]bool {
	return [needCount]bool{
		needCWFile:    strings.TrimRight(settingsDir, "/") != s.MailDir,
		needCWFeature: true,
		needTable:     true,
		needRelay:     s.Relay,
		needAliases:   true,
	}
}

func (s Settings) lines(needed [needCount]bool) string {
	var out strings.Builder
	for n, missing := range needed {
		if missing {
			out.WriteString(s.line(need(n)))
		}
	}
	return out.String()
}

// IncludeLine is the line of sendmail.mc that takes virtmap.mc in.
func (s Settings) IncludeLine() string { return "include(`" + s.MailDir + "/" + Include + "')dnl" }

// Text is virtmap.mc.
func Text(s Settings, inventoryName string) []byte {
	return []byte("dnl Written by virtmap from " + quoteless(inventoryName) + "; changes made here are lost at the next build.\n" +
		"dnl In sendmail.mc, on a line before the first MAILER:\n" +
		"dnl " + s.IncludeLine() + "\n" +
		s.lines(s.needs(DefaultDir)))
}

// quoteless keeps a file's name from ending a comment or a quote.
func quoteless(name string) string {
	name = diag.Printable(name[strings.LastIndexByte(name, '/')+1:])
	return strings.Map(func(c rune) rune {
		if c == '`' || c == '\'' || c == '\n' {
			return '?'
		}
		return c
	}, name)
}

// MapType is the type of the tables that lines of ours name; empty when there
// are none.
func MapType(text string) string {
	for line := range strings.Lines(text) {
		if spec, ok := strings.CutPrefix(line, "FEATURE(`virtusertable', `"); ok {
			word, _, _ := strings.Cut(spec, " ")
			return word
		}
	}
	return ""
}
