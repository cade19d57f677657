package program_test

import (
	"fmt"
	"maps"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/outcome"
)

// owners are the rows of smtpd_sender_login_maps of these tests.
const owners = `
a@shop.example andrei
two@shop.example bea, andrei
andrei@mx1.example.net andrei
"b c"@shop.example andrei
d+x@shop.example bea
d@shop.example andrei
bare andrei
@all.example bea
e@all.example andrei
@none.example none
big@shop.example Andrei
`

// loginOptions returns options of an instance with owners, at which users log in.
func loginOptions(t *testing.T, lines string) program.Options {
	t.Helper()
	files := maps.Clone(tables)
	files["owners"] = owners
	o := options(t, files)
	o.Main = append(o.Main, "\nsmtpd_sender_login_maps = texthash:/etc/postfix/owners\n"+lines+"\n"...)
	o.Logins = true
	return o
}

// startLogins starts an instance of loginOptions.
func startLogins(t *testing.T, lines string) *program.Instance {
	return start(t, loginOptions(t, lines))
}

// replies returns the replies to logins as "code status text".
func replies(t *testing.T, p *program.Instance, logins []outcome.Login) (all []string) {
	t.Helper()
	outcomes, err := p.Logins(t.Context(), logins)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		all = append(all, fmt.Sprintf("%d %s %s", o.Code, o.Status, o.Text))
	}
	return all
}

// TestEachRestrictionOfLogins is the table of the restrictions about senders who have logged
// in (postconf(5)).
func TestEachRestrictionOfLogins(t *testing.T) {
	logins := []outcome.Login{
		{User: "", From: "a@shop.example"}, {User: "andrei", From: "a@shop.example"}, {User: "bea", From: "a@shop.example"}, {User: "andrei", From: "unlisted@shop.example"},
		{User: "", From: "x@far.example"}, {User: "andrei", From: "x@far.example"}, {User: "andrei", From: ""},
	}
	owned := func(user string) string { return "553 5.7.1 not owned by user " + user }
	const ok, not = "250 2.1.0 Ok", "553 5.7.1 not logged in"
	for restriction, want := range map[string][]string{
		"reject_authenticated_sender_login_mismatch":   {ok, ok, owned("bea"), owned("andrei"), ok, owned("andrei"), ok},
		"reject_sender_login_mismatch":                 {not, ok, owned("bea"), owned("andrei"), ok, owned("andrei"), ok},
		"reject_known_sender_login_mismatch":           {not, ok, owned("bea"), ok, ok, ok, ok},
		"reject_unauthenticated_sender_login_mismatch": {not, ok, ok, ok, ok, ok, ok},
	} {
		t.Run(restriction, func(t *testing.T) {
			got := replies(t, startLogins(t, "smtpd_sender_restrictions = "+restriction), logins)
			for i, l := range logins {
				if got[i] != want[i] {
					t.Errorf("login %q from <%s>: %q, want %q", l.User, l.From, got[i], want[i])
				}
			}
		})
	}
}

// TestKeysOfLogins is which row of smtpd_sender_login_maps an address finds.
func TestKeysOfLogins(t *testing.T) {
	p := startLogins(t, "smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch")
	for _, test := range []struct{ it, user, from, want string }{
		{"the address", "andrei", "a@shop.example", "yes"},
		{"another case of the address", "andrei", "A@Shop.Example", "yes"},
		{"another case of the login", "ANDREI", "a@shop.example", "yes"},
		{"another case in the row", "andrei", "big@shop.example", "yes"},
		{"the second of two users", "andrei", "two@shop.example", "yes"},
		{"the first of two users", "bea", "two@shop.example", "yes"},
		{"a part of a name", "andre", "a@shop.example", "no"},
		{"a detail", "andrei", "a+list@shop.example", "yes"},
		{"an empty detail", "andrei", "a+@shop.example", "yes"},
		{"a listed detail", "bea", "d+x@shop.example", "yes"},
		{"a listed detail of another one", "andrei", "d+x@shop.example", "no"},
		{"another detail beside a listed one", "andrei", "d+y@shop.example", "yes"},
		{"a bare name at the host", "andrei", "bare@mx1.example.net", "yes"},
		{"a bare name at localhost", "andrei", "bare@localhost", "yes"},
		{"a bare name at a virtual domain", "andrei", "bare@shop.example", "no"},
		{"a name without a domain", "andrei", "andrei", "yes"},
		{"a whole domain", "bea", "anything@all.example", "yes"},
		{"a detail at a whole domain", "bea", "x+y@all.example", "yes"},
		{"a listed address of a whole domain", "bea", "e@all.example", "no"},
		{"a whole domain of nobody", "andrei", "x@none.example", "no"},
		{"a domain below", "bea", "x@sub.all.example", "no"},
		{"quotes that are not needed", "andrei", `"a"@shop.example`, "yes"},
		{"quotes that are needed", "andrei", `"b c"@shop.example`, "yes"},
		{"a quoted detail", "andrei", `"a+b c"@shop.example`, "yes"},
		{"a source route", "andrei", "@relay.example:a@shop.example", "yes"},
		{"a percent hack", "andrei", "a%shop.example@mx1.example.net", "yes"},
		{"a bang path", "andrei", "shop.example!a", "yes"},
		{"a dot behind the domain", "andrei", "a@shop.example.", "yes"},
		{"the null sender", "andrei", "", "yes"},
		{"an address elsewhere", "andrei", "andrei@far.example", "no"},
		{"nobody's login", "", "a@shop.example", "yes"},
	} {
		got := replies(t, p, []outcome.Login{{User: test.user, From: test.from}})[0]
		if took := strings.HasPrefix(got, "250 "); took != (test.want == "yes") {
			t.Errorf("%s: %q from <%s> is answered %q, want %s", test.it, test.user, test.from, got, test.want)
		}
	}
}

