package importer_test

import (
	"slices"
	"strings"
	"testing"

	"virtmap/internal/importer"
	"virtmap/internal/outcome"
)

// TestTheCaseOfOtherServers: only the other server may decide about the case of a local
// part (RFC 5321 2.4). A row and a member of a list keep it in the inventory and in the
// built files.
func TestTheCaseOfOtherServers(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "sendmail.cf", localHostNames+"O AliasFile=/etc/mail/aliases\n")
	write(t, dir, "local-host-names", "shop.example\n")
	write(t, dir, "virtusertable", "a@shop.example\tToken-AbC@Far.Example\nlist@shop.example\tteam\n")
	write(t, dir, "aliases", "team: Bin, Token-XyZ@Far.Example, token-xyz@far.example\n")
	server := open(t, dir, account)
	inv, err := server.Inventory("mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"      a: Token-AbC@far.example\n", "      list: [bin, Token-XyZ@far.example, token-xyz@far.example]\n"} {
		if !strings.Contains(inv.Text, line) {
			t.Errorf("there is no %q in\n%s", line, inv.Text)
		}
	}
	if p := prove(t, server, inv); len(p.Found) > 0 {
		t.Errorf("these differ: %+v", p.Found)
	}
	set := built(t, inv.Source, account)
	for addr, want := range map[string][]string{
		"a@shop.example":    {"Token-AbC@far.example"},
		"list@shop.example": {"Token-XyZ@far.example", "bin", "token-xyz@far.example"},
	} {
		if out, _ := set.Route(addr); !slices.Equal(slices.Sorted(slices.Values(out.Recipients)), want) {
			t.Errorf("%s goes to %q, not to %q", addr, out.Recipients, want)
		}
	}
}

// TestDifferencesOfCase: the case of a name on this server does not count, and that of a
// local part at another server does.
func TestDifferencesOfCase(t *testing.T) {
	server := open(t, servedFolder(t), account)
	for _, test := range []struct {
		old, next         string
		differs, harmless bool
	}{
		{"Bin", "bin", true, true},
		{"ann@Far.Example", "ann@far.example", false, false},
		{"Ann@far.example", "ann@far.example", true, false},
		{"/var/mail/Ann", "/var/mail/ann", true, false},
		{"Bin", "root", true, false},
	} {
		taken := func(to string) []outcome.Outcome {
			return []outcome.Outcome{{Taken: true, Recipients: []string{to}}}
		}
		p := server.Compare(new(importer.Inventory), []string{"a@shop.example"}, taken(test.old), taken(test.next))
		if len(p.Found) > 0 != test.differs || test.differs && p.Harmless() != test.harmless {
			t.Errorf("%s and %s: %+v", test.old, test.next, p.Found)
		}
	}
}

// servedFolder makes the folder of a server with one address.
func servedFolder(t *testing.T) (dir string) {
	dir = t.TempDir()
	write(t, dir, "sendmail.cf", localHostNames)
	write(t, dir, "local-host-names", "shop.example\n")
	write(t, dir, "virtusertable", "a@shop.example\troot\n")
	return dir
}
