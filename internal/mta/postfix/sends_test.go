package postfix_test

import (
	"fmt"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/inventory"
)

// sending is an inventory in which each kind of row about senders is needed.
const sending = `version: 1
host: {name: mx1.shop.test, server: postfix, map: texthash, mail_dir: /etc/postfix, local_names: [mx2.shop.test]}
users:
  andrei: {sends_as: fake@a.test}
  bea: {forward: bea@far.example}
  carol:
domains:
  a.test:
    sends: yes
    senders: carol
    addresses: {fake: andrei, info: {to: [andrei, bea], senders: bea}, old: reject, fake+x: bea, sales+*: bea}
    catch_all: bea
  local.test: {sends: yes, addresses: {bea: andrei}, catch_all: local}
  bücher.test: {sends: yes, addresses: {team: [carol, andrei]}}
  quiet.test: {addresses: {info: andrei}}
  off.test: {enabled: false, sends: yes, addresses: {info: andrei}}
submission: {rewrite: msp, authorise: yes}
`

// textOfFile returns the rows of a file of a build, a line each; unused: the inventory does
// not need the file.
func textOfFile(b postfix.Build, name string) (rows string, unused bool) {
	for i, text := range b.Texts() {
		if postfix.Files[i].Name == name {
			for line := range strings.Lines(string(text.Bytes)) {
				if !strings.HasPrefix(line, "#") {
					rows += strings.ReplaceAll(line, "\t", " ")
				}
			}
			return rows, text.Unused
		}
	}
	return "", true
}

func TestRowsAboutSenders(t *testing.T) {
	b := shopBuild(t, sending)
	for name, want := range map[string]string{
		"virtmap-senders": `fake@a.test andrei, carol
fake+x@a.test bea, carol
info@a.test bea
old@a.test none
@a.test bea, carol
andrei@localhost andrei
bea@localhost bea
carol@localhost carol
andrei@localhost.shop.test andrei
bea@localhost.shop.test bea
carol@localhost.shop.test carol
andrei@local.test andrei
bea@local.test andrei
carol@local.test carol
@local.test none
andrei@mx1.shop.test andrei
bea@mx1.shop.test bea
carol@mx1.shop.test carol
andrei@mx2.shop.test andrei
bea@mx2.shop.test bea
carol@mx2.shop.test carol
@off.test none
@quiet.test none
team@xn--bcher-kva.test andrei, carol
@xn--bcher-kva.test none
team@bücher.test andrei, carol
@bücher.test none
`,
		"virtmap-sender-canonical": "andrei fake@a.test\nandrei@local.test andrei@local.test\n",
	} {
		if got, unused := textOfFile(b, name); unused || !sameLines(got, want) {
			t.Errorf("%s (unused: %v) is\n%s\nwant\n%s", name, unused, got, want)
		}
	}
}

