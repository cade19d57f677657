package cli

import (
	"strings"
	"testing"

	"virtmap/internal/build"
)

// TestOtherHost builds with the inventory of another machine. The message says what to
// write.
func TestOtherHost(t *testing.T) {
	for _, c := range []struct {
		it   string
		host build.OtherHost
		want string
	}{
		{"says the name of this machine", build.OtherHost{Here: "here.example", Wanted: "mx2.example.net"}, `write "host: {name: here.example}" into the inventory`},
		{"says the name that sendmail.cf has", build.OtherHost{Here: "here.example", Called: "mx1.example.net", Wanted: "mx2.example.net", Config: "sendmail.cf"},
			`calls "mx1.example.net", and the inventory is for "mx2.example.net", so that nothing was written. ` +
				`If it is that server, write "host: {name: mx1.example.net}" into the inventory, or put mx2.example.net beside here.example`},
	} {
		if err := buildExit(&c.host, Stdio{}); exitCode(err) != exitRefused || !strings.Contains(err.Error(), c.want) {
			t.Errorf("it %s: %v", c.it, err)
		}
	}
}
