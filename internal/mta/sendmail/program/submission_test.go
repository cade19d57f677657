package program_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/workshop/peer"
)

// submitMail is an inventory in which the sendmail command writes virtual addresses.
const submitMail = `version: 1
host: {name: mx1.example.net}
users: {andrei: {sends_as: fake@fakemail.example}, bea: {sends_as: bee@fakemail.example}, carol: }
submission: {rewrite: msp}
domains:
  fakemail.example: {sends: yes, addresses: {fake: andrei, bee: bea, list: [andrei, bea]}}
`

// submitInclude is the line that a person adds to submit.mc.
const submitInclude = "include(`/etc/mail/virtmap-submit.mc')dnl\n"

// A submitter is a machine whose sendmail command gives its mail to a sink.
type submitter struct {
	*testing.T
	*program.Program
	*sink
}

// newSubmitter builds an inventory into /etc/mail, and starts the sink at an address.
func newSubmitter(t *testing.T, mail, sink string) *submitter {
	t.Helper()
	for _, name := range []string{"andrei", "bea", "carol"} {
		account(t, name)
	}
	layMachine(t)
	peer.Run(t, "", "rm", "/etc/mail/local-host-names") // Debian's, which a build does not replace
	if _, ok := built(t, "/etc/mail", mail); !ok {
		t.Fatal("the inventory has faults")
	}
	return &submitter{T: t, Program: installed(t), sink: newSink(t, sink)}
}

// submitCF makes submit.cf of Debian's submit.mc, with lines before FEATURE(`msp').
func (x *submitter) submitCF(lines string) {
	x.Helper()
	const msp = "FEATURE(`msp'"
	mc, err := os.ReadFile("/usr/share/sendmail/cf/debian/submit.mc")
	if err != nil || strings.Count(string(mc), "\n"+msp) != 1 {
		x.Fatalf("%v\n%s", err, mc)
	}
	cf, err := x.CF(strings.Replace(string(mc), "\n"+msp, "\n"+lines+msp, 1))
	if err != nil {
		x.Fatal(err)
	}
	overwrite(x.T, "/etc/mail/submit.cf", string(cf))
}

// submit runs the sendmail command as a user, and returns its exit code and its output.
func (x *submitter) submit(user, message string, args ...string) (code int, output string) {
	x.Helper()
	uid, gid := uidOf(x.T, user)
	cmd := exec.Command("/usr/sbin/sendmail", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "USER=" + user, "LOGNAME=" + user}
	cmd.Stdin = strings.NewReader(message)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // the exit code says it
	return cmd.ProcessState.ExitCode(), out.String()
}

// sent returns what the sink gets of a message: the envelope sender, the From: field, and
// other fields whose names are given.
func (x *submitter) sent(user, args, header string, fields ...string) string {
	x.Helper()
	code, out := x.submit(user, header+"\nHello.\n", strings.Fields(args)...)
	if code != 0 || out != "" {
		return fmt.Sprintf("exit %d: %s", code, out)
	}
	m := x.next()
	all := []string{m.From, fieldOf(m, "From")}
	for _, name := range fields {
		all = append(all, fieldOf(m, name))
	}
	return strings.Join(all, " | ")
}

