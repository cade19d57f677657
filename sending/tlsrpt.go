package sending

import (
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/mxcheck"
)

// isTLSRPT reports whether a text asks for reports about TLS (RFC 8460 3).
func isTLSRPT(text string) bool { return strings.HasPrefix(withoutWhite(text)+";", "v=TLSRPTv1;") }

// checkReports checks the record that asks for reports about TLS. Nothing is said about a
// domain without one.
func (d *domainCheck) checkReports() {
	name := "_smtp._tls." + d.Domain
	texts, failed := d.txt(name, isTLSRPT)
	switch {
	case failed.Failure != "" && failed.Failure != mxcheck.DNSNoZone:
		d.add(noAnswer(TLSRPTUnknown, name, failed))
	case len(texts) > 1:
		d.add(finding(TLSRPTSyntax, "%s has %d records, and all are ignored", name, len(texts)).advise("publish one"))
	case len(texts) == 1:
		d.checkReportRecord(name, texts[0])
	}
}

func (d *domainCheck) checkReportRecord(name, text string) {
	list, mistakes := readTags(text)
	rua := list.find("rua")
	if rua == nil {
		mistakes = append(mistakes, "rua= is missing, which says where reports go")
	} else {
		for _, uri := range strings.Split(rua.value, ",") {
			uri = strings.Trim(uri, white)
			scheme, rest, _ := strings.Cut(uri, ":")
			switch scheme = mailaddr.Lower(scheme); {
			case scheme == "https" && strings.HasPrefix(rest, "//"):
			case scheme == "mailto" && strings.Contains(rest, "@"):
			default:
				mistakes = append(mistakes, uri+" is neither mailto: nor https:")
			}
		}
	}
	if len(mistakes) > 0 {
		d.add(finding(TLSRPTSyntax, "%s: %s", name, strings.Join(mistakes, "; ")))
	}
}