// TestWithoutLoginsTheRestrictionIsIgnored is what the log says of each recipient if an smtpd
// lets nobody log in.
func TestWithoutLoginsTheRestrictionIsIgnored(t *testing.T) {
	p := startLogins(t, "smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch")
	if _, err := p.RCPT(t.Context(), []string{"fake@shop.example", "info@shop.example"}); err != nil {
		t.Fatal(err)
	}
	const warning = "restriction `reject_authenticated_sender_login_mismatch' ignored: no SASL support"
	if n := strings.Count(p.Log(), warning); n != 2 {
		t.Errorf("the log says %d times that the restriction is ignored, want 2:\n%s", n, p.Log())
	}
}

// TestTheServiceOfLoginsIsThatOfTheSite: the options of the submission service count.
func TestTheServiceOfLoginsIsThatOfTheSite(t *testing.T) {
	for _, test := range []struct{ it, master, want string }{
		{"without master.cf main.cf counts", "", "553 5.7.1 not owned by user bea"},
		{"of a service for strangers", "smtp inet n - y - - smtpd -o smtpd_sender_restrictions=\n", "250 2.1.0 Ok"},
		{"of the submission service", "smtp inet n - y - - smtpd -o smtpd_sender_restrictions=\nsubmission inet n - y - - smtpd\n", "553 5.7.1 not owned by user bea"},
		{"of a service that enables logins", "submission inet n - y - - smtpd\n[::1]:10587 inet n - y - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_sender_restrictions=\n", "250 2.1.0 Ok"},
		{"that only takes who has logged in", "587 inet n - y - - smtpd -o smtpd_client_restrictions=permit_sasl_authenticated,reject -o smtpd_sasl_type=cyrus -o smtpd_tls_security_level=encrypt\n", "553 5.7.1 not owned by user bea"},
		{"with a path as its command", "smtps inet n - y - - ./smtpd -o smtpd_sender_restrictions=\n", "250 2.1.0 Ok"},
		{"that refuses at MAIL", "submission inet n - y - - smtpd -o smtpd_delay_reject=no\n", "553 5.7.1 not owned by user bea"},
	} {
		t.Run(test.it, func(t *testing.T) {
			o := loginOptions(t, "smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch")
			o.Master = []byte(test.master)
			if got := replies(t, start(t, o), []outcome.Login{{User: "bea", From: "a@shop.example"}})[0]; got != test.want {
				t.Errorf("bea from <a@shop.example> is answered %q, want %q", got, test.want)
			}
		})
	}
}

// TestOnlyTheInstanceKnowsThePassword: another program cannot log in.
func TestOnlyTheInstanceKnowsThePassword(t *testing.T) {
	p := startLogins(t, "")
	master, err := os.ReadFile(filepath.Join(p.Folder(), "etc", "master.cf"))
	if err != nil {
		t.Fatal(err)
	}
	addr := regexp.MustCompile(`inet:(127\.0\.0\.1:\d+)`).FindSubmatch(master)
	if addr == nil {
		t.Fatalf("master.cf names no authentication server:\n%s", master)
	}
	conn, err := textproto.Dial("tcp", string(addr[1]))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, resp := range []string{"AGFuZHJlaQB4", "AGFuZHJlaQA=", "!", ""} { // andrei with the password x, with none, and nonsense
		if err := conn.PrintfLine("AUTH\t1\tPLAIN\tservice=smtp\tresp=%s", resp); err != nil {
			t.Fatal(err)
		}
		for said := ""; said != "FAIL\t1"; {
			if said, err = conn.ReadLine(); err != nil || strings.HasPrefix(said, "OK") {
				t.Fatalf("%q is answered %q, %v", resp, said, err)
			}
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := textproto.Dial("tcp", string(addr[1])); err == nil {
		t.Error("the authentication server is still there after Close")
	}
}
