package sendmail

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/outcome"
)

// isUser knows the accounts of the servers of these tests.
func isUser(name string) bool { return slices.Contains([]string{"andrei", "bea", "mia"}, name) }

// imported reads a server with names of class w, the aliases of a build, and further
// lines of sendmail.cf.
func imported(t *testing.T, names, aliases, cf string) mta.Imported {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"virtusertable": "x@a.example\tandrei\n", "local-host-names": names,
		"aliases": "staff: andrei, bea\nowner-staff: bea\none: andrei\n", "virtmap-aliases": aliases,
		"sendmail.cf": "Djmx1.example.net\nFw/etc/mail/local-host-names\nKvirtuser text /etc/mail/virtusertable\n" +
			"O AliasFile=/etc/mail/aliases\nO AliasFile=/etc/mail/virtmap-aliases\n" + cf,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Server.Import(dir, mta.Host{Name: "mx1.example.net", Account: isUser}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestWhatRowsMean asks what right sides say.
func TestWhatRowsMean(t *testing.T) {
	s := imported(t, "a.example\n", "virtmap-team: andrei, virtmap-bea\nvirtmap-bea: /var/spool/bea\n", "")
	for _, c := range []struct {
		key, right string
		want       mta.Meaning
	}{
		{"x@a.example", "andrei", mta.Meaning{To: []string{"andrei"}}},
		{"x@a.example", `\andrei`, mta.Meaning{To: []string{"andrei"}}},
		{"x@a.example", `\staff`, mta.Meaning{To: []string{`\staff`}}},
		{"x@a.example", "andrei%3", mta.Meaning{To: []string{"andrei"}, Keeps: true, Part: true}},
		{"x@a.example", "staff", mta.Meaning{To: []string{"andrei", "bea"}, List: true, Owner: "bea"}},
		{"x@a.example", "one", mta.Meaning{To: []string{"one"}}},
		{"x@a.example", "virtmap-team", mta.Meaning{To: []string{"andrei", "bea"}, List: true}},
		{"x@a.example", "virtmap-bea", mta.Meaning{To: []string{"bea"}}},
		{"x@a.example", "x@far.example", mta.Meaning{To: []string{"x@far.example"}}},
		{"@a.example", "%1%3@b.example", mta.Meaning{Same: true, Domain: "b.example", Keeps: true, Part: true}},
		{"@a.example", "%1@b.example", mta.Meaning{Same: true, Domain: "b.example", To: []string{"%1@b.example"}, Part: true}},
		{"x@a.example", "%1@b.example", mta.Meaning{To: []string{"%1@b.example"}, Part: true}},
		{"@a.example", "%0", mta.Meaning{To: []string{"%0"}, Part: true, Whole: true}},
		{"x@a.example", `error:5.1.1:"550 gone"`, mta.Meaning{Refuses: true, Reply: outcome.Outcome{Code: 550, Status: "5.1.1", Text: "gone"}}},
		{"x@a.example", `ERROR:nouser 550 5.7.1 100%% no`, mta.Meaning{Refuses: true, Part: true, Reply: outcome.Outcome{Code: 550, Status: "5.7.1", Text: "100% no"}}},
		{"x@a.example", "error:nouser No", mta.Meaning{Refuses: true}},
	} {
		if got := s.Means(c.key, c.right); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %s: got %+v, want %+v", c.key, c.right, got, c.want)
		}
	}
	if m := s.User("bea"); m.File != "/var/spool/bea" || len(m.Forward) > 0 {
		t.Errorf("bea is %+v", m)
	}
}

// TestRowsThatAreNeverLookedAt asks for the reason of each.
func TestRowsThatAreNeverLookedAt(t *testing.T) {
	s := imported(t, "a.example\n[192.0.2.1]\n", "", "")
	for key, want := range map[string]string{
		"x@a.example":       "",
		"x@mx1.example.net": "",
		"x@":                "there is no domain behind the @",
		"@x@a.example":      "there is more than one @ in it",
		"x@[192.0.2.1]":     "[192.0.2.1] is an address, and not a domain",
		"x@localhost":       "sendmail rewrites localhost to mx1.example.net before it looks at the virtusertable, so that the row is never looked at",
		"x@b.example":       "b.example is not in class w, so that the row is never looked at",
	} {
		if got := s.Unused(key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if facts := s.Facts(); !slices.Equal(facts.Names, []string{"a.example"}) || len(facts.Left) != 1 {
		t.Errorf("the names are %q, without %q", facts.Names, facts.Left)
	}
}

// TestReasonsOfSendmail asks why an outcome differs.
func TestReasonsOfSendmail(t *testing.T) {
	s := imported(t, "a.example\n", "", "C{VirtHost}v.example\nCRv.example\n")
	refusal := func(text string) outcome.Outcome { return outcome.Outcome{Code: 550, Status: "5.1.1", Text: text} }
	taken := outcome.Outcome{Taken: true, Recipients: []string{"andrei"}}
	for _, c := range []struct {
		address   string
		old, next outcome.Outcome
		want      string
	}{
		{"x@a.example", refusal("itisgone"), refusal("it is gone"), "sendmail takes blanks out of a text without quotes; it is whole now"},
		{"x@a.example", refusal("it"), refusal("it (is gone)"), "sendmail takes what stands in ( ) out of a text without quotes; it is whole now"},
		{"x@a.example", refusal("Unbalanced '('"), refusal("it"), "something in the text is opened and not closed, and sendmail answers with that; it is whole now"},
		{"x@v.example", taken, refusal("User unknown"), "class {VirtHost} alone passed on what has no row; the domain is of class w now"},
		{"x@[192.0.2.1]", taken, refusal("it"), "an address of the host is class w by itself, whatever the files say"},
		{"x@a.example", refusal("it"), refusal("else"), ""},
		{"x@a.example", taken, refusal("it"), ""},
	} {
		if got := s.Reason(c.address, c.old, c.next); got != c.want {
			t.Errorf("%s, %s -> %s: got %q, want %q", c.address, c.old, c.next, got, c.want)
		}
	}
}
