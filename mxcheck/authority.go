package mxcheck

import (
	"context"
	"slices"
	"strings"
)

// Authorities is a Resolver that can ask each name server of the zone of a name.
type Authorities interface {
	AskAuthorities(ctx context.Context, q Question) []Answer
}

// consistent compares the answers of the name servers of a zone, and adds a
// finding when they differ.
func (j *judgement) consistent(answers []Answer) {
	var answered, silent []string
	differ, first := false, ""
	for _, a := range answers {
		if a.Failure != "" {
			silent = append(silent, a.Server+" ("+failureText(a)+")")
			continue
		}
		text := mxText(a)
		if first == "" {
			first = text
		}
		differ = differ || text != first
		answered = append(answered, a.Server+" has "+text)
	}
	slices.Sort(answered)
	slices.Sort(silent)
	if differ {
		j.add(finding(InconsistentNS, "its name servers disagree: %s", strings.Join(answered, "; ")).
			advise("wait until all of them have the new zone, or mend the one that stays behind"))
	}
	if len(silent) > 0 {
		f := finding(DNSLame, "some of its name servers gave us no answer: %s", strings.Join(silent, "; ")).
			advise("nothing to do if this machine may not ask them, or has no IPv6; else have them mended")
		f.Level = Warning
		j.add(f)
	}
}

// mxText describes the MX records of an answer.
func mxText(a Answer) string {
	switch {
	case a.NoName:
		return "no such name"
	case len(a.Records) == 0:
		return "no MX"
	}
	return "MX " + strings.Join(targetNames(a.Records), ", MX ")
}
