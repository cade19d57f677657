package dkim_test

import (
	"slices"
	"testing"

	"virtmap/internal/mta/dkim"
	"virtmap/inventory"
)

const head = " of mx1.example.net, written by virtmap from mail.yaml.\n# Changes made here are lost at the next build.\n"

func TestTables(t *testing.T) {
	for _, test := range []struct{ it, host, domains, keys, signing string }{
		{"has every key, and signs with the first", "", "b.example: {sends: {dkim: {new: /k/new, old: /k/old}}}, a.example: {sends: {dkim: {s: /k/a}}}, c.example: {sends: yes}",
			"s._domainkey.a.example a.example:s:/k/a\nnew._domainkey.b.example b.example:new:/k/new\nold._domainkey.b.example b.example:old:/k/old\n",
			"*@a.example s._domainkey.a.example\n*@b.example new._domainkey.b.example\n"},
		{"has the host's own key", ", dkim: {h: /k/h}", "a.example: {sends: {dkim: {s: /k/a}}}",
			"h._domainkey.mx1.example.net mx1.example.net:h:/k/h\ns._domainkey.a.example a.example:s:/k/a\n",
			"*@mx1.example.net h._domainkey.mx1.example.net\n*@a.example s._domainkey.a.example\n"},
		{"takes the keys of the host as a domain before those of the host", ", dkim: {h: /k/h}", "mx1.example.net: {catch_all: local, sends: {dkim: {d: /k/d}}}",
			"d._domainkey.mx1.example.net mx1.example.net:d:/k/d\n", "*@mx1.example.net d._domainkey.mx1.example.net\n"},
		{"leaves out a domain that is not enabled", "", "a.example: {enabled: false, sends: {dkim: {s: /k/a}}}", "", ""},
	} {
		m, faults := inventory.Parse("mail.yaml", "version: 1\nhost: {name: mx1.example.net"+test.host+"}\nusers: {andrei: }\ndomains: {"+test.domains+"}\n")
		if faults.Failed() {
			t.Fatal(faults.Faults())
		}
		keys, signing := dkim.KeyTable(m), dkim.SigningTable(m)
		if got, want := string(keys.Bytes), "# DKIM keys"+head+test.keys; got != want || keys.Unused != (test.keys == "") {
			t.Errorf("it %s: unused %v\n%s", test.it, keys.Unused, got)
		}
		if got, want := string(signing.Bytes), "# Signing keys"+head+test.signing; got != want || signing.Unused != (test.keys == "") {
			t.Errorf("it %s: unused %v\n%s", test.it, signing.Unused, got)
		}
	}
}

func TestSigned(t *testing.T) {
	got := dkim.Signed([]byte("# a comment\n*@b.example s._domainkey.b.example\n*@a.example x\nann@c.example y\n"))
	if !slices.Equal(got, []string{"a.example", "b.example"}) {
		t.Errorf("%q", got)
	}
}
