package sendmail

import (
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// Check adds to faults what an inventory says that is fine for a mail server, and
// that sendmail cannot do or would take for something else. What its rows cannot
// do is found when they are compiled. A mailbox that is reported is taken out of
// the Model, so that no other fault comes of it.
func Check(m *inventory.Model, faults *diag.List) {
	c := checker{m, faults}
	c.hostName()
	c.mapType()
	c.path("mail_dir", m.Host.MailDir)
	for i := range m.Users {
		if u := &m.Users[i]; !c.path("mailbox", u.Mailbox) {
			u.Mailbox = inventory.Name{}
		}
	}
	m.EachTarget(c.route)
}

// A checker looks at one inventory.
type checker struct {
	m      *inventory.Model
	faults *diag.List
}

// hostName warns of a name that sendmail does not give itself: $j has a dot.
func (c *checker) hostName() {
	if name := c.m.Host.Name; name.Text != "" && !strings.Contains(name.Text, ".") {
		c.faults.Add(inventory.CheckSingleLabel.At(name.Pos, len(name.Text), "the server's name %q has no dot in it", name.Text).
			WithHelp("write what sendmail calls itself, such as %s.example.net: echo '$j' | sendmail -bt tells", name.Text))
	}
}

// mapTypes are how sendmail's tables may be stored.
var mapTypes = []string{string(inventory.MapHash), string(inventory.MapCDB), string(inventory.MapText)}

func (c *checker) mapType() {
	typ := string(c.m.Host.Map)
	if !slices.Contains(mapTypes, typ) {
		c.faults.Add(inventory.CheckValue.At(c.m.Host.MapPos, c.m.Sources.Span(c.m.Host.MapPos, typ), "map is %q", typ).
			WithHelp("%s", diag.OneOf(mailaddr.Lower(typ), mapTypes...)))
	}
}

// pathChars are what a path may hold: it reaches the sendmail.mc, where m4
// gives quotes, commas and parentheses a meaning, and alias files, where
// blanks and commas end a recipient.
const pathChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+=@-"

// path holds the path of a file or a folder to what m4 and alias files leave as
// it is. A path that was not given is empty.
func (c *checker) path(what string, name inventory.Name) (ok bool) {
	text := name.Text
	wrong, help := "", ""
	switch at := strings.IndexFunc(text, func(c rune) bool { return !strings.ContainsRune(pathChars, c) }); {
	case at >= 0:
		wrong = "has " + strconv.QuoteRune([]rune(text[at:])[0]) + " in it, which sendmail.mc or an alias file would act on"
		help = "letters, digits and . _ + = @ - are allowed between the slashes"
	case what == "mailbox" && strings.Contains(text, "@"):
		wrong, help = "has an @ in it, and sendmail takes it for an address, not for a file", "name a file without @, such as /srv/mail/bea"
	case what == "mail_dir" && m4Word(text) != "":
		wrong, help = "has the word "+m4Word(text)+" in it, which m4 may expand in sendmail.mc", "use a folder whose name is in lower case and no command of m4"
	case what == "mailbox" && strings.HasSuffix(text, "/"):
		wrong = "ends in a slash, which means a Maildir; sendmail's file mailer writes mbox files only and would fail at every delivery"
		help = "name an mbox file such as " + strings.TrimRight(text, "/") + "/mbox, or leave mailbox out and let the local mailer deliver"
	}
	if wrong != "" {
		c.faults.Add(inventory.CheckValue.At(name.Pos, c.m.Sources.Span(name.Pos, text), "%s %q %s", what, text, wrong).WithHelp("%s", help))
	}
	return wrong == ""
}

// m4Builtins are the words that m4 acts on without parentheses, or with those
// that may follow.
var m4Builtins = strings.Fields("builtin changecom changequote changeword debugfile debugmode decr define defn divert divnum dnl " +
	"dumpdef errprint esyscmd eval format ifdef ifelse include incr index indir len m4exit m4wrap maketemp mkstemp patsubst popdef " +
	"pushdef regexp shift sinclude substr symbols syscmd sysval traceoff traceon translit undefine undivert unix")

// m4Word finds a word of a path that m4 may expand where the path stands in a
// sendmail.mc: a command of its own, or one of cf.m4's macros, which have
// capitals or begin with an underscore.
func m4Word(path string) string {
	words := strings.FieldsFunc(path, func(c rune) bool {
		return c != '_' && !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9')
	})
	for _, word := range words {
		if word[0] == '_' || word != mailaddr.Lower(word) || slices.Contains(m4Builtins, word) {
			return word
		}
	}
	return ""
}

// route finds a target that sendmail takes for a route: a%b at a domain that it
// delivers itself is b's (ruleset Parse0).
func (c *checker) route(t *inventory.Target) {
	if !c.hasPercent(t) {
		return
	}
	_, domain, _ := mailaddr.Split(t.Text)
	if i, ok := c.m.Domain(domain); ok && c.m.Domains[i].Enabled {
		c.faults.Add(inventory.CheckAddress.At(t.Pos, len(t.Written()), "target %q has a percent sign, and sendmail takes a%%b at a domain of its own for a route", t.Written()))
	}
}

// hasPercent reports whether an address, or one that is made of a pattern, has a
// percent sign of its own. Most targets are neither.
func (c *checker) hasPercent(t *inventory.Target) bool {
	switch t.Kind {
	case inventory.ToAddress:
		return strings.IndexByte(t.Text, '%') >= 0
	case inventory.ToPattern:
		return slices.ContainsFunc(c.m.Pattern(t), func(part inventory.Part) bool { return strings.Contains(part.Text, "%") })
	}
	return false
}
