package exim_test

import (
	"context"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/exim/program"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// loginExim is a real Exim at which users log in.
type loginExim struct{ *program.Exim }

func (e loginExim) AskSenders(ctx context.Context, logins []outcome.Login) ([]outcome.Outcome, error) {
	return e.Senders(ctx, logins)
}

// TestSendersAgainstExim has users of generated inventories log in at the real Exim.
func TestSendersAgainstExim(t *testing.T) {
	peer.EximRoot(t)
	mtatest.SendingProgram{
		Server: exim.Server, Name: "Exim",
		Start: func(t testing.TB, dir string, b mta.Build) mta.AskedSenders {
			return loginExim{startExim(t, dir, b.(exim.Build))}
		},
	}.Run(t, peer.Campaign(9), func() string { return peer.SafeDir(t) })
}
