package postfix

import (
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/inventory"
)

// TestOnePostmapReadsOneForm asks for both forms: a postmap is built with one liblmdb.
func TestOnePostmapReadsOneForm(t *testing.T) {
	postmap := peer.Postfix(t, "postmap")
	old, err := readsForm(postmap, "lmdb")
	if err != nil {
		t.Fatal(err)
	}
	next, err := readsForm(postmap, "lmdb-1.0")
	if err != nil {
		t.Fatal(err)
	}
	if old == next {
		t.Errorf("lmdb is read: %t, lmdb-1.0 is read: %t", old, next)
	}
	if _, err := readsForm([]string{"/nowhere/postmap"}, "lmdb"); err == nil {
		t.Error("a missing postmap is no error")
	}
}

func TestATypeThatPostfixDoesNotOpenIsAGap(t *testing.T) {
	for _, c := range []struct {
		typ   string
		types []string
		write string
	}{
		{"cdb", []string{"hash", "texthash"}, "postfix-cdb"},
		{"lmdb", []string{"hash", "texthash"}, "postfix-lmdb"},
		{"hash", []string{"lmdb", "texthash"}, "map: lmdb"},
		{"hash", []string{"texthash"}, "map: texthash"},
		{"lmdb-1.0", []string{"lmdb"}, ""},
		{"cdb", nil, ""},
	} {
		b := buildOf(t, "version: 1\nhost: {name: mx1.shop.test, server: postfix, map: "+c.typ+", mail_dir: /etc/postfix}\nusers: {andrei: }\ndomains:\n  a.test: {addresses: {info: andrei, root: andrei}}\n")
		s := serving{build: b, configuration: &configuration{layout: bare("/etc/postfix"), types: c.types}}
		s.noType()
		switch {
		case c.write == "" && len(s.gaps) > 0:
			t.Errorf("%s of %q: %v", c.typ, c.types, s.gaps)
		case c.write != "" && (len(s.gaps) != 1 || !strings.Contains(s.gaps[0].Write, c.write) || !strings.Contains(s.steps()[0], c.write)):
			t.Errorf("%s of %q: %v", c.typ, c.types, s.gaps)
		}
	}
}

func buildOf(t *testing.T, text string) Build {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", text)
	b := Compile(m, faults)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	return b
}
