package sending

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"virtmap/mxcheck"
)

// A Verdict is the result of the check of one domain, or of the host.
type Verdict struct {
	Name     string // the domain, or the host's own name
	Level    mxcheck.Level
	Findings []Finding        // the worst first
	Records  []mxcheck.Record // the records from the DNS that are about the name
}

// A Finding is one fact about a domain or the host.
type Finding struct {
	ID      ID
	Level   mxcheck.Level
	Text    string   // a sentence, without a full stop
	Advice  string   // what the postmaster can do; may be empty
	Publish []string // lines of a zone file; may be empty
}

// Basis returns the Basis of the finding's rule.
func (f *Finding) Basis() string { return ruleByID[f.ID].Basis }

// finding makes a finding of a rule.
func finding(id ID, format string, args ...any) Finding {
	return Finding{ID: id, Level: ruleByID[id].Level, Text: fmt.Sprintf(format, args...)}
}

// advise returns the finding with an advice.
func (f Finding) advise(format string, args ...any) Finding {
	f.Advice = fmt.Sprintf(format, args...)
	return f
}

// publish returns the finding with lines to publish.
func (f Finding) publish(lines ...string) Finding {
	f.Publish = slices.DeleteFunc(lines, func(line string) bool { return line == "" })
	return f
}

// lowered returns the finding with a lower level.
func (f Finding) lowered(level mxcheck.Level) Finding {
	f.Level = min(f.Level, level)
	return f
}

// noAnswer makes the finding of a question without an answer. A name that is in none of the
// zone files, such as that of an included record, is a warning only, because it is in none
// the next time either.
func noAnswer(id ID, name string, a mxcheck.Answer) Finding {
	if a.Failure == mxcheck.DNSNoZone {
		return finding(id, "%s is in none of the zone files", name).lowered(mxcheck.Warning)
	}
	return finding(id, "%s: %s", name, a.Why()).advise("it is asked again the next time")
}

// add adds findings.
func (v *Verdict) add(findings ...Finding) {
	for _, f := range findings {
		v.Findings = append(v.Findings, f)
		v.Level = max(v.Level, f.Level)
	}
	slices.SortStableFunc(v.Findings, func(a, b Finding) int { return int(b.Level) - int(a.Level) })
}

// has reports whether there is a finding with an id.
func (v *Verdict) has(id ID) bool {
	return slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.ID == id })
}

// lineTTL is the time to live of lines to publish, in seconds.
const lineTTL = 3600

// txtLine returns the line of a TXT record.
func txtLine(name, text string) string {
	return mxcheck.Record{Name: name, Type: mxcheck.TypeTXT, TTL: lineTTL, Text: text}.String()
}

// addressLine returns the line of an address.
func addressLine(name string, addr netip.Addr) string {
	r := mxcheck.Record{Name: name, Type: mxcheck.TypeA, TTL: lineTTL, Addr: addr.Unmap()}
	if r.Addr.Is6() {
		r.Type = mxcheck.TypeAAAA
	}
	return r.String()
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "s") {
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
