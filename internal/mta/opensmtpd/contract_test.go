package opensmtpd_test

import (
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

var subject = mtatest.Subject{Server: opensmtpd.Server, Configuration: configuration, Sayable: sample.Plain, LooseDetails: true}

// configuration returns an smtpd.conf that includes virtmap.conf.
func configuration(dir string, _ mta.Build) (name string, lines []string) {
	return "smtpd.conf", []string{
		`action "local" maildir alias <aliases>`, `include "` + dir + `/virtmap.conf"`, `match from local for any action "relay"`,
	}
}

func TestContract(t *testing.T) { mtatest.Run(t, subject, peer.Campaign(30)) }
