package importer_test

import (
	"strings"
	"testing"

	"virtmap/internal/importer"
	"virtmap/internal/mta/sendmail"
)

const localHostNames = "Djmx1.example.net\nFw/etc/mail/local-host-names\nKvirtuser text /etc/mail/virtusertable\n"

// domainsOf returns an inventory from the key domains on.
func domainsOf(t *testing.T, inv *importer.Inventory) string {
	t.Helper()
	_, domains, ok := strings.Cut(inv.Text, "\ndomains:\n")
	if !ok {
		t.Fatalf("there are no domains in\n%s", inv.Text)
	}
	return domains
}

// importedFrom imports a server with a virtusertable and names of class w.
func importedFrom(t *testing.T, virtusertable, names string) *importer.Inventory {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "sendmail.cf", localHostNames)
	write(t, dir, "local-host-names", names)
	write(t, dir, "virtusertable", virtusertable)
	inv, err := open(t, dir, account).Inventory("mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// TestTheOrderOfTheFile: addresses and domains have the order of the virtusertable.
// Comments stay where they stood. A domain without rows follows the name before it.
func TestTheOrderOfTheFile(t *testing.T) {
	inv := importedFrom(t, `# the head

# the shop
zoe@shop.example	root
@shop.example	bin
# everything that is sold
sales@shop.example	bin
no@right-side
office@club.example	root
# after the club
adm@shop.example	root
*@shop.example	root
`, "first.example\nshop.example\nsecond.example\nclub.example\nthird.example\n")
	if !strings.HasPrefix(inv.Text, "# the head\nversion: 1\n") {
		t.Errorf("the head is %q", inv.Text[:40])
	}
	want := `  first.example:
    catch_all: local
  shop.example:
    addresses:
      # the shop
      zoe: root
      # everything that is sold
      sales: bin
      # after the club
      adm: root
      # Not imported: *@shop.example  root ("*" is no address)
    catch_all: bin
  second.example:
    catch_all: local
  club.example:
    addresses:
      office: root
    catch_all: local
  third.example:
    catch_all: local
# Not imported: no@right-side ("no@right-side" has no right side)
`
	if got := domainsOf(t, inv); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestASortedTableStaysSorted: the rows of a text that a build wrote are in order.
func TestASortedTableStaysSorted(t *testing.T) {
	inv := importedFrom(t, "b@a.example\troot\nz@a.example\troot\na@b.example\tbin\n", "b.example\na.example\n")
	if got := domainsOf(t, inv); strings.Index(got, "  a.example:") > strings.Index(got, "  b.example:") || strings.Index(got, " b: ") > strings.Index(got, " z: ") {
		t.Errorf("got\n%s", got)
	}
}

// TestTheOrderOfLists: the rows of a list stay in its order.
func TestTheOrderOfLists(t *testing.T) {
	s, err := importer.OfList(sendmail.Server, "", "lines", "x@b.example root\nz@a.example root, bin\na@a.example bin\n", account)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := s.Inventory("mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := `  b.example:
    addresses:
      x: root
    catch_all: reject
  a.example:
    addresses:
      z: [root, bin]
      a: bin
    catch_all: reject
`
	if got := domainsOf(t, inv); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
