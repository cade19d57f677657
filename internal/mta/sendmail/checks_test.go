package sendmail

import (
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// TestCheck has one fault on each line. Other mail servers could do all of this.
func TestCheck(t *testing.T) {
	m, faults := inventory.Parse("mail.yaml", `version: 1
host: {name: mx1, mail_dir: /etc/dnl, map: hsah}
users:
  andrei: {mailbox: "/srv/a b"}
  bea: {mailbox: /srv/bea@x}
  carol: {mailbox: /srv/carol/}
  dave: {mailbox: /srv/dave, forward: "a%%b@ours.example", keep_copy: true}
domains:
  ours.example:
    addresses:
      one: "a%%b@ours.example"
      two: "%1%%%2@ours.example"
      fine: "a%%b@far.example"
      fine+*: "%1%3@ours.example"
      list: [andrei, "c%%d@ours.example"]
  off.example: {enabled: false}
`)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	Check(m, faults)
	var out strings.Builder
	if err := (diag.Printer{Sources: m.Sources}).Print(&out, faults); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`mail.yaml:2:14: warning[VM024]: the server's name "mx1" has no dot in it`,
		`mail.yaml:2:29: error[VM008]: mail_dir "/etc/dnl" has the word dnl in it, which m4 may expand in sendmail.mc`,
		`mail.yaml:2:44: error[VM008]: map is "hsah"`,
		`mail.yaml:2:44: help: did you mean hash? write hash, cdb or text`,
		`mail.yaml:4:21: error[VM008]: mailbox "/srv/a b" has ' ' in it, which sendmail.mc or an alias file would act on`,
		"    4 |   andrei: {mailbox: \"/srv/a b\"}\n      |                     ^^^^^^^^^^\n",
		`mail.yaml:5:18: error[VM008]: mailbox "/srv/bea@x" has an @ in it, and sendmail takes it for an address, not for a file`,
		`mail.yaml:6:20: error[VM008]: mailbox "/srv/carol/" ends in a slash, which means a Maildir`,
		`mail.yaml:7:39: error[VM010]: target "a%%b@ours.example" has a percent sign`,
		`mail.yaml:11:12: error[VM010]: target "a%%b@ours.example" has a percent sign, and sendmail takes a%b at a domain of its own for a route`,
		`mail.yaml:12:12: error[VM010]: target "%1%%%2@ours.example" has a percent sign`,
		`mail.yaml:15:22: error[VM010]: target "c%%d@ours.example" has a percent sign`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s\nis missing in\n%s", want, out.String())
		}
	}
	if n := faults.Count(diag.Error); n != 9 {
		t.Errorf("%d errors\n%s", n, out.String())
	}
}

// TestFine has an inventory without a fault for sendmail.
func TestFine(t *testing.T) {
	m, faults := inventory.Parse("mail.yaml", `version: 1
host: {name: mx1.example.net, map: cdb}
users: {andrei: {mailbox: /srv/mail/andrei}}
domains: {a.example: {addresses: {one: "a%%b@far.example", two+*: "%2@a.example"}}}
`)
	Check(m, faults)
	if all := faults.Faults(); len(all) > 0 {
		t.Error(all)
	}
}
