package opensmtpd_test

import (
	"math/rand/v2"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

var subject = mtatest.Subject{Server: opensmtpd.Server, Configuration: configuration, Sayable: sample.Plain, LooseDetails: true}

// configuration returns an smtpd.conf that includes virtmap.conf.
func configuration(dir string, b mta.Build) (name string, lines []string) {
	lines = []string{
		`action "local" maildir alias <aliases>`, `include "` + dir + `/virtmap.conf"`, `match from local for any action "relay"`,
	}
	if b.Inventory().Submission.Authorise {
		lines = append(lines, "listen on eth0 tls-require pki x auth senders <virtmap_senders>")
	}
	return "smtpd.conf", lines
}

func TestContract(t *testing.T) { mtatest.Run(t, subject, peer.Campaign(30)) }

// TestContractWithSenders is the same with inventories that say who may send.
func TestContractWithSenders(t *testing.T) {
	with := subject
	with.Sayable = func(text string) string {
		return withoutExceptions(mtatest.Authorising(rand.New(rand.NewPCG(1, uint64(len(text)))), text))
	}
	mtatest.Run(t, with, peer.Campaign(5))
}
