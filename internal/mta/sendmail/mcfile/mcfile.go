// Package mcfile writes the lines that a sendmail.mc must have for an inventory. It
// writes them to virtmap.mc, for include(), or as a marked block into a sendmail.mc
// that a person maintains.
//
//	FEATURE(`use_cw_file')dnl
//	FEATURE(`virtusertable', `hash /etc/mail/virtusertable')dnl
//	RELAY_DOMAIN_FILE(`/etc/mail/virtmap-relay-domains')dnl
//	LOCAL_CONFIG
//	O AliasFile=/etc/mail/virtmap-aliases
//	divert(0)dnl
//
// The lines must be before the first MAILER. m4 complains of a FEATURE after that, and
// exits 0. The aliases are an O line of LOCAL_CONFIG, because define(`ALIAS_FILE') would
// replace the alias files of the server. Two FEATURE lines for the virtusertable make two
// K lines, of which only the last counts. So a line that the file has already is kept,
// and a line with another table is a fault.
//
// Names in these lines are not escaped. Package inventory makes sure that they have no
// quote of m4, comma or parenthesis.
package mcfile

import (
	"strings"

	"virtmap/internal/diag"
)

// Names of the files in the mail folder.
const (
	Virtusertable = "virtusertable"
	HostNames     = "local-host-names"
	Aliases       = "virtmap-aliases"
	RelayDomains  = "virtmap-relay-domains"
	Include       = "virtmap.mc"
)

// DefaultDir is the default of MAIL_SETTINGS_DIR.
const DefaultDir = "/etc/mail"

// Settings are the settings in the lines.
type Settings struct {
	MailDir string // absolute, without a final slash
	Map     string // hash, cdb or text
	Relay   bool   // there are backup domains, served or not
	Senders bool   // who logs in sends only from addresses of virtmap-senders

	ownFrom bool             // a sendmail.mc has a check of From: of its own
	ownHook [len(Hooks)]bool // and a ruleset of Hooks
}

// MapSpec is the second argument of FEATURE(`virtusertable'). It has no -o: with -o a
// missing map counts as empty, and mail for every virtual address goes to local
// accounts.
func (s Settings) MapSpec() string {
	return s.spec(Virtusertable, "") // the default of FEATURE for text looks up whole lines
}

// AliasSpec is the value of the AliasFile option. For a text the class is stab, because
// the class text of sendmail is not for aliases.
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

// A need is a line that the configuration must have.
type need uint8

const (
	needCWFile need = iota
	needCWFeature
	needTable
	needRelay
	needAliases
	needSenders
	needCount
)

// line returns the line of a need.
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
	case needSenders:
		return s.senderLines()
	}
	return "LOCAL_CONFIG\nO AliasFile=" + s.AliasSpec() + "\ndivert(0)dnl\n"
}

// MCLine returns the line of sendmail.mc that makes sendmail read a file of the set.
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
	case Senders:
		return s.line(needSenders)
	}
	return s.line(needAliases)
}

// CFLine returns the line of sendmail.cf that makes sendmail read a file of the set.
func (s Settings) CFLine(file string) string {
	path := s.MailDir + "/" + file
	switch file {
	case HostNames:
		return "Fw" + path + ` %[^\#]`
	case Virtusertable:
		return "Kvirtuser " + s.MapSpec()
	case RelayDomains:
		return "FR" + path + ` %[^\#]`
	case Senders:
		return s.senderMap() + fromLine + SenderRules + strings.TrimSuffix(s.hookLines(), "\n")
	}
	return "O AliasFile=" + s.AliasSpec()
}

// needs returns the needs of a configuration with this MAIL_SETTINGS_DIR.
func (s Settings) needs(settingsDir string) [needCount]bool {
	return [needCount]bool{
		needCWFile:    strings.TrimRight(settingsDir, "/") != s.MailDir,
		needCWFeature: true,
		needTable:     true,
		needRelay:     s.Relay,
		needAliases:   true,
		needSenders:   s.Senders,
	}
}

// lines returns the lines of the needs that are not met.
func (s Settings) lines(needed [needCount]bool) string {
	var out strings.Builder
	for n, missing := range needed {
		if missing {
			out.WriteString(s.line(need(n)))
		}
	}
	return out.String()
}

// IncludeLine is the line of sendmail.mc that includes virtmap.mc.
func (s Settings) IncludeLine() string { return "include(`" + s.MailDir + "/" + Include + "')dnl" }

// Text returns the content of virtmap.mc.
func Text(s Settings, inventoryName string) []byte {
	return []byte("dnl Written by virtmap from " + quoteless(inventoryName) + "; changes made here are lost at the next build.\n" +
		"dnl In sendmail.mc, on a line before the first MAILER:\n" +
		"dnl " + s.IncludeLine() + "\n" +
		s.lines(s.needs(DefaultDir)))
}

// quoteless returns the name of a file without characters that end a comment or a quote.
func quoteless(name string) string {
	name = diag.Printable(name[strings.LastIndexByte(name, '/')+1:])
	return strings.Map(func(c rune) rune {
		if c == '`' || c == '\'' || c == '\n' {
			return '?'
		}
		return c
	}, name)
}

// MapType returns the map type in lines that virtmap wrote, or an empty text without such
// lines.
func MapType(text string) string {
	for line := range strings.Lines(text) {
		if spec, ok := strings.CutPrefix(line, "FEATURE(`virtusertable', `"); ok {
			word, _, _ := strings.Cut(spec, " ")
			return word
		}
	}
	return ""
}
