package sendmail

import (
	_ "embed"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// catalogue explains the checks of this server.
//
//go:embed catalogue.txt
var catalogue string

// Check adds a fault for each part of an inventory that another mail server could do,
// but that sendmail cannot do or would misunderstand. Faults of rows are found later,
// when the rows are compiled. After a fault of a mailbox, Check removes the mailbox
// from the Model, so that it causes no second fault.
func Check(m *inventory.Model, faults *diag.List) {
	c := checker{m, faults}
	c.hostName()
	mta.CheckMap(m, mapTypes, faults)
	c.path("mail_dir", m.Host.MailDir)
	for i := range m.Users {
		if u := &m.Users[i]; !c.path("mailbox", u.Mailbox) {
			u.Mailbox = inventory.Name{}
		}
	}
	m.EachTarget(c.route)
}

// A checker checks one inventory.
type checker struct {
	m      *inventory.Model
	faults *diag.List
}

// hostName warns of a host name without a dot. sendmail's own name $j has a dot.
func (c *checker) hostName() {
	if name := c.m.Host.Name; name.Text != "" && !strings.Contains(name.Text, ".") {
		c.faults.Add(inventory.CheckSingleLabel.At(name.Pos, len(name.Text), "the server's name %q has no dot in it", name.Text).
			WithHelp("write what sendmail calls itself, such as %s.example.net: echo '$j' | sendmail -bt tells", name.Text))
	}
}

// mapTypes are the types of map that sendmail can read.
var mapTypes = []string{string(inventory.MapHash), string(inventory.MapCDB), string(inventory.MapText)}

// readTypes are these types with the code that reads their maps.
var readTypes = mapfile.Named(mapTypes)

// paths are those that sendmail takes literally. They are written to sendmail.mc, in which
// quotes, commas and parentheses have a meaning for m4, and to alias files, in which blanks
// and commas end a recipient.
var paths = mta.Paths{Check: inventory.CheckValue, Signs: "._+=@-", Acts: "sendmail.mc or an alias file"}

// path checks that m4 and alias files take the path of a file or a folder literally. An
// empty path is correct.
func (c *checker) path(what string, name inventory.Name) (ok bool) {
	text := name.Text
	wrong, help := "", ""
	switch {
	case !paths.Take(c.m, what, name, c.faults):
		return false
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

// m4Builtins are the commands of m4 that need no parentheses, or that may have them.
var m4Builtins = strings.Fields("builtin changecom changequote changeword debugfile debugmode decr define defn divert divnum dnl " +
	"dumpdef errprint esyscmd eval format ifdef ifelse include incr index indir len m4exit m4wrap maketemp mkstemp patsubst popdef " +
	"pushdef regexp shift sinclude substr symbols syscmd sysval traceoff traceon translit undefine undivert unix")

// m4Word returns the first word of a path that m4 may expand in sendmail.mc; empty if
// there is none. Such a word is a command of m4, or a macro of cf.m4, which has
// capitals or begins with an underscore.
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

// route reports a target that sendmail takes for a route: for a domain that it delivers
// itself, a%b@domain means a at the host b (ruleset Parse0).
func (c *checker) route(t *inventory.Target) {
	if !c.hasPercent(t) {
		return
	}
	_, domain, _ := mailaddr.Split(t.Text)
	if i, ok := c.m.Domain(domain); ok && c.m.Domains[i].Enabled {
		c.faults.Add(inventory.CheckAddress.At(t.Pos, len(t.Written()), "target %q has a percent sign, and sendmail takes a%%b at a domain of its own for a route", t.Written()))
	}
}

// hasPercent reports whether a target is an address, or a pattern of one, with a
// percent sign. Most targets are neither.
func (c *checker) hasPercent(t *inventory.Target) bool {
	switch t.Kind {
	case inventory.ToAddress:
		return strings.IndexByte(t.Text, '%') >= 0
	case inventory.ToPattern:
		return slices.ContainsFunc(c.m.Pattern(t), func(part inventory.Part) bool { return strings.Contains(part.Text, "%") })
	}
	return false
}
