package opensmtpd_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/mta/opensmtpd/program"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// loginServer is a real OpenSMTPD at which users log in.
type loginServer struct{ *program.Server }

func (s loginServer) AskSenders(ctx context.Context, logins []outcome.Login) ([]outcome.Outcome, error) {
	return s.Senders(ctx, logins)
}

// withoutExceptions returns a generated inventory with few catch-alls that have recipients,
// and few addresses with a detail: beside them, a user may often not send from every address
// (VM130).
func withoutExceptions(text string) string {
	n := 0
	return exceptions.ReplaceAllStringFunc(sample.Plain(text), func(line string) string {
		switch n++; {
		case n%8 == 0:
			return line
		case strings.Contains(line, "catch_all"):
			return line[:strings.Index(line, ":")] + ": reject"
		}
		return ""
	})
}

var exceptions = regexp.MustCompile(`(?m)^(?: {2,4}catch_all: [a-z\[].*|      [^ +]+\+(?:odd|detail): .*)$`)

// TestSendersAgainstOpenSMTPD has users of generated inventories log in at the real
// OpenSMTPD.
func TestSendersAgainstOpenSMTPD(t *testing.T) {
	peer.OpenSMTPDRoot(t)
	mtatest.SendingProgram{
		Server: opensmtpd.Server, Name: "OpenSMTPD", Sayable: withoutExceptions,
		Start: func(t testing.TB, dir string, b mta.Build) mta.AskedSenders {
			return loginServer{start(t, dir, b.(opensmtpd.Build))}
		},
	}.Run(t, peer.Campaign(8), func() string { return peer.SafeDir(t) })
}
