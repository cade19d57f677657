package opensmtpd_test

import (
	"regexp"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/workshop/peer"
)

var subject = mtatest.Subject{Server: opensmtpd.Server, Configuration: configuration, Sayable: sayable, LooseDetails: true}

// configuration returns an smtpd.conf that includes virtmap.conf.
func configuration(dir string, _ mta.Build) (name string, lines []string) {
	return "smtpd.conf", []string{
		`action "local" maildir alias <aliases>`, `include "` + dir + `/virtmap.conf"`, `match from local for any action "relay"`,
	}
}

func TestContract(t *testing.T) { mtatest.Run(t, subject, peer.Campaign(30)) }

// sayable returns a generated inventory without most of what OpenSMTPD cannot say.
func sayable(text string) string {
	text = strings.NewReplacer("detail: keep", "detail: drop", ", bounces_to: bin", "", "{domain: partner.example}", "ann@partner.example").Replace(text)
	text = details.ReplaceAllString(text, "out@relay.example")
	return catchAll.ReplaceAllString(text, "catch_all: out@relay.example")
}

// details finds targets with a parameter that is a detail, catchAll those that any user has.
var (
	details  = regexp.MustCompile(`"[^"\n]*%[23][^"\n]*@relay\.example"`)
	catchAll = regexp.MustCompile(`catch_all: "%1@relay\.example"`)
)
