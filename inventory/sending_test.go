package inventory_test

import (
	"strings"
	"testing"

	"virtmap/inventory"
)

const sending = `version: 1
host: {name: mx1.example.net, networks: [192.0.2.1], sends_from: [192.0.2.9, 2001:db8::9], dkim: {own: /etc/dkimkeys/own.private}}
users:
  andrei: {sends_as: Fake@Fakemail.example}
  bea:
  carol:
submission: {rewrite: msp, authorise: yes}
domains:
  fakemail.example:
    sends: {dkim: {VM2026: /etc/dkimkeys/vm2026.private, vm2025: /etc/dkimkeys/vm2025.private}}
    senders: [carol, bea]
    addresses:
      fake: andrei
      info: {to: [andrei, bea], senders: [Andrei]}
      off: {to: bea, senders: none}
  quiet.example: {same_as: fakemail.example, sends: no}
`

func TestWhatSendsIsRead(t *testing.T) {
	m, faults := inventory.Parse("mail.yaml", sending)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	d, _ := m.Domain("fakemail.example")
	domain := &m.Domains[d]
	if k := domain.Sends.DKIM; !domain.Sends.On || len(k) != 2 || k[0].Selector.Text != "vm2026" || k[0].File.Text != "/etc/dkimkeys/vm2026.private" || k[1].Selector.Text != "vm2025" {
		t.Errorf("the domain sends as %+v", domain.Sends)
	}
	if !m.Sending() || !m.Submission.Rewrite || !m.Submission.Authorise || len(m.Host.SendsFrom) != 2 || len(m.Host.DKIM) != 1 || m.Users[0].SendsAs.Text != "fake@fakemail.example" {
		t.Errorf("submission %+v, from %v, andrei as %q", m.Submission, m.Host.SendsFrom, m.Users[0].SendsAs.Text)
	}
	if quiet, _ := m.Domain("quiet.example"); m.Domains[quiet].Sends.On {
		t.Error("a domain with sends: no sends")
	}
	names := func(s inventory.Senders, ok bool) string {
		all := []string{}
		for _, name := range s.Users {
			all = append(all, name.Text)
		}
		if !ok {
			return "not given"
		}
		return strings.Join(all, " ")
	}
	if got := names(m.SendersAt(domain.Pos)); got != "bea carol" {
		t.Errorf("the senders of the domain are %s", got)
	}
	for local, want := range map[string]string{"fake": "not given", "info": "andrei", "off": ""} {
		a, _ := inventory.Find(domain.Addresses, local, inventory.Plain)
		if got := names(m.SendersAt(a.Pos)); got != want {
			t.Errorf("the senders of %s are %q, not %q", local, got, want)
		}
	}
}

func TestFaultsOfSending(t *testing.T) {
	const head = "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: , bea: }\n"
	for _, test := range []struct{ it, text, want string }{
		{"takes no network as an address that sends", "version: 1\nhost: {name: mx1.example.net, sends_from: [192.0.2.0/24]}\n", "192.0.2.0/24 is a network, where an address stands"},
		{"takes no other word for sends", head + "domains: {a.example: {sends: perhaps}}\n", `sends is "perhaps"`},
		{"takes no other word for rewrite", head + "submission: {rewrite: mta}\n", `rewrite is "mta"`},
		{"takes no other word for authorise", head + "submission: {authorise: maybe}\n", `authorise is "maybe"`},
		{"takes no selector with a blank", head + "domains: {a.example: {sends: {dkim: {a b: /key}}}}\n", `"a b" is no selector of a key`},
		{"takes a selector once", head + "domains: {a.example: {sends: {dkim: {vm: /key, VM: /other}}}}\n", `selector "vm" is given twice`},
		{"takes no relative path of a key", head + "domains: {a.example: {sends: {dkim: {vm: key}}}}\n", `the key of vm "key" is not an absolute path`},
		{"takes no path with a colon", head + "domains: {a.example: {sends: {dkim: {vm: '/a:b'}}}}\n", "has a blank or a colon in it"},
		{"takes only users as senders", head + "domains: {a.example: {senders: [andrew]}}\n", `sender "andrew" is not a declared user`},
		{"takes a sender once", head + "domains: {a.example: {senders: [bea, Bea]}}\n", `"bea" is a sender twice`},
		{"takes no senders of a refused address", head + "domains: {a.example: {addresses: {old: {reject: gone, senders: bea}}}}\n", "old has senders, but refuses mail"},
		{"takes no senders of a key for several addresses", head + "domains: {a.example: {addresses: {x+*: {to: bea, senders: bea}}}}\n", "x+* has senders, but stands for several addresses"},
		{"takes no senders of a backup domain", head + "domains: {a.example: {role: backup, senders: bea}}\n", "backup domain a.example has senders"},
		{"takes no backup domain that sends", head + "domains: {a.example: {role: backup, sends: yes}}\n", "backup domain a.example has sends"},
		{"takes no user as sends_as", "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: {sends_as: andrei}}\n", `"andrei" has no @`},
	} {
		t.Run(test.it, func(t *testing.T) {
			_, faults := inventory.Parse("mail.yaml", test.text)
			said := ""
			for _, f := range faults.Faults() {
				said += f.Text + "\n"
			}
			if strings.Count(said, test.want) != 1 {
				t.Errorf("%q is not said once:\n%s", test.want, said)
			}
		})
	}
}
