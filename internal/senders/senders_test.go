package senders_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/promise"
	"virtmap/internal/senders"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

const mail = `version: 1
host: {name: mx1.example.net, local_names: [mx1.example.org]}
defaults: {roles: {postmaster: andrei}}
local_aliases: [mailman]
users:
  andrei:
  bea: {forward: bea@far.example}
  carol: {mailbox: /srv/mail/carol}
  dora:
domains:
  a.example:
    sends: yes
    senders: [dora]
    addresses:
      fake: andrei
      team: [andrei, bea, carol@b.example]
      info: {to: [andrei, bea], senders: [bea]}
      info+news: carol
      x+*: carol
      mute: {to: andrei, senders: none}
      old: reject
      off: {to: andrei, enabled: false}
      on: carol@b.example
      lists: mailman
      far: ann@far.example
      acc: andrei@localhost
    catch_all: carol
  b.example: {sends: yes, addresses: {carol: carol}}
  c.example: {same_as: a.example, sends: yes, addresses: {fake: bea}}
  open.example: {sends: yes, catch_all: local, addresses: {andrei: bea}}
  same.example: {sends: yes, catch_all: {domain: b.example}, senders: dora}
  quiet.example: {same_as: a.example}
`

func model(t *testing.T, text string) *inventory.Model {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", text)
	senders.Check(m, faults)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	return m
}

// logins are the users of the inventory, and one who is not declared.
var logins = []string{"andrei", "bea", "carol", "dora", "eve"}

func TestWhoMaySend(t *testing.T) {
	m := model(t, mail)
	rights, promises := senders.Of(m), promise.NewSenders(m)
	for from, want := range map[string]string{
		"fake@a.example":          "andrei dora",
		"fake+x@a.example":        "andrei dora",
		"team@a.example":          "andrei bea carol dora",
		"info@a.example":          "bea",
		"info+x@a.example":        "bea",
		"info+news@a.example":     "carol dora",
		"x+y@a.example":           "carol dora",
		"mute@a.example":          "",
		"old@a.example":           "",
		"old+x@a.example":         "",
		"off@a.example":           "",
		"on@a.example":            "carol dora",
		"lists@a.example":         "dora",
		"far@a.example":           "dora",
		"acc@a.example":           "andrei dora",
		"postmaster@a.example":    "andrei dora",
		"anything@a.example":      "carol dora",
		"carol@b.example":         "carol",
		"nobody@b.example":        "",
		"fake@c.example":          "bea dora",
		"info@c.example":          "bea",
		"anything@c.example":      "carol dora",
		"andrei@open.example":     "bea",
		"bea@open.example":        "bea",
		"bea+x@open.example":      "bea",
		"eve@open.example":        "",
		"postmaster@open.example": "andrei",
		"carol@same.example":      "dora",
		"fake@quiet.example":      "",
		"andrei@mx1.example.net":  "andrei",
		"dora+x@mx1.example.org":  "dora",
		"bea@localhost":           "bea",
		"eve@mx1.example.net":     "",
		"boss@far.example":        "",
	} {
		var got, promised []string
		for _, login := range logins {
			if rights.May(login, from) {
				got = append(got, login)
			}
			if promises.May(login, from) {
				promised = append(promised, login)
			}
		}
		if strings.Join(got, " ") != want || strings.Join(promised, " ") != want {
			t.Errorf("from %s: %v, promised to %v, not %q", from, got, promised, want)
		}
	}
}

// TestRightsOfADomain compares the rights in the order of the rows with each one alone.
func TestRightsOfADomain(t *testing.T) {
	m := model(t, mail)
	rights := senders.Of(m)
	d, _ := m.Domain("a.example")
	var got []string
	for right := range rights.In(d) {
		got = append(got, fmt.Sprintf("%s: %s", right.Local, strings.Join(right.Users, " ")))
	}
	want := "acc: andrei dora, fake: andrei dora, far: dora, info: bea, info+news: carol dora, lists: dora, mute: , off: , old: , on: carol dora, postmaster: andrei dora, team: andrei bea carol dora, : carol dora"
	if strings.Join(got, ", ") != want {
		t.Errorf("the rights are\n%s, not\n%s", strings.Join(got, ", "), want)
	}
	if quiet, _ := m.Domain("quiet.example"); rights.Sends(quiet) {
		t.Error("a domain that does not say so sends")
	}
}

