package exim_test

import (
	"testing"

	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/workshop/peer"
)

var subject = mtatest.Subject{Server: exim.Server}

func TestContract(t *testing.T) { mtatest.Run(t, subject, peer.Campaign(30)) }
