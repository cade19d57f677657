package page

import (
	"strings"
	"testing"

	"virtmap/internal/workshop/browser"
)

// sending is an inventory whose mail is sent.
const sending = `version: 1
host: {name: mx1.example.net}
users:
  andrei: {sends_as: fake@a.example}
  bea: {forward: bea@far.example}
  carol: {forward: carol@private.example}
  dora:
submission: {rewrite: msp, authorise: yes}
domains:
  a.example:
    sends: {dkim: {vm2026: /etc/dkimkeys/vm2026.private, vm2025: /etc/dkimkeys/vm2025.private}}
    senders: [carol]
    addresses:
      fake: andrei
      info: {to: [andrei, bea], senders: [bea]}
      mute: {to: bea, senders: none}
      old: reject
      sales+*: "%1@far.example"
    catch_all: bea
  copy.example: {sends: yes, same_as: a.example}
  open.example: {sends: yes, catch_all: local, addresses: {andrei: bea}}
  quiet.example: {addresses: {dora: dora}}
`

// TestPageOfSendersInBrowser: it says who may send, for addresses, domains and users.
func TestPageOfSendersInBrowser(t *testing.T) {
	b := startBrowser(t)
	html := written(t, document(sound(t, sending)))
	if text := data(t, document(sound(t, sending))); strings.Contains(text, "dkimkeys") {
		t.Errorf("the data have the path of a key:\n%s", text)
	}
	for _, look := range browser.Looks {
		b.open(html, "", look)
		for hash, want := range map[string][]string{
			"#find=fake%2Bx%40a.example":  {"May send from it: andrei, carol", "Who gets the mail of an address may send from it, and so may the senders of the domain. The server checks this when a user logs in."},
			"#find=info%40copy.example":   {"May send from it: bea", "The inventory lists the senders"},
			"#find=mute%40a.example":      {"Nobody may send from it", "The inventory lists the senders"},
			"#find=old%40a.example":       {"Nobody may send from it", "answers would be lost"},
			"#find=any%40a.example":       {"May send from it: bea, carol"},
			"#find=dora%40open.example":   {"May send from it: dora", "from the address of the same name"},
			"#find=bea%40mx1.example.net": {"May send from it: bea", "from the account itself"},
			"#domain=a.example":           {"yes, signed with the DKIM key vm2026; further keys: vm2025", "nobody", "Senders"},
			"#domain=open.example":        {"each user, from the address of the same name"},
			"#domain=quiet.example":       {"Sends mail\nno"},
			"#user=andrei":                {"The sendmail command sends as fake@a.example.", "3 addresses from which this user may send", "andrei@mx1.example.net"},
			"#user=dora":                  {"2 addresses from which this user may send", "dora@open.example", "the address of the same name"},
			"#user=carol":                 {"6 addresses from which this user may send", "a sender of the domain"},
			"#find=x%40nowhere.example":   {"neither serves nor relays"},
		} {
			got := b.visit(hash)
			for _, want := range want {
				if !strings.Contains(got, want) {
					t.Errorf("%s does not say %q:\n%s", hash, want, got)
				}
			}
			if wide := b.Eval("document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide != "0" {
				t.Errorf("%s at %d px scrolls sideways by %s px", hash, look.Width, wide)
			}
		}
		for _, hash := range []string{"#find=dora%40quiet.example", "#find=x%40nowhere.example"} {
			if got := b.visit(hash); strings.Contains(got, "ay send") {
				t.Errorf("%s says who may send:\n%s", hash, got)
			}
		}
	}
	b.holdHarmless()
}

// TestCutPageOfSendersInBrowser: a page without addresses still says which domains send.
func TestCutPageOfSendersInBrowser(t *testing.T) {
	b := startBrowser(t)
	d := document(sound(t, sending))
	d.MaxRows = 3
	b.open(written(t, d), "", browser.Looks[0])
	if got := b.visit("#domain=copy.example"); !strings.Contains(got, "Sends mail\nyes\nSenders\ncarol") {
		t.Errorf("the domain is\n%s", got)
	}
	b.holdHarmless()
}

// TestPageOfNoSendersInBrowser: without a domain that sends, a page says nothing of it.
func TestPageOfNoSendersInBrowser(t *testing.T) {
	b := startBrowser(t)
	b.open(written(t, example(t)), "", browser.Looks[0])
	for _, hash := range []string{"#find=info%40fakemail.example", "#find=andrei%40mx1.example.net", "#domain=fakemail.example", "#user=andrei"} {
		if got := b.visit(hash); strings.Contains(strings.ToLower(got), "send") {
			t.Errorf("%s says\n%s", hash, got)
		}
	}
	b.holdHarmless()
}
