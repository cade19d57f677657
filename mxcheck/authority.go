package mxcheck

import (
	"context"
	"slices"
	"strings"
)

// Authorities is a Resolver that can put a question to each of the name
// servers of the zone that a name is in.
type Authorities interface {
	AskAuthorities(ctx context.Context, q Question) []Answer
}

// consistent compares what the name servers of a zone say.
func (j *judgement) consistent(answers []Answer) {
	var said []string
	differ := false
	for _, a := range answers {
		text := a.Server + " has " + mxText(a)
		differ = differ || mxText(a) != mxText(answers[0])
		said = append(said, text)
	}
	slices.Sort(said)
	if differ {
		j.add(finding(InconsistentNS, "its name servers disagree: %s", strings.Join(said, "; ")).
			advise("wait until all of them have the new zone, or mend the one that stays behind"))
	}
}

func mxText(a Answer) string {
	switch {
	case a.Failure != "":
		return "no answer (" + failureText(a) + ")"
	case a.NoName:
		return "no such name"
	case len(a.Records) == 0:
		return "no MX"
	}
	return "MX " + strings.Join(targetNames(a.Records), ", MX ")
}