// TestSubmission sends mail by the sendmail command, with the lines that a build writes.
func TestSubmission(t *testing.T) {
	installed(t)
	if !peer.Namespace(t) {
		return
	}
	x := newSubmitter(t, submitMail, "127.0.0.1:25")
	x.submitCF(submitInclude)
	for _, c := range []struct{ user, args, header, want string }{ // want: envelope and From
		{"andrei", "x@far.example", "", "fake@fakemail.example | fake@fakemail.example"},
		{"andrei", "x@far.example", "From: andrei", "fake@fakemail.example | fake@fakemail.example"},
		{"andrei", "x@far.example", `From: "bea@mx1.example.net" <andrei@mx1.example.net>`, `fake@fakemail.example | "bea@mx1.example.net" <fake@fakemail.example>`},
		{"andrei", "x@far.example", "From: andrei@localhost", "fake@fakemail.example | fake@fakemail.example"},
		{"andrei", "x@far.example", "From: andrei+tag@mx1.example.net", "fake@fakemail.example | fake@fakemail.example"},
		{"andrei", "x@far.example", "From: Andrei@MX1.Example.net", "fake@fakemail.example | fake@fakemail.example"},
		{"andrei", "x@far.example", "From: fake@fakemail.example", "fake@fakemail.example | fake@fakemail.example"},
		{"andrei", "x@far.example", "From: andrei@far.example", "fake@fakemail.example | andrei@far.example"},
		{"andrei", "-F Fake x@far.example", "", "fake@fakemail.example | Fake <fake@fakemail.example>"},
		{"andrei", "-f andrei+tag x@far.example", "", "fake@fakemail.example | fake@fakemail.example"},
		{"andrei", "-f fake@fakemail.example x@far.example", "", "fake@fakemail.example | fake@fakemail.example"},
		{"andrei", "-f stranger@far.example x@far.example", "From: stranger@far.example", "stranger@far.example | stranger@far.example"},
		{"andrei", "-f andrei@far.example x@far.example", "", "andrei@far.example | andrei@far.example"},
		{"andrei", "-f <> x@far.example", "From: MAILER-DAEMON@mx1.example.net", " | MAILER-DAEMON@mx1.example.net"},
		{"bea", "andrei", "", "bee@fakemail.example | bee@fakemail.example"},
		{"bea", "list@fakemail.example", "From: bea", "bee@fakemail.example | bee@fakemail.example"},
		{"carol", "x@far.example", "", "carol@mx1.example.net | carol@mx1.example.net"},
		{"root", "x@far.example", "", "root@mx1.example.net | root <root@mx1.example.net>"},
		{"root", "-FCronDaemon -i -B8BITMIME -oem andrei", "From: root (Cron Daemon)\nTo: andrei", "root@mx1.example.net | root@mx1.example.net (Cron Daemon)"},
		{"andrei", "-FCronDaemon -i -B8BITMIME -oem andrei", "From: andrei (Cron Daemon)\nTo: andrei", "fake@fakemail.example | fake@fakemail.example (Cron Daemon)"},
	} {
		if got := x.sent(c.user, c.args, c.header); got != c.want {
			t.Errorf("%s, %s, with %q: %s, want %s", c.user, c.args, c.header, got, c.want)
		}
	}

	const warning = "mx1.example.net: carol set sender to andrei using -f"
	if got := x.sent("carol", "-f andrei x@far.example", "", "X-Authentication-Warning"); got != "fake@fakemail.example | fake@fakemail.example | "+warning {
		t.Errorf("another one's name: %s", got)
	}
	x.recipientsStay()
}

// recipientsStay sends a message to the accounts that have virtual addresses.
func (x *submitter) recipientsStay() {
	x.Helper()
	const header = "To: x@far.example, bea@mx1.example.net\nCc: carol, andrei\nBcc: andrei"
	if got := x.sent("bea", "-t", header, "To", "Cc", "Bcc"); got != "bee@fakemail.example | bee@fakemail.example | x@far.example, bea@mx1.example.net | carol@mx1.example.net, andrei@mx1.example.net | " {
		x.Errorf("recipients in fields: %s", got)
	}
	var to []string
	messages := x.Messages()
	for _, r := range messages[len(messages)-1].Recipients {
		to = append(to, r.Address)
	}
	slices.Sort(to)
	if got := strings.Join(to, " "); got != "andrei@mx1.example.net bea@mx1.example.net carol@mx1.example.net x@far.example" {
		x.Errorf("recipients of the envelope: %s", got)
	}
}

