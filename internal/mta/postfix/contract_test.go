package postfix_test

import (
	"testing"

	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/workshop/peer"
)

func TestContract(t *testing.T) {
	mtatest.Run(t, mtatest.Subject{Server: postfix.Server}, peer.Campaign(8))
}
