package program_test

import (
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// sendersMail is the inventory of the dialogues.
const sendersMail = `version: 1
host: {name: mx1.example.net, mail_dir: DIR}
users: {andrei: , bea: , carol: }
submission: {authorise: yes}
domains:
  fakemail.example:
    sends: yes
    addresses: {fake: andrei, bee: bea, fake+news: bea}
  other.example: {sends: yes, catch_all: bea}
  third.example: {sends: yes, catch_all: carol, addresses: {info: andrei}}
`

// loginServer builds an inventory, and returns a configuration at which users log in. Mail
// is queued, and not delivered.
func loginServer(t *testing.T, p *program.Program, more ...string) (cf, dir string) {
	t.Helper()
	dir = filepath.Join(peer.SafeDir(t), "set")
	if _, ok := built(t, dir, strings.ReplaceAll(sendersMail, "DIR", dir)); !ok {
		t.Fatal("the inventory has faults")
	}
	more = append(more, "define(`confDELIVERY_MODE', `queueonly')dnl", "RELAY_DOMAIN(`far.example')dnl")
	return serve(t, p, dir, slices.Concat(authLines, more)...), dir
}

const mayNot, mayNotFrom = "553 5.7.1 this login may not send from this address", "553 5.7.1 this login may not write this From: address"

const noFrom = "553 5.7.1 this login must write one From: field that can be read"

// TestDialoguesOfLogins writes whole messages as users who have logged in. An empty reply
// means that the message is accepted.
func TestDialoguesOfLogins(t *testing.T) {
	dialoguesOfLogins(t)
}

// TestDialoguesOfLoginsWithDelayedChecks does so where sendmail checks senders at RCPT TO,
// and those of users who have logged in not at all. It is the default of Debian.
func TestDialoguesOfLoginsWithDelayedChecks(t *testing.T) {
	dialoguesOfLogins(t, "FEATURE(`delay_checks')dnl")
}

func dialoguesOfLogins(t *testing.T, more ...string) {
	t.Helper()
	p := installed(t)
	cf, dir := loginServer(t, p, more...)
	for _, d := range []struct{ login, from, header, want string }{
		{"andrei", "fake@fakemail.example", "From: fake@fakemail.example", ""},
		{"andrei", "Fake@FakeMail.Example", "From: Fake@FakeMail.Example", ""},
		{"andrei", `"fake"@fakemail.example`, `From: "fake"@fakemail.example`, ""},
		{"andrei", "fake+x@fakemail.example", "From: fake+x@fakemail.example", ""},
		{"andrei", "@h.example:fake@fakemail.example", "From: fake@fakemail.example", ""},
		{"andrei", "fake@fakemail.example", "From: Fake Mail <fake@fakemail.example>", ""},
		{"andrei", "fake@fakemail.example", "From: =?utf-8?q?F=C3=A4ke?= <fake@fakemail.example>", ""},
		{"andrei", "fake@fakemail.example", `From: "bee@fakemail.example" <fake@fakemail.example>`, ""},
		{"andrei", "fake@fakemail.example", "From: fake@fakemail.example (bee@fakemail.example)", ""},
		{"andrei", "fake@fakemail.example", `From: "Doe, John" <fake@fakemail.example>`, ""},
		{"andrei", "fake@fakemail.example", "From: NO TEMP <fake@fakemail.example>", ""},
		{"andrei", "fake@fakemail.example", "From: John (Doe, bee@fakemail.example) <fake@fakemail.example>", ""},
		{"andrei", "fake@fakemail.example", "From: Fake\r\n\t<fake@fakemail.example>", ""},
		{"andrei", "fake@fakemail.example", "From: fake@fakemail.example, andrei@mx1.example.net", ""},
		{"andrei", "fake@fakemail.example", `From: "Mail, Fake" <fake@fakemail.example>`, ""},
		{"andrei", `"fake+x"@fakemail.example`, `From: "fake+x"@fakemail.example`, ""},
		{"andrei", "", "From: fake@fakemail.example", ""},
		{"andrei", "andrei@mx1.example.net", "From: andrei@mx1.example.net", ""},
		{"andrei", "andrei@localhost", "From: andrei@localhost", ""},
		{"andrei", "fake@fakemail.example", "From: fake@fakemail.example\r\nSender: bee@fakemail.example\r\nReply-To: bee@fakemail.example", ""},
		{"bea", "anything@other.example", "From: else@other.example", ""},
		{"bea", "fake+news@fakemail.example", "From: fake+news@fakemail.example", ""},
		{"", "bee@fakemail.example", "From: bee@fakemail.example", ""},
		{"", "stranger@far.example", "From: bee@fakemail.example", ""},

		{"andrei", "bee@fakemail.example", "", mayNot},
		{"andrei", "fake+news@fakemail.example", "", mayNot},
		{"andrei", "bee+x@fakemail.example", "", mayNot},
		{"andrei", "boss@far.example", "", mayNot},
		{"andrei", "fake%fakemail.example@far.example", "", mayNot},
		{"andrei", "bee%fakemail.example@mx1.example.net", "", mayNot},
		{"andrei", "andrei", "", mayNot},
		{"andrei", "bea@mx1.example.net", "", mayNot},
		{"andrei", "anything@other.example", "", mayNot},
		{"bea", "fake@fakemail.example", "", mayNot},
		{"andrei", "nobody@fakemail.example", "", "550 5.1.1 User unknown"},
		{"andrei", "fake@fakemail.example", "From: bee@fakemail.example", mayNotFrom},
		{"andrei", "fake@fakemail.example", "From: fake@fakemail.example, bee@fakemail.example", mayNotFrom},
		{"andrei", "fake@fakemail.example", "From: fake@fakemail.example\r\nFrom: bee@fakemail.example", mayNotFrom},
		{"andrei", "fake@fakemail.example", "from : Bea <BEE@fakemail.example>", mayNotFrom},
		{"andrei", "fake@fakemail.example", "From: =?utf-8?q?fake=40fakemail.example?= <bee@fakemail.example>", mayNotFrom},
		{"andrei", "fake@fakemail.example", "From: fake+x@fakemail.example, bee@fakemail.example", mayNotFrom},
		{"andrei", "fake@fakemail.example", "From: bee@fakemail.example, Fake Mail <fake@fakemail.example>", mayNotFrom},
		{"andrei", "fake@fakemail.example", "From: bea, Fake Mail <fake@fakemail.example>", mayNotFrom},
		{"andrei", "fake@fakemail.example", "From: fake+x:bee@fakemail.example;", mayNotFrom},
		{"bea", "anything@other.example", "From: boss@far.example, anything@other.example", mayNotFrom},
		{"bea", "anything@other.example", "From: boss@far.example anything@other.example", mayNotFrom},
		{"bea", `"boss@far.example"@other.example`, "", mayNot},
		{"carol", `"info+x"@third.example`, "", mayNot},
		{"carol", "any@third.example", `From: "info+x"@third.example`, mayNotFrom},
		{"andrei", "", "From: bee@fakemail.example", mayNotFrom},
		{"andrei", "fake@fakemail.example", "From: friends: bee@fakemail.example;", mayNotFrom},
		{"andrei", "fake@fakemail.example", "Subject: no From", noFrom},
		{"andrei", "fake@fakemail.example", `From: "` + strings.Repeat("a", 900) + `" <bee@fakemail.example>`, noFrom},
		{"andrei", "fake@fakemail.example", "From: " + strings.Repeat("fake@fakemail.example,\r\n\t", 80) + "bee@fakemail.example", noFrom},
		{"", "fake@fakemail.example", "Subject: no From", ""},
		{"andrei", "fake@fakemail.example", "From: Fake\r\n\t<bee@fakemail.example>", mayNotFrom},
		{"andrei", "fake@fakemail.example", "From: bea", mayNotFrom},
	} {
		if got := dialogue(t, p, cf, d.login, d.from, d.header); got != d.want {
			t.Errorf("%q from <%s> with %q: %q, want %q", d.login, d.from, d.header, got, d.want)
		}
	}
	if err := os.Remove(filepath.Join(dir, "virtmap-senders.db")); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"fake@fakemail.example", "bee@fakemail.example"} {
		if got := dialogue(t, p, cf, "andrei", from, ""); got != "451 4.3.0 the table of senders cannot be read" {
			t.Errorf("without the map %s gets %q", from, got)
		}
	}
	if got := dialogue(t, p, cf, "", "bee@fakemail.example", "From: bee@fakemail.example"); got != "" {
		t.Errorf("without the map mail without a login gets %q", got)
	}
}

