package importer_test

import (
	"strings"
	"testing"

	"virtmap/internal/importer"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail"
	"virtmap/inventory"
)

// A usual server does something with a detail that its rows need not say.
type usual struct {
	mta.Imported
	facts mta.Facts
}

func (s *usual) Facts() *mta.Facts { return &s.facts }

// usualServer makes a server with a virtusertable that usually does something with a
// detail.
func usualServer(t *testing.T, virtusertable string, detail inventory.Detail) *importer.Server {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "sendmail.cf", localHostNames)
	write(t, dir, "local-host-names", "a.example\nb.example\n")
	write(t, dir, "virtusertable", virtusertable)
	from, err := sendmail.Server.Import(dir, mta.Host{Name: "mx1.example.net", Account: account}, nil)
	if err != nil {
		t.Fatal(err)
	}
	with := &usual{from, *from.Facts()}
	with.facts.Detail = detail
	s, err := importer.New(sendmail.Server, with)
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

// TestTheUsualDetail: rows that do what the server usually does say nothing.
func TestTheUsualDetail(t *testing.T) {
	const closed = "error:5.1.1:\"550 User unknown\"\n"
	for _, test := range []struct {
		it, rows string
		detail   inventory.Detail
		want     string
	}{
		{
			"keeps details", "info@a.example root%3\nno@a.example bin\nx+*@a.example root%3\n@a.example bin\ninfo@b.example root%3\n@b.example " + closed, inventory.DetailKeep,
			"defaults:\n  detail: keep\n|  a.example:\n    detail: drop\n    addresses:\n      info: {to: root, detail: keep}\n      no: bin\n      x+*: {to: root, detail: keep}\n    catch_all: bin\n  b.example:\n    addresses:\n      info: root\n    catch_all: reject\n",
		},
		{
			"keeps details at the catch-all too", "info@a.example root%3\nno@a.example bin\nx+y@a.example bin\n@a.example bin%3\n@b.example %1@far.example\n", inventory.DetailKeep,
			"defaults:\n  detail: keep\n|  a.example:\n    addresses:\n      info: root\n      no: {to: bin, detail: drop}\n      x+y: bin\n    catch_all: bin\n  b.example:\n    catch_all: \"%1@far.example\"\n",
		},
		{
			"refuses details", "info@a.example root\ninfo+*@a.example " + closed + "x+*@a.example bin\n@a.example " + closed + "@b.example bin\n", inventory.DetailReject,
			"defaults:\n  detail: reject\n|  a.example:\n    addresses:\n      info: root\n      info+*: reject\n      x+*: bin\n    catch_all: reject\n  b.example:\n    detail: drop\n    catch_all: bin\n",
		},
	} {
		t.Run(test.it, func(t *testing.T) {
			s := usualServer(t, test.rows, test.detail)
			inv, err := s.Inventory("mail.yaml")
			if err != nil {
				t.Fatal(err)
			}
			for part := range strings.SplitSeq(test.want, "|") {
				if !strings.Contains(inv.Text, part) {
					t.Errorf("there is no\n%s\nin\n%s", part, inv.Text)
				}
			}
			if p := prove(t, s, inv); len(p.Found) > 0 {
				t.Errorf("these differ: %+v", p.Found)
			}
			if formatted, _, _, err := inventory.Format("mail.yaml", inv.Text); err != nil || formatted != inv.Text {
				t.Errorf("fmt makes of it, %v,\n%s", err, formatted)
			}
		})
	}
}

// TestDefaultsAreNotMerged: the defaults of the other inventory count. Each domain has
// its role addresses and its detail itself, with the same outcomes.
func TestDefaultsAreNotMerged(t *testing.T) {
	rows := "postmaster@a.example root%3\ninfo@a.example bin%3\n@a.example error:5.1.1:\"550 User unknown\"\npostmaster@b.example root%3\n@b.example error:5.1.1:\"550 User unknown\"\n"
	s := usualServer(t, rows, inventory.DetailKeep)
	inv, err := s.Inventory("mail.yaml")
	if err != nil || !strings.Contains(inv.Text, "defaults:\n  detail: keep\n  roles:\n    postmaster: root\n") {
		t.Fatalf("there are no defaults: %v\n%s", err, inv.Text)
	}
	inv, err = usualServer(t, rows, inventory.DetailKeep).ForMerge("import")
	if err != nil {
		t.Fatal(err)
	}
	want := "  a.example:\n    detail: keep\n    addresses:\n      postmaster: root\n      info: bin\n"
	if strings.Contains(inv.Text, "defaults:") || !strings.Contains(inv.Text, want) {
		t.Errorf("there is no\n%s\nin\n%s", want, inv.Text)
	}
}

// TestRolesStayWithTheirDomains: an address is in the defaults only if every domain has
// it.
func TestRolesStayWithTheirDomains(t *testing.T) {
	both := "postmaster@a.example\troot\npostmaster@b.example\troot\n"
	for _, test := range []struct {
		it, rows, names string
		shares          bool
	}{
		{"is shared", both, "a.example\nb.example\n", true},
		{"has another target", "postmaster@a.example\troot\npostmaster@b.example\tbin\n", "a.example\nb.example\n", false},
		{"is not in a domain without rows", both, "a.example\nb.example\nc.example\n", false},
		{"has a comment", "# since May\n" + both, "a.example\nb.example\n", false},
		{"is of one domain", "postmaster@a.example\troot\n", "a.example\n", false},
		{"has parameters", "postmaster@a.example\t%1@far.example\npostmaster@b.example\t%1@far.example\n", "a.example\nb.example\n", false},
	} {
		t.Run(test.it, func(t *testing.T) {
			inv := importedFrom(t, test.rows, test.names)
			if shares := strings.Contains(inv.Text, "defaults:\n  roles:\n    postmaster: root\n"); shares != test.shares {
				t.Errorf("got\n%s", inv.Text)
			}
			if listed := strings.Contains(inv.Text, "      postmaster: "); listed == test.shares {
				t.Errorf("got\n%s", inv.Text)
			}
		})
	}
}
