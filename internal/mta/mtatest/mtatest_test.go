package mtatest_test

import (
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/workshop/peer"
)

var subject = mtatest.Subject{Server: sendmail.Server, Configuration: sendmailCF}

// sendmailCF is a sendmail.cf that reads all files of a build.
func sendmailCF(_ string, of mta.Build) (name string, lines []string) {
	b := of.(sendmail.Build)
	s := b.Settings()
	files := []string{"virtusertable", "local-host-names"}
	if b.NeedsAliases() {
		files = append(files, "virtmap-aliases")
	}
	if s.Relay {
		files = append(files, "virtmap-relay-domains")
	}
	for _, file := range files {
		lines = append(lines, s.CFLine(file))
	}
	return "sendmail.cf", lines
}

func TestSendmailKeepsTheContract(t *testing.T) { mtatest.Run(t, subject, peer.Campaign(8)) }

// TestAWrongServerIsCaught tries servers that are wrong on purpose.
func TestAWrongServerIsCaught(t *testing.T) {
	for name, wrong := range map[string]func(mta.Server) *mta.Server{
		"its rows are in another order":      reversed,
		"a row is lost":                      altered(withoutARow),
		"two targets are swapped":            altered(withTargetsSwapped),
		"a domain is not served":             altered(withoutADomain),
		"it keeps nothing of what leaves":    keepingNothing,
		"its aliases come behind their rows": withAliasesLast,
		"it sees no gap":                     withoutGaps,
	} {
		t.Run(name, func(t *testing.T) {
			caught := caughtAt(t, mtatest.Subject{Server: wrong(*sendmail.Server), Configuration: sendmailCF})
			t.Logf("%v", caught)
			if caught == nil {
				t.Error("it keeps the contract")
			}
		})
	}
}

// caughtAt returns the first fault that the contract finds.
func caughtAt(t *testing.T, s mtatest.Subject) error {
	for seed := range uint64(20) {
		if _, err := mtatest.Try(t.TempDir(), s, seed); err != nil && !isFaults(err) {
			return err
		}
	}
	return nil
}