// TestRightsKeepThePromise compares the two over generated inventories.
func TestRightsKeepThePromise(t *testing.T) {
	compared, may := 0, 0
	for seed := range peer.Campaign(60) {
		r := rand.New(rand.NewPCG(uint64(seed), 29))
		m, faults := inventory.Parse("mail.yaml", sample.Sending(r, sample.Inventory(r, "/etc/mail", "hash")))
		if faults.Failed() {
			t.Fatalf("seed %d: %v", seed, faults.Faults())
		}
		rights, promises := senders.Of(m), promise.NewSenders(m)
		for _, from := range sample.From(r, m) {
			for u := range m.Users {
				login := m.Users[u].Name.Text
				got, want := rights.May(login, from), promises.May(login, from)
				if got != want {
					t.Errorf("seed %d: %s from %s: %v, promised %v", seed, login, from, got, want)
				}
				compared++
				if got {
					may++
				}
			}
		}
	}
	if may < compared/50 || may > compared/2 {
		t.Errorf("of %d pairs %d may: the sample says little", compared, may)
	}
}

func TestFaultsOfSenders(t *testing.T) {
	const head = "version: 1\nhost: {name: mx1.example.net}\n"
	for _, test := range []struct{ it, text, want string }{
		{"knows the domain", "users: {andrei: {sends_as: x@far.example}}\nsubmission: {rewrite: msp}\n", `VM150: user "andrei" sends as x@far.example, which is no address of this inventory`},
		{"asks that the domain says so", "users: {andrei: {sends_as: x@a.example}}\nsubmission: {rewrite: msp}\ndomains: {a.example: {addresses: {x: andrei}}}\n", `VM151: user "andrei" sends as x@a.example, and a.example does not say that it sends`},
		{"finds a refused address", "users: {andrei: {sends_as: x@a.example}}\nsubmission: {rewrite: msp}\ndomains: {a.example: {sends: yes, addresses: {x: reject}}}\n", `VM150: user "andrei" sends as x@a.example, which refuses mail`},
		{"finds an address of nobody", "users: {andrei: {sends_as: y@a.example}}\nsubmission: {rewrite: msp}\ndomains: {a.example: {sends: yes, addresses: {x: andrei}}}\n", `VM150: user "andrei" sends as y@a.example, which refuses mail`},
		{"finds another one's address", "users: {andrei: {sends_as: x@a.example}, bea: }\nsubmission: {rewrite: msp}\ndomains: {a.example: {sends: yes, addresses: {x: bea}}}\n", `VM150: user "andrei" sends as x@a.example, whose mail goes to others`},
		{"takes a given sender", "users: {andrei: {sends_as: x@a.example}, bea: }\nsubmission: {rewrite: msp}\ndomains: {a.example: {sends: yes, addresses: {x: {to: bea, senders: andrei}}}}\n", ""},
		{"warns of what has no effect", "users: {andrei: {sends_as: x@a.example}}\ndomains: {a.example: {sends: yes, addresses: {x: andrei}}}\n", "VM152: sends_as of andrei has no effect without submission: {rewrite: msp}"},
		{"asks that a domain with senders says so", "users: {andrei: }\ndomains: {a.example: {senders: andrei}}\n", "VM151: a.example has senders, and a.example does not say that it sends"},
		{"asks that the domain of senders says so", "users: {andrei: }\ndomains: {a.example: {addresses: {x: {to: andrei, senders: andrei}}}}\n", "VM151: x@a.example has senders, and a.example does not say that it sends"},
		{"takes senders: none where nothing is sent", "users: {andrei: }\ndomains: {a.example: {addresses: {x: {to: andrei, senders: none}}}}\n", ""},
		{"warns of senders of a key for several addresses", "users: {andrei: }\ndomains: {a.example: {sends: yes, addresses: {x+*: {to: andrei, senders: none}}}}\n", "VM152: senders of x+*@a.example have no effect"},
		{"takes senders of one detail", "users: {andrei: }\ndomains: {a.example: {sends: yes, addresses: {x+y: {to: andrei, senders: none}}}}\n", ""},
		{"finds that nobody could send", "users: {andrei: }\nsubmission: {authorise: yes}\ndomains: {a.example: {addresses: {x: andrei}}}\n", "VM151: no domain sends"},
	} {
		t.Run(test.it, func(t *testing.T) {
			m, faults := inventory.Parse("mail.yaml", head+test.text)
			senders.Check(m, faults)
			said := ""
			for _, f := range faults.Faults() {
				said += f.Check.ID + ": " + f.Text + "\n"
			}
			if strings.Count(said, test.want) == 0 || test.want == "" && said != "" {
				t.Errorf("%q is not said:\n%s", test.want, said)
			}
		})
	}
}

func TestRefuseSaysWhatAServerCannotDo(t *testing.T) {
	m, _ := inventory.Parse("mail.yaml", "version: 1\nhost: {name: mx1.example.net}\nsubmission: {rewrite: msp, authorise: yes}\n")
	var faults diag.List
	senders.Refuse(m, "it has no such command", "", &faults)
	if all := faults.Faults(); len(all) != 1 || all[0].Check != senders.CheckServer || !strings.Contains(all[0].Text, "rewrite: msp is not possible: it has no such command") {
		t.Errorf("the faults are %v", all)
	}
}