// TestEveryLineOfSubmission leaves lines out, and writes others. A submit.cf has no gap if
// the envelope and the From: field are right. An envelope sender that the sendmail command
// makes of an account has no host yet, and is found without a class of domains.
func TestEveryLineOfSubmission(t *testing.T) {
	installed(t)
	if !peer.Namespace(t) {
		return
	}
	x := newSubmitter(t, submitMail, "127.0.0.1:25")
	overwrite(t, "/etc/mail/generics-domains", "other.example\nmx1.example.net\n")
	const (
		right    = "fake@fakemail.example | fake@fakemail.example | bea@mx1.example.net" // envelope, From and To
		table    = "FEATURE(`genericstable', `hash /etc/mail/virtmap-generics')dnl\n"
		domain   = "GENERICS_DOMAIN(`mx1.example.net')dnl\n"
		envelope = "FEATURE(`masquerade_envelope')dnl\n"
	)
	for _, c := range []struct{ it, lines, want string }{
		{"has no lines", "", "andrei@mx1.example.net | andrei@mx1.example.net | bea@mx1.example.net"},
		{"has the lines of a build", submitInclude, right},
		{"has the lines in another order", envelope + domain + table, right},
		{"has no table", domain + envelope, "andrei@mx1.example.net | andrei@mx1.example.net | bea@mx1.example.net"},
		{"has no domain", table + envelope, "fake@fakemail.example | andrei@mx1.example.net | bea@mx1.example.net"},
		{"has no envelope", table + domain, "andrei@mx1.example.net | fake@fakemail.example | bea@mx1.example.net"},
		{"has a file of domains", table + "GENERICS_DOMAIN_FILE(`/etc/mail/generics-domains')dnl\n" + envelope, right},
		{"has the parent domain", table + "GENERICS_DOMAIN(`example.net')dnl\nFEATURE(`generics_entire_domain')dnl\n" + envelope, right},
		{"has the parent domain alone", table + "GENERICS_DOMAIN(`example.net')dnl\n" + envelope, "fake@fakemail.example | andrei@mx1.example.net | bea@mx1.example.net"},
		{"rewrites recipients too", submitInclude + "FEATURE(`allmasquerade')dnl\n", "fake@fakemail.example | fake@fakemail.example | bee@fakemail.example"},
		{"writes the host as a macro", table + "GENERICS_DOMAIN(`$j')dnl\n" + envelope, right},
	} {
		t.Run(c.it, func(t *testing.T) {
			x.submitCF(c.lines)
			got := x.sent("andrei", "x@far.example", "From: andrei@mx1.example.net\nTo: bea@mx1.example.net", "To")
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			cf, err := os.ReadFile("/etc/mail/submit.cf")
			if err != nil {
				t.Fatal(err)
			}
			gap, _ := conf.Parse(string(cf)).LacksGenerics(mcfile.Settings{MailDir: "/etc/mail", Map: "hash"}, "mx1.example.net")
			if good := strings.HasPrefix(got, "fake@fakemail.example | fake@fakemail.example | "); good != (gap == "") {
				t.Errorf("the gap is %q, and the sink gets %s", gap, got)
			}
		})
	}
}

// TestSubmissionWithEveryMap builds maps of each type that sendmail has.
func TestSubmissionWithEveryMap(t *testing.T) {
	installed(t)
	if !peer.Namespace(t) {
		return
	}
	x := newSubmitter(t, submitMail, "127.0.0.1:25")
	for _, class := range []string{"cdb", "text", "hash"} {
		if !x.HasMap(class) {
			continue // Debian's has no cdb
		}
		if _, ok := built(t, "/etc/mail", strings.Replace(submitMail, "example.net}", "example.net, map: "+class+"}", 1)); !ok {
			t.Fatal("the inventory has faults")
		}
		x.submitCF(submitInclude)
		if got := x.sent("andrei", "x@far.example", "From: andrei"); got != "fake@fakemail.example | fake@fakemail.example" {
			t.Errorf("map: %s: %s", class, got)
		}
	}
}

// TestPermissionsOfSubmission changes owner and mode of the map that the sendmail command
// reads. With a map that it cannot read, mail waits in its queue.
func TestPermissionsOfSubmission(t *testing.T) {
	installed(t)
	if !peer.Namespace(t) {
		return
	}
	x := newSubmitter(t, submitMail, "127.0.0.1:25")
	x.submitCF(submitInclude)
	const path = "/etc/mail/virtmap-generics.db"
	for _, c := range []struct {
		it, do string
		waits  bool
	}{
		{"is as a build leaves it", "true", false},
		{"is as makemap leaves it", "chown smmta:root " + path + " && chmod 640 " + path, true},
		{"is of the group of the command", "chown smmta:smmsp " + path + " && chmod 640 " + path, false},
		{"may be read by all", "chown root:root " + path + " && chmod 644 " + path, false},
		{"is not there", "mv " + path + " /etc/mail/away", true},
		{"is there again", "mv /etc/mail/away " + path, false},
	} {
		peer.Run(t, "", "sh", "-c", c.do)
		code, out := x.submit("andrei", "\nHello.\n", "x@far.example")
		waiting, err := filepath.Glob("/var/spool/mqueue-client/qf*")
		if err != nil {
			t.Fatal(err)
		}
		if (code == 71) != c.waits || (code == 0) == c.waits || out != "" || (len(waiting) == 1) != c.waits {
			t.Errorf("a map that %s: exit %d, %q, %v in the queue", c.it, code, out, waiting)
		}
		if c.waits {
			peer.Run(t, "", "sh", "-c", "rm /var/spool/mqueue-client/*")
		} else if m := x.next(); m.From != "fake@fakemail.example" {
			t.Errorf("a map that %s: sent from %s", c.it, m.From)
		}
	}
}
