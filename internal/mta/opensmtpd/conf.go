package opensmtpd

import (
	_ "embed"
	"strings"

	"virtmap/internal/mta"
)

//go:embed virtmap.conf
var confText string

// Marks of lines of virtmap.conf that are not in every one.
const (
	detailsMark = "rcpt-to regex"   // in each line that asks a table of details
	sendersMark = "virtmap_senders" // in the line about the table of senders
)

// conf returns virtmap.conf. It is the same for all inventories with the same mail_dir and
// host, but for the lines about details and about senders.
func (b Build) conf() []byte {
	var out strings.Builder
	out.WriteString(mta.Header(b.Model, "Tables and rules"))
	for line := range strings.Lines(strings.ReplaceAll(confText, "DIR", b.Model.Host.MailDir.Text)) {
		details, senders := strings.Contains(line, detailsMark), strings.Contains(line, sendersMark)
		if (b.rows.details || !details) && (b.Model.Submission.Authorise || !senders) {
			out.WriteString(line)
		}
	}
	return []byte(out.String())
}

// asksDetails reports whether a virtmap.conf asks the tables of details.
func asksDetails(conf []byte) bool { return strings.Contains(string(conf), detailsMark) }

// hasSenders reports whether a virtmap.conf has the table of senders.
func hasSenders(conf []byte) bool { return strings.Contains(string(conf), sendersMark) }