// sameLines reports whether two texts have the same lines in any order.
func sameLines(a, b string) bool {
	count := map[string]int{}
	for line := range strings.Lines(a) {
		count[line]++
	}
	for line := range strings.Lines(b) {
		count[line]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// TestNothingIsWrittenAboutSendersUnlessAsked: with neither key of submission, both files are
// not needed, and main.cf has no line for them.
func TestNothingIsWrittenAboutSendersUnlessAsked(t *testing.T) {
	names := map[string]string{"virtmap-senders": "smtpd_sender_login_maps", "virtmap-sender-canonical": "sender_canonical_maps"}
	for submission, needed := range map[string][]string{
		"{rewrite: no, authorise: no}":   nil,
		"{rewrite: no, authorise: yes}":  {"virtmap-senders"},
		"{rewrite: msp, authorise: no}":  {"virtmap-sender-canonical"},
		"{rewrite: msp, authorise: yes}": {"virtmap-senders", "virtmap-sender-canonical"},
	} {
		b := shopBuild(t, strings.Replace(sending, "{rewrite: msp, authorise: yes}", submission, 1))
		for name, param := range names {
			rows, unused := textOfFile(b, name)
			line := strings.Contains(fmt.Sprint(b.Lines()), "{"+param+" texthash:/etc/postfix/"+name+"}")
			if wanted := strings.Contains(" "+strings.Join(needed, " ")+" ", " "+name+" "); unused == wanted || line != wanted || wanted != (rows != "") {
				t.Errorf("submission: %s: %s is unused: %v, has a line: %v, has %d bytes", submission, name, unused, line, len(rows))
			}
		}
	}
	without := strings.NewReplacer("submission: {rewrite: msp, authorise: yes}\n", "", "{sends_as: fake@a.test}", "").Replace(sending)
	if text := fmt.Sprint(shopBuild(t, without).Lines()); strings.Contains(text, "sender") {
		t.Errorf("without submission main.cf gets %s", text)
	}
}

// TestABuildAnswersForSenders asks a build and installed files.
func TestABuildAnswersForSenders(t *testing.T) {
	b := shopBuild(t, sending)
	dir := shopFolder(t, b, map[string]string{"main.cf": shopMain(b), "master.cf": "smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_sender_restrictions=$mua_sender_restrictions\n"})
	plain := shopFolder(t, b, map[string]string{"main.cf": shopMain(b, "smtpd_sender_restrictions")})
	for where, sets := range map[string]struct {
		set        mta.Set
		authorises bool
	}{
		"the build":                              {b.Set(), true},
		"a main.cf without the restriction":      {opened(t, plain), false},
		"a service with restrictions of its own": {opened(t, dir), false},
		"installed files":                        {opened(t, shopFolder(t, b, map[string]string{"main.cf": shopMain(b)})), true},
	} {
		set := sets.set.(mta.Sending)
		if set.Authorises() != sets.authorises {
			t.Errorf("%s: authorises is %v", where, set.Authorises())
		}
		for _, test := range []struct {
			user, from string
			want       bool
		}{
			{"andrei", "fake@a.test", true}, {"andrei", "Fake+list@A.test", true}, {"andrei", "fake+x@a.test", false}, {"bea", "anything@a.test", true},
			{"carol", "old@a.test", false}, {"bea", "info@a.test", true}, {"carol", "carol@local.test", true}, {"carol", "andrei@local.test", false},
			{"andrei", "team@xn--bcher-kva.test", true}, {"andrei", "team@bücher.test", true}, {"andrei", "info@quiet.test", false},
			{"andrei", "andrei+x@mx2.shop.test", true}, {"andrei", "x@far.example", false}, {"none", "old@a.test", true}, {"andrei", "", true},
		} {
			if o, steps := set.Sends(test.user, test.from); o.Taken != (test.want || !sets.authorises) {
				t.Errorf("%s: %s from %s is %v, want %v: %+v", where, test.user, test.from, o, test.want, steps)
			}
		}
		if addr, _, ok := set.SendsAs("andrei"); !ok || addr != "fake@a.test" {
			t.Errorf("%s: andrei sends as %q, %v", where, addr, ok)
		}
	}
	if o, steps := b.Set().(mta.Sending).Sends("carol", "fake+y@a.test"); len(steps) != 2 || steps[1].Key != "fake@a.test" || steps[1].Value != "andrei, carol" || steps[1].Table != "virtmap-senders" {
		t.Errorf("the keys are %+v, the outcome %v", steps, o)
	}
}

// opened opens a folder.
func opened(t *testing.T, dir string) mta.Set {
	t.Helper()
	set, err := postfix.Server.Open(mta.Place{Dir: dir}, mta.Host{Name: "mx1.shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

// TestASenderThatPostfixGoesOnFrom finds a sends_as that is the account of a user who sends as
// another address.
func TestASenderThatPostfixGoesOnFrom(t *testing.T) {
	const text = `version: 1
host: {name: mx1.shop.test, server: postfix, local_names: [mx2.shop.test]}
users: {andrei: {sends_as: %s}, bea: {sends_as: %s}, carol: }
domains:
  mx1.shop.test: {sends: yes, senders: [andrei, bea], addresses: {andrei: andrei, bea: bea, carol: carol, info: andrei}, catch_all: local}
  a.test: {sends: yes, addresses: {bea: bea, fake: andrei}}
submission: {rewrite: msp}
`
	for _, test := range []struct{ it, andrei, bea, want string }{
		{"another domain", "fake@a.test", "bea@a.test", ""},
		{"an address that is no account", "info@mx1.shop.test", "bea@a.test", ""},
		{"the own account", "andrei@mx1.shop.test", "bea@a.test", ""},
		{"the account of a user without sends_as", "carol@mx1.shop.test", "bea@a.test", ""},
		{"the same address", "bea@mx1.shop.test", "bea@mx1.shop.test", ""},
		{"the account of another user", "bea@mx1.shop.test", "bea@a.test", "andrei sends as bea@mx1.shop.test, and Postfix goes on from it to bea@a.test, as bea sends"},
		{"the account at localhost", "bea@localhost", "bea@a.test", "andrei sends as bea@localhost, and Postfix goes on"},
		{"a detail of the own account", "andrei+x@mx1.shop.test", "bea@a.test", "andrei sends as andrei+x@mx1.shop.test, and Postfix goes on"},
	} {
		m, faults := inventory.Parse("mail.yaml", fmt.Sprintf(text, test.andrei, test.bea))
		if faults.Failed() {
			t.Fatalf("%s: %v", test.it, faults.Faults())
		}
		postfix.Compile(m, faults)
		said := ""
		for _, f := range faults.Faults() {
			if f.Check.Severity == diag.Error {
				said += f.Check.ID + " " + f.Text
			}
		}
		if test.want == "" && said != "" || !strings.Contains(said, test.want) {
			t.Errorf("%s: %q, want %q", test.it, said, test.want)
		}
	}
}
