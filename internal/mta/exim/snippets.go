package exim

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mta"
)

//go:embed snippets
var snippets embed.FS

// snippet returns a file with a fixed text.
func snippet(name string) []byte {
	text, err := snippets.ReadFile("snippets/" + name)
	if err != nil {
		panic(err) // the file is part of the program
	}
	return text
}

// main returns the macros and the lists of domains. It has to be read before all other
// files of the server's configuration.
func (b Build) main() []byte {
	t, host := tables[b.MapType()], b.Model.Host.Name.Text
	local := slices.Concat([]string{"@", host}, localhosts(host), localNames(b.Model), []string{accountsDomain, "+virtmap_domains"})
	for i := 1; i < len(local); i++ {
		if slices.Contains(local[:i], local[i]) {
			local = slices.Delete(local, i, i+1)
			i--
		}
	}
	var out strings.Builder
	out.WriteString(mta.Header(b.Model, "Macros and lists of domains"))
	fmt.Fprintf(&out, `.ifndef VIRTMAP_DIR
VIRTMAP_DIR = %s
.endif
VIRTMAP_ROW = %s{%s}{$value}
VIRTMAP_MAILBOXES = %s;%s
domainlist virtmap_domains = %s;%s
MAIN_LOCAL_DOMAINS = %s
MAIN_RELAY_TO_DOMAINS = lsearch;VIRTMAP_DIR/%s
MAIN_ACL_CHECK_RCPT = VIRTMAP_DIR/%s
`, b.Model.Host.MailDir.Text, t.lookup, t.path(fileAddresses), t.lookup, t.path(fileMailboxes), t.lookup, t.path(fileDomains),
		strings.Join(local, " : "), fileRelay, fileACL)
	out.WriteString("CHECK_RCPT_LOCAL_LOCALPARTS = ${if match_domain{$domain}{+virtmap_domains}{^.*[@%!`]}{^[.] : ^.*[@%!/|`#&?]}}\n")
	return []byte(out.String())
}