// dialogue sends a message, and returns the reply that refuses it.
func dialogue(t *testing.T, p *program.Program, cf, login, from, header string) string {
	t.Helper()
	c, err := p.LoggedIn(t.Context(), cf, sample.HostName, peer.SafeDir(t), login)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return message(t, c, from, header)
}

// message sends a message in a session, and returns the reply that refuses it.
func message(t *testing.T, c *textproto.Conn, from, header string) string {
	t.Helper()
	for _, command := range []string{"MAIL FROM:<" + from + ">", "RCPT TO:<someone@far.example>", "DATA"} {
		if refused := refusalOf(t, c, command); refused != "" {
			return refused
		}
	}
	return refusalOf(t, c, header+"\r\n\r\nHello.\r\n.")
}

// refusalOf sends a line, and returns its reply if it is a refusal.
func refusalOf(t *testing.T, c *textproto.Conn, line string) string {
	t.Helper()
	if err := c.PrintfLine("%s", line); err != nil {
		t.Fatal(err)
	}
	code, text, err := c.ReadResponse(0)
	if err != nil && code == 0 {
		t.Fatal(err)
	}
	if code < 400 {
		return ""
	}
	if at := strings.Index(text, "... "); at >= 0 {
		status, _, _ := strings.Cut(text, " ")
		text = status + " " + text[at+4:]
	}
	return strconv.Itoa(code) + " " + text
}

