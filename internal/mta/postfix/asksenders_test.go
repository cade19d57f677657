package postfix_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/fileset"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/outcome"
	"virtmap/internal/publish"
	"virtmap/internal/workshop/peer"
)

// TestTheInstalledPostfixIsAskedAboutSenders asks an installed Postfix with Debian's
// configuration, without and with its submission service.
func TestTheInstalledPostfixIsAskedAboutSenders(t *testing.T) {
	peer.PostfixRoot(t)
	if !peer.Namespace(t) {
		return
	}
	peer.InstallPostfix(t, "mx1.shop.test")
	b := shopBuild(t, strings.Replace(sending, "map: texthash", "map: hash", 1))
	work := peer.SafeDir(t)
	outputs, err := fileset.Outputs(postfix.Server, b, work, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publish.Publish(context.Background(), publish.Set{Outputs: outputs, State: filepath.Join(work, ".state"), FS: publish.OS, Adopt: true}); err != nil {
		t.Fatal(err)
	}
	const masterCF = "/etc/postfix/master.cf"
	usual, err := os.ReadFile(masterCF)
	if err != nil {
		t.Fatal(err)
	}
	logins := []outcome.Login{{User: "andrei", From: "fake@a.test"}, {User: "bea", From: "fake@a.test"}, {User: "andrei", From: "andrei@mx1.shop.test"}, {User: "andrei", From: "x@far.example"}, {User: "andrei"}, {From: "fake@a.test"}}
	for _, test := range []struct{ it, more, want string }{
		{"as Debian has it", "", "yes no yes no yes yes"},
		{"with submission", "submission inet n - y - - smtpd\n  -o syslog_name=postfix/submission\n  -o smtpd_tls_security_level=encrypt\n  -o smtpd_sasl_auth_enable=yes\n" +
			"  -o smtpd_tls_auth_only=yes\n  -o smtpd_client_restrictions=$mua_client_restrictions\n  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n", "yes no yes no yes yes"},
		{"with submission that has other restrictions", "submission inet n - y - - smtpd\n  -o smtpd_sasl_auth_enable=yes\n  -o smtpd_sender_restrictions=$mua_sender_restrictions\n", "yes yes yes yes yes yes"},
	} {
		if err := os.WriteFile(masterCF, append(slices.Clone(usual), test.more...), 0o644); err != nil {
			t.Fatal(err)
		}
		set, err := postfix.Server.Open(mta.Place{Dir: work, At: func(path string) string { return path }}, mta.Host{Name: "mx1.shop.test"})
		if err != nil {
			t.Fatal(err)
		}
		defer set.Close()
		asked, err := postfix.Server.Ask(t.Context(), mta.Asking{Build: b, Set: set, Work: work, Accounts: map[string]bool{"root": true}, Host: mta.Host{Name: "mx1.shop.test"}, Tell: func(line string) { t.Log(line) }})
		if err != nil {
			t.Fatal(err)
		}
		got, err := asked.(mta.AskedSenders).AskSenders(t.Context(), logins)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Fields(test.want)
		for i, o := range got {
			if o.Taken != (want[i] == "yes") {
				t.Errorf("%s: %q from <%s> is %+v, want %s", test.it, logins[i].User, logins[i].From, o, want[i])
			}
			if routed, _ := asked.Set().(mta.Sending).Sends(logins[i].User, logins[i].From); logins[i].User != "" && routed.Taken != o.Taken {
				t.Errorf("%s: %q from <%s> is %+v, and for the set %+v", test.it, logins[i].User, logins[i].From, o, routed)
			}
		}
		if err := asked.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
