// Package docs has the pages of this folder that are manual pages too. `virtmap man
// virtmap-mx` prints mx.md.
package docs

import (
	"embed"
	"strings"
)

// A Page is a page of this folder with its place in the manual, which is section 7.
type Page struct {
	Name  string // without its .md, such as mx for mx.md and virtmap-mx(7)
	About string // what it helps with, as the README says
}

// Manual are the pages that are manual pages, in the order of the README.
var Manual = []Page{
	{"adopt", "adopt a server that runs: import, compare, build, go back"},
	{"import", "import a server, a copy of its files, or lists from elsewhere"},
	{"sendmail", "what is written for sendmail, and when it must be restarted"},
	{"postfix", "what is written for Postfix, and when it must be reloaded"},
	{"exim", "what is written for Exim, and where it goes"},
	{"opensmtpd", "what is written for OpenSMTPD, and where it goes"},
	{"servers", "compare what each server does with the same inventory"},
	{"mx", "see whether the DNS leads here, and what a build does about it"},
	{"sending", "say who may send from an address, and sign and check what is sent"},
	{"guards", "see what a build would change, what it refuses, and how to go back"},
	{"cron", "run builds from cron or systemd"},
	{"ci", "check an inventory in CI and in merge requests"},
	{"lookup", "find out where an address goes"},
	{"look", "see every address in a browser: search, and a picture of who gets what"},
	{"testing", "try the files over SMTP"},
	{"receive", "read mail that tests sent, in a browser or by Mailpit's API"},
}

//go:embed adopt.md import.md sendmail.md postfix.md exim.md opensmtpd.md servers.md mx.md sending.md guards.md cron.md ci.md lookup.md look.md testing.md receive.md
var files embed.FS

// Find returns a page by the name of its manual page, such as virtmap-mx.
func Find(manualName string) (Page, bool) {
	for _, p := range Manual {
		if "virtmap-"+p.Name == manualName {
			return p, true
		}
	}
	return Page{}, false
}

// Text returns the Markdown of a page.
func (p Page) Text() string {
	text, err := files.ReadFile(p.Name + ".md")
	if err != nil {
		panic(err) // the page is not in the list of embedded files
	}
	return string(text)
}

// See returns the manual page in place of a link, such as virtmap-mx(7) for mx.md#rules.
// Other links have none.
func See(link string) string {
	file, _, _ := strings.Cut(link[strings.LastIndexByte(link, '/')+1:], "#")
	name, isPage := strings.CutSuffix(file, ".md")
	switch _, ok := Find("virtmap-" + name); {
	case isPage && ok:
		return "virtmap-" + name + "(7)"
	case file == "inventory.md":
		return "virtmap-inventory(5)"
	case file == "README.md", file == "commands.md":
		return "virtmap(1)"
	}
	return ""
}
