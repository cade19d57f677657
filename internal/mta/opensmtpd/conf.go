package opensmtpd

import (
	_ "embed"
	"strings"

	"virtmap/internal/mta"
)

//go:embed virtmap.conf
var confText string

// detailsMark is in each line of virtmap.conf that asks a table of details.
const detailsMark = "rcpt-to regex"

// conf returns virtmap.conf. It is the same for all inventories with the same mail_dir and
// host, but for the lines about details.
func (b Build) conf() []byte {
	var out strings.Builder
	out.WriteString(mta.Header(b.Model, "Tables and rules"))
	for line := range strings.Lines(strings.ReplaceAll(confText, "DIR", b.Model.Host.MailDir.Text)) {
		if b.rows.details || !strings.Contains(line, detailsMark) {
			out.WriteString(line)
		}
	}
	return []byte(out.String())
}

// asksDetails reports whether a virtmap.conf asks the tables of details.
func asksDetails(conf []byte) bool { return strings.Contains(string(conf), detailsMark) }
