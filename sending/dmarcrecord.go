package sending

import (
	"fmt"
	"strings"

	"github.com/emersion/go-msgauth/dmarc"

	"virtmap/internal/mailaddr"
)

// isDMARC reports whether a text is a DMARC record: its first tag is v=DMARC1 (RFC 7489
// 6.6.3).
func isDMARC(text string) bool { return strings.HasPrefix(withoutWhite(text)+";", "v=DMARC1;") }

// A dmarcRecord is a DMARC record as receivers read it.
type dmarcRecord struct {
	dmarc.Record
	reports []string // the addresses that get reports, without mailto: and size
}

// readDMARC reads a DMARC record. fatal are the mistakes with which receivers ignore the
// whole record, and others those with which they ignore a tag (RFC 7489 6.3, 6.6.3).
func readDMARC(text string) (r dmarcRecord, fatal, others []string) {
	list, mistakes := readTags(text)
	for _, m := range mistakes {
		if strings.HasSuffix(m, "twice") {
			fatal = append(fatal, m) // which of the two counts is not said
		} else {
			others = append(others, m)
		}
	}
	good := []string{"v=DMARC1"}
	mailto := false
	for _, t := range list {
		value := t.value
		switch t.name {
		case "v", "p":
			continue
		case "rua", "ruf":
			addrs, wrong := reportAddresses(t)
			r.reports = append(r.reports, addrs...)
			others = append(others, wrong...)
			mailto = mailto || t.name == "rua" && len(addrs) > 0
		case "adkim", "aspf", "fo", "pct", "rf", "ri", "sp":
			value = mailaddr.Lower(withoutWhite(value))
			if _, err := dmarc.Parse("v=DMARC1; p=none; " + t.name + "=" + value); err != nil {
				others = append(others, fmt.Sprintf("%s=%s has no meaning, and is ignored", t.name, t.value))
				continue
			}
		default:
			continue // receivers ignore tags that they do not know
		}
		good = append(good, t.name+"="+value)
	}
	policy, problem, harmless := readPolicy(list, mailto)
	if problem != "" && harmless {
		others = append(others, problem)
	} else if problem != "" {
		fatal = append(fatal, problem)
	}
	parsed, err := dmarc.Parse(strings.Join(good, "; ") + "; p=" + policy)
	if err != nil {
		return r, append(fatal, strings.TrimPrefix(err.Error(), "dmarc: ")), others
	}
	r.Record = *parsed
	return r, fatal, others
}

// readPolicy returns the value of p=. Without a good one, the record counts as p=none when
// it asks for reports, and is ignored otherwise (RFC 7489 6.6.3).
func readPolicy(list tags, reports bool) (policy, problem string, harmless bool) {
	switch p := list.find("p"); {
	case p == nil:
		return "none", "p= is missing" + asNone(reports), reports
	default:
		value := mailaddr.Lower(p.value)
		if _, err := dmarc.Parse("v=DMARC1; p=" + value); err != nil {
			return "none", fmt.Sprintf("p=%s is not none, quarantine or reject%s", p.value, asNone(reports)), reports
		}
		return value, "", false
	}
}

func asNone(reports bool) string {
	if reports {
		return ", and counts as none"
	}
	return ""
}

// reportAddresses returns the mail addresses of rua= or ruf=, and the mistakes.
func reportAddresses(t tag) (addrs, mistakes []string) {
	for _, uri := range strings.Split(t.value, ",") {
		uri = strings.Trim(uri, white)
		scheme, rest, _ := strings.Cut(uri, ":")
		address, _, _ := strings.Cut(rest, "!")
		switch local, domain, ok := strings.Cut(address, "@"); {
		case mailaddr.Lower(scheme) != "mailto" && strings.Contains(uri, "@"):
			mistakes = append(mistakes, fmt.Sprintf("%s=%s has no mailto: in front, and gets no reports", t.name, uri))
		case mailaddr.Lower(scheme) != "mailto":
			mistakes = append(mistakes, fmt.Sprintf("%s=%s is no mailto: address", t.name, uri))
		case !ok || local == "" || !strings.Contains(domain, ".") || strings.Contains(domain, "@"):
			mistakes = append(mistakes, fmt.Sprintf("%s=%s is no mail address", t.name, uri))
		default:
			addrs = append(addrs, address)
		}
	}
	return addrs, mistakes
}
