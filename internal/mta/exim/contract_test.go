package exim_test

import (
	"math/rand/v2"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/workshop/peer"
)

var subject = mtatest.Subject{Server: exim.Server, Configuration: configuration}

// configuration returns a configuration that includes the files of a build.
func configuration(dir string, _ mta.Build) (name string, lines []string) {
	return "exim4.conf", []string{
		".include " + dir + "/main",
		"domainlist local_domains = MAIN_LOCAL_DOMAINS", "domainlist relay_to_domains = MAIN_RELAY_TO_DOMAINS", "acl_smtp_rcpt = MAIN_ACL_CHECK_RCPT", "acl_check_rcpt:",
		"begin routers", ".include " + dir + "/routers", ".include " + dir + "/routers-last",
		".include " + dir + "/transports",
	}
}

func TestContract(t *testing.T) { mtatest.Run(t, subject, peer.Campaign(30)) }

// TestContractWithSenders is the same with inventories that say who may send.
func TestContractWithSenders(t *testing.T) {
	with := subject
	with.Sayable = func(text string) string {
		return mtatest.Authorising(rand.New(rand.NewPCG(1, uint64(len(text)))), text)
	}
	mtatest.Run(t, with, peer.Campaign(5))
}
