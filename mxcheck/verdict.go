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

// A Verdict is what was found out about one domain.
type Verdict struct {
	Subject  Subject
	Level    Level
	Action   Action
	Findings []Finding // the one that decides first
	Records  []Record  // what they rest on
	Servers  []string  // who gave the records
	TTL      uint32    // seconds that the answer holds: of the MX records, or of the proof that there are none
}

// ID is the id of the finding that decides.
func (v *Verdict) ID() ID { return v.Findings[0].ID }

// Text is the cause in a sentence, without the domain's name.
func (v *Verdict) Text() string { return v.Findings[0].Text }

// A Finding is one thing that was found.
type Finding struct {
	ID     ID
	Level  Level
	Text   string // the cause, without the domain's name
	Advice string // what to do about it; empty: nothing
}

// Basis is what the finding rests on: an RFC, or a program that behaves so.
func (f *Finding) Basis() string { return ruleByID[f.ID].Basis }

// finding makes a finding of a rule.
func finding(id ID, format string, args ...any) Finding {
	return Finding{ID: id, Level: ruleByID[id].Level, Text: fmt.Sprintf(format, args...)}
}

func (f Finding) advise(format string, args ...any) Finding {
	f.Advice = fmt.Sprintf(format, args...)
	return f
}

// action is what the finding does to a domain. One that was made less than its
// rule says holds nothing back.
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

// add takes findings in and keeps the one that decides in front: the first of
// the highest level. One that keeps the domain as it was decides what is done.
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

// failed is the verdict on a domain of which nothing is known.
func failed(s Subject, a Answer) Verdict {
	v := Verdict{Subject: s}
	v.add(finding(a.Failure, "%s", failureText(a)).advise("%s", failureAdvice(a.Failure, s.Domain)))
	v.serve(a.Server)
	return v
}

// serve adds who gave the records.
func (v *Verdict) serve(servers ...string) {
	for _, server := range servers {
		if server != "" && !slices.Contains(v.Servers, server) {
			v.Servers = append(v.Servers, server)
		}
	}
}

// firstServer is who gave the MX records, or said that there are none.
func (v *Verdict) firstServer() string {
	if len(v.Servers) == 0 {
		return ""
	}
	return v.Servers[0]
}

func failureText(a Answer) string {
	meaning := ruleByID[a.Failure].Meaning
	text := lowerFirst(meaning[:len(meaning)-1])
	if a.Detail != "" {
		text += ": " + a.Detail
	}
	return text
}

// lowerFirst begins a sentence inside another one; an abbreviation stays.
func lowerFirst(s string) string {
	if s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return mailaddr.Lower(s[:1]) + s[1:]
}

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