// TestRulesetsOfASite has a sendmail.mc with a Local_check_mail and a check of From: of its
// own, into which a person merged the lines that build --config asks for. Both are asked.
func TestRulesetsOfASite(t *testing.T) {
	p := installed(t)
	_, dir := loginServer(t, p)
	const site = `LOCAL_CONFIG
HFrom: $>SiteFrom
LOCAL_RULESETS
SLocal_check_mail
R$*	$: $1 $| $>VirtmapCheckMail $1
R$* $| $#$*	$#$2
R$* $| $*	$1
R$* spam $*	$#error $@ 5.7.1 $: "554 no spam"
SLocal_check_rcpt
R$*	$: $1 $| $>VirtmapCheckRcpt $1
R$* $| $#$*	$#$2
R$* $| $*	$1
R$* trap $*	$#error $@ 5.7.1 $: "554 no trap"
Scheck_eoh
R$*	$: $1 $| $>VirtmapCheckEnd $1
R$* $| $#$*	$#$2
R$* $| $* $| $*	$1 $| $2
R7 $| $*	$#error $@ 5.7.1 $: "554 seven fields"
SSiteFrom
R$*	$: $1 $| $>VirtmapFrom $1
R$* $| $#$*	$#$2
R$* $| $*	$1
R$* junk $*	$#error $@ 5.7.1 $: "554 no junk"
divert(0)dnl
`
	more := append(authLines, "define(`confDELIVERY_MODE', `queueonly')dnl", "RELAY_DOMAIN(`far.example')dnl", strings.TrimSuffix(site, "\n"))
	mc := strings.ReplaceAll(program.TestMC(dir, sample.HostName, "@", more...), "include(`@')dnl\n", "")
	var sources diag.Sources
	src, _ := sources.Add("sendmail.mc", mc)
	var faults diag.List
	edited := mcfile.Edit(src, mcfile.Settings{MailDir: dir, Map: "hash", Senders: true}, &faults)
	if faults.Failed() || !strings.Contains(edited, "Kvmsender") {
		t.Fatalf("%v\n%s", faults.Faults(), edited)
	}
	made, err := p.CF(edited)
	if err != nil {
		t.Fatal(err)
	}
	cf := filepath.Join(dir, "site.cf")
	if err := os.WriteFile(cf, made, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, d := range []struct{ login, from, header, want string }{
		{"andrei", "fake@fakemail.example", "From: fake@fakemail.example", ""},
		{"andrei", "bee@fakemail.example", "", mayNot},
		{"andrei", "fake@fakemail.example", "Subject: no From\r\nX-More: yes", noFrom},
		{"", "stranger@far.example", "From: stranger@far.example" + strings.Repeat("\r\nX-More: yes", 6), "554 5.7.1 seven fields"},
		{"andrei", "fake@fakemail.example", "From: bee@fakemail.example", mayNotFrom},
		{"", "spam@far.example", "", "554 5.7.1 no spam"},
		{"", "stranger@far.example", "From: junk@far.example", "554 5.7.1 no junk"},
		{"", "stranger@far.example", "From: stranger@far.example", ""},
	} {
		if got := dialogue(t, p, cf, d.login, d.from, d.header); got != d.want {
			t.Errorf("%q from <%s> with %q: %q, want %q", d.login, d.from, d.header, got, d.want)
		}
	}
	gaps := conf.Parse(string(made))
	gaps.Path = cf
	for _, gap := range gaps.Gaps(mcfile.Settings{MailDir: dir, Map: "hash", Senders: true}) {
		t.Errorf("%s: %s", gap.Need, gap.What)
	}
}
