package program_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// TestCheckDeepOfSubmission changes a machine on which the sendmail command writes virtual
// addresses. virtmap check --deep names what is wrong, and nothing else about mail that is
// sent.
func TestCheckDeepOfSubmission(t *testing.T) {
	withBinary(t)
	if !peer.Namespace(t) {
		return
	}
	x := newSigner(t, "")
	overwrite(t, "/etc/mail/mail.yaml", x.mail)
	const generics, submit = "/etc/mail/virtmap-generics.db", "/etc/mail/submit.cf"
	good := func() {
		x.submitCF(submitInclude)
		peer.Run(t, "", "sh", "-c", "chown root:smmsp "+generics+" && chmod 644 "+generics)
	}
	complaints := []string{
		"cannot read it, and its mail waits", "the sendmail command does not read", "is not in class G", "the sender of the envelope stays the account",
		"fakemail.example is in class G", "before the genericstable rewrites it",
	}
	for _, c := range []struct {
		it   string
		do   func()
		want string // one of the complaints
	}{
		{"is right", func() {}, ""},
		{"has a map of makemap", func() { peer.Run(t, "", "sh", "-c", "chown smmta:root "+generics+" && chmod 640 "+generics) }, complaints[0]},
		{"has a map for the group", func() { peer.Run(t, "", "sh", "-c", "chown smmta:smmsp "+generics+" && chmod 640 "+generics) }, ""},
		{"has Debian's submit.cf", func() { x.submitCF("") }, complaints[1]},
		{"has no class G", func() {
			x.submitCF("FEATURE(`genericstable', `hash /etc/mail/virtmap-generics')dnl\nFEATURE(`masquerade_envelope')dnl\n")
		}, complaints[2]},
		{"keeps the envelope", func() { x.submitCF(strings.Replace(x.lines(), "FEATURE(`masquerade_envelope')dnl\n", "", 1)) }, complaints[3]},
		{"has a virtual domain in class G", func() { x.submitCF(submitInclude + "GENERICS_DOMAIN(`fakemail.example')dnl\n") }, complaints[4]},
		{"rewrites behind the milter", func() { x.append("/etc/mail/sendmail.cf", "Kgenerics hash /etc/mail/virtmap-generics\n") }, complaints[5]},
	} {
		good()
		c.do()
		cmd := exec.Command(os.Getenv(binaryVariable), "check", "--deep", "-i", "/etc/mail/mail.yaml")
		cmd.Dir = "/etc/mail"
		out, _ := cmd.CombinedOutput() // other complaints may be right too
		if !strings.Contains(string(out), "domain") {
			t.Fatalf("it %s: check says nothing:\n%s", c.it, out)
		}
		for _, text := range complaints {
			if strings.Contains(string(out), text) != (text == c.want) {
				t.Errorf("it %s: want %q in\n%s", c.it, c.want, out)
			}
		}
		if c.it == "is right" {
			t.Logf("%s", out)
		}
	}
}

// lines returns the lines that the build wrote for submit.mc.
func (x *submitter) lines() string {
	x.Helper()
	text, err := os.ReadFile("/etc/mail/virtmap-submit.mc")
	if err != nil {
		x.Fatal(err)
	}
	return string(text)
}

// append adds lines to a file.
func (x *submitter) append(path, lines string) {
	x.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		x.Fatal(err)
	}
	overwrite(x.T, path, string(text)+lines)
}
