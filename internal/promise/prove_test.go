package promise

import (
	"testing"

	"virtmap/inventory"
)

const mail = `version: 1
host: {name: mx1.example.net, local_names: [localhost]}
defaults: {roles: {postmaster: andrei, abuse: bea}}
users:
  andrei:
  bea: {mailbox: /srv/mail/bea}
  carol: {forward: carol@elsewhere.example, keep_copy: true}
  dave: {forward: dave@elsewhere.example}
local_aliases: [mailman]
domains:
  a.example:
    addresses:
      fake: andrei
      list: [andrei, bea, carol, fake@b.example]
      kept: {to: andrei, detail: keep}
      strict: {to: andrei, detail: reject}
      carol: carol
      dave: {to: dave, detail: keep}
      old: {reject: {code: 551, text: "gone"}}
      paused: {to: andrei, enabled: false}
      user+x: bea
      user+*: "d-%2@partner.example"
      user++: mailman
      onward: fake@b.example
    roles: {abuse: none}
  b.example:
    addresses: {fake: dave}
    catch_all: {domain: partner.example}
  c.example:
    same_as: a.example
    addresses: {fake: bea}
    catch_all: "%1@partner.example"
  open.example: {catch_all: local}
  backup.example: {role: backup}
  closed.example: {enabled: false}
`

func TestPromises(t *testing.T) {
	m, faults := inventory.Parse("mail.yaml", mail)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	p := Promises{Model: m, Account: func(name string) bool { return name == "root" }}
	for addr, want := range map[string]string{
		"fake@a.example":       "andrei",
		"fake+x@a.example":     "andrei",
		"kept+x@a.example":     "andrei+x",
		"strict@a.example":     "andrei",
		"strict+@a.example":    "550 5.1.1 User unknown",
		"list@a.example":       "/srv/mail/bea, andrei, carol, carol@elsewhere.example, dave@elsewhere.example",
		"carol@a.example":      "carol, carol@elsewhere.example",
		"dave+x@a.example":     "dave+x@elsewhere.example",
		"old@a.example":        "551 5.1.1 gone",
		"old+x@a.example":      "551 5.1.1 gone",
		"paused@a.example":     "550 5.1.1 User unknown",
		"user+x@a.example":     "/srv/mail/bea",
		"user+y@a.example":     "mailman",
		"user+@a.example":      "d-@partner.example",
		"user@a.example":       "550 5.1.1 User unknown",
		"postmaster@a.example": "andrei",
		"abuse@a.example":      "550 5.1.1 User unknown",
		"abuse@b.example":      "/srv/mail/bea",
		"onward@a.example":     "dave@elsewhere.example",
		"any+x@b.example":      "any+x@partner.example",
		"fake@c.example":       "/srv/mail/bea",
		"any+x@c.example":      "any@partner.example",
		"root@a.example":       "550 5.1.1 User unknown",
		"root@open.example":    "root",
		"other@open.example":   "550 5.1.1 User unknown",
		"root@mx1.example.net": "root",
		"root@localhost":       "root",
		"any@backup.example":   "any@backup.example",
		"fake@closed.example":  "550 5.7.1",
		"fake@nowhere.example": "550 5.7.1",
	} {
		if got := p.Of(addr).String(); got != want {
			t.Errorf("%s: promised is %s, want %s", addr, got, want)
		}
	}
}

// TestCircle: in a Model that was not checked, a circle ends as in sendmail.
func TestCircle(t *testing.T) {
	m, _ := inventory.Parse("mail.yaml", "version: 1\nhost: {name: mx1.example.net}\ndomains: {a.example: {addresses: {x: x@a.example}}}\n")
	if got := (&Promises{Model: m}).Of("x@a.example"); got.Code != 554 {
		t.Errorf("got %v", got)
	}
}

// TestWordsOfTheServer: a server may choose the words of a refusal to which the
// inventory gives none.
func TestWordsOfTheServer(t *testing.T) {
	m, faults := inventory.Parse("mail.yaml", `version: 1
host: {name: mx1.example.net}
domains:
  a.example:
    addresses:
      plain: reject
      later: defer
      coded: {reject: {code: 551}}
      old: {reject: "gone"}
      busy: {defer: {text: "moving"}}
      same: {reject: "User unknown"}
  open.example: {catch_all: local}
`)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	p := Promises{Model: m}
	for addr, free := range map[string]bool{
		"plain@a.example": true, "later@a.example": true, "coded@a.example": true, "other@a.example": true, "other@open.example": true,
		"old@a.example": false, "busy@a.example": false, "same@a.example": false,
	} {
		promised := p.Of(addr)
		got := promised
		got.Text, got.AnyText = "words of a server", false
		if promised.Taken || promised.Text == "" || got.Keeps(promised) != free {
			t.Errorf("%s: promised is %+v, want any text %v", addr, promised, free)
		}
	}
}
