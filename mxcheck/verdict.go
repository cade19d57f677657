package mxcheck

import (
	"fmt"
	"slices"

	"virtmap/internal/mailaddr"
)

// A Subject is a domain to check.
type Subject struct {
	Domain string // lower-case A-labels
	Backup bool   // role: backup
	Skip   bool   // mx_check: skip
}

// A Verdict is the result of the check of one domain.
type Verdict struct {
	Subject  Subject
	Level    Level
	Action   Action
	Findings []Finding // the first decides
	Records  []Record  // the records from the DNS
	Servers  []string  // the servers that gave the records
	TTL      uint32    // seconds for which the verdict is valid: of the MX records, or of the proof that there are none
}

// ID returns the id of the finding that decides.
func (v *Verdict) ID() ID { return v.Findings[0].ID }

// Text returns the text of the finding that decides.
func (v *Verdict) Text() string { return v.Findings[0].Text }

// A Finding is one fact about a domain.
type Finding struct {
	ID     ID
	Level  Level
	Text   string // a sentence, without the domain's name
	Advice string // what the postmaster can do; empty: nothing
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

// action returns the action of a finding. A finding with a lower level than its
// rule does not hold the domain back.
func (f *Finding) action(s Subject) Action {
	action := ruleByID[f.ID].Action
	if f.Level < ruleByID[f.ID].Level {
		action = Write
	}
	if action == Write && s.Backup {
		return Relay
	}
	return action
}

// add adds findings. The first finding of the highest level moves to the front and
// decides. When a finding has the action Keep, that is the action of the verdict.
func (v *Verdict) add(findings ...Finding) {
	for _, f := range findings {
		v.Findings = append(v.Findings, f)
		action := f.action(v.Subject)
		if f.Level > v.Level || len(v.Findings) == 1 {
			last := len(v.Findings) - 1
			copy(v.Findings[1:], v.Findings[:last])
			v.Findings[0], v.Level = f, f.Level
			if v.Action != Keep {
				v.Action = action
			}
		}
		if action == Keep {
			v.Action = Keep
		}
	}
}

// failureVerdict returns the verdict when a question failed.
func failureVerdict(s Subject, a Answer) Verdict {
	v := Verdict{Subject: s}
	v.add(finding(a.Failure, "%s", failureText(a)).advise("%s", failureAdvice(a.Failure, s.Domain)))
	v.addServers(a.Server)
	return v
}

// addServers adds servers that gave records.
func (v *Verdict) addServers(servers ...string) {
	for _, server := range servers {
		if server != "" && !slices.Contains(v.Servers, server) {
			v.Servers = append(v.Servers, server)
		}
	}
}

// firstServer returns the server that answered the question for the MX records.
func (v *Verdict) firstServer() string {
	if len(v.Servers) == 0 {
		return ""
	}
	return v.Servers[0]
}

// Why describes the Failure of an Answer, for use within a sentence.
func (a *Answer) Why() string { return failureText(*a) }

// failureText describes a failure.
func failureText(a Answer) string {
	meaning := ruleByID[a.Failure].Meaning
	text := lowerFirst(meaning[:len(meaning)-1])
	if a.Detail != "" {
		text += ": " + a.Detail
	}
	return text
}

// lowerFirst returns a sentence with a lower-case first letter, for use within
// another sentence. An abbreviation keeps its capital.
func lowerFirst(s string) string {
	if s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return mailaddr.Lower(s[:1]) + s[1:]
}

// failureAdvice returns the advice for a failure.
func failureAdvice(id ID, domain string) string {
	switch id {
	case DNSTimeout, DNSServfail:
		return "nothing is changed; it is asked again"
	case DNSBogus:
		return "mend the DS and DNSKEY records of " + domain + " at its registrar"
	case DNSLame:
		return "ask whoever runs the name servers of " + domain + " to mend them"
	case DNSRefused, DNSNotImp, DNSFormErr, DNSNotRecursive, DNSBlocked, ResolverLies:
		return "name another resolver with --resolver"
	case DNSUnproved:
		return "name another resolver with --resolver; this one leaves out what proves an empty answer"
	case DNSTruncated:
		return "let TCP to port 53 of the resolver through"
	case DNSNoZone:
		return "give its zone file with --zone too, or ask the DNS"
	}
	return ""
}
