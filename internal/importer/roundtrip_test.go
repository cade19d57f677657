package importer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"virtmap/hostnames"
	"virtmap/internal/fileset"
	"virtmap/internal/importer"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/publish"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

func account(name string) bool { return slices.Contains(sample.Accounts, name) }

// compiled returns the source of an inventory. ok is false when it has faults.
func compiled(text string) (sendmail.Build, bool) {
	m, faults := inventory.Parse("mail.yaml", text)
	s := sendmail.Compile(m, faults)
	return s, !faults.Failed()
}

// writeSet writes the files of an inventory.
func writeSet(t *testing.T, dir string, s mta.Build) {
	t.Helper()
	outputs, err := fileset.Outputs(sendmail.Server, s, dir, -1)
	if err == nil {
		_, err = publish.Publish(context.Background(), publish.Set{Outputs: outputs, State: filepath.Join(dir, ".virtmap"), FS: publish.OS})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// prove compares a server with the files that an inventory builds.
func prove(t *testing.T, server *importer.Server, inv *importer.Inventory) importer.Proof {
	t.Helper()
	p, err := server.Prove(inv, built(t, inv.Source, server.Delivers))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// built returns the files that an inventory builds.
func built(t *testing.T, s mta.Build, account func(string) bool) *sendmail.Installed {
	t.Helper()
	dir := t.TempDir()
	writeSet(t, dir, s)
	set, _, _, err := sendmail.OpenSound(dir, nil, nil, s.Inventory().Host.Name.Text, account)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	return set
}

// install writes the files of an inventory to a copy of a server's /etc/mail.
func install(t *testing.T, dir string, s sendmail.Build) {
	t.Helper()
	writeSet(t, dir, s)
	var aliases strings.Builder
	for name, to := range sample.LocalAliases {
		fmt.Fprintf(&aliases, "%s: %s\n", name, to)
	}
	write(t, dir, "aliases", aliases.String())
	write(t, dir, "sendmail.cf", "Dj"+sample.HostName+"\nCwlocalhost\nFw/etc/mail/local-host-names %[^\\#]\nFR-o /etc/mail/virtmap-relay-domains %[^\\#]\nKvirtuser "+
		string(s.Model.Host.Map)+" -T<TMPF> /etc/mail/virtusertable\nO AliasFile=/etc/mail/aliases\nO AliasFile=/etc/mail/virtmap-aliases\n")
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string, account func(string) bool) *importer.Server {
	t.Helper()
	site, err := sendmail.Server.Site(dir)
	if err != nil {
		t.Fatal(err)
	}
	from, err := sendmail.Server.Import(dir, mta.Host{Name: site.Name, Account: account}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := importer.New(sendmail.Server, from)
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

// effective returns the rows of an inventory with the members of its aliases, and class
// w. These are the same for every spelling of the inventory.
func effective(s sendmail.Build) string {
	members := map[string][]string{}
	for _, a := range s.Compiled.Aliases.All {
		members[a.Name] = a.Members
		if a.Owner != "" {
			members[a.Name] = append(slices.Clone(a.Members), "owner "+a.Owner)
		}
	}
	var end func(name string) []string
	end = func(name string) []string {
		to, ours := members[name]
		if !ours {
			return []string{name}
		}
		var all []string
		for _, member := range to {
			all = append(all, end(member)...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	var out strings.Builder
	for i := range s.Compiled.Table.Len() {
		key, right := s.Compiled.Table.Row(i)
		to, kept := strings.CutSuffix(string(right), "%3")
		fmt.Fprintf(&out, "%s %q %v\n", key, end(to), kept)
	}
	for _, list := range [][]inventory.Name{hostnames.ClassW(s.Model).All, hostnames.Relayed(s.Model).All} {
		for _, n := range list {
			out.WriteString(n.Text + "\n")
		}
	}
	return out.String()
}

// TestRoundTrip builds generated inventories and imports them again, also from the maps
// alone. Every address has the same outcome, and the rows are the same.
func TestRoundTrip(t *testing.T) {
	tried := 0
	for seed := range peer.Campaign(120) {
		r := rand.New(rand.NewPCG(8, uint64(seed)))
		dir := t.TempDir()
		before, ok := compiled(sample.Inventory(r, "/etc/mail", []string{"hash", "cdb", "text"}[seed%3]))
		if !ok {
			continue
		}
		tried++
		install(t, dir, before)
		if seed%2 == 0 && before.Model.Host.Map != inventory.MapText {
			for _, name := range []string{"virtusertable", "virtmap-aliases"} {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
		server := open(t, dir, account)
		inv, err := server.Inventory("mail.yaml")
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if inv.Left > 0 {
			t.Fatalf("seed %d: %d rows were left out:\n%s", seed, inv.Left, inv.Text)
		}
		if p := prove(t, server, inv); len(p.Found) > 0 || p.Compared < before.Compiled.Table.Len() {
			d := p.Found[0]
			t.Fatalf("seed %d: %d compared, %d differ; %s: %+v -> %+v\n%s", seed, p.Compared, len(p.Found), d.Address, d.Old, d.New, inv.Text)
		}
		if was, is := effective(before), effective(inv.Source.(sendmail.Build)); was != is {
			t.Fatalf("seed %d: %s\n%s", seed, diff.Diff("built", []byte(was), "imported", []byte(is)), inv.Text)
		}
		if formatted, _, faults, err := inventory.Format("mail.yaml", inv.Text); err != nil || faults.Failed() || formatted != inv.Text {
			t.Fatalf("seed %d: fmt would change\n%s\nto\n%s%v", seed, inv.Text, formatted, err)
		}
	}
	t.Logf("%d inventories", tried)
	if tried < 30 {
		t.Errorf("only %d inventories were tried", tried)
	}
}

// TestProofFindsWhatDiffers proves an import against another inventory.
func TestProofFindsWhatDiffers(t *testing.T) {
	const head = "version: 1\nhost: {name: " + sample.HostName + "}\nusers: {root: , bin: }\ndomains:\n  d.example:\n    addresses: {fake: root, info: [root, bin]}\n"
	before, _ := compiled(head + "    catch_all: reject\n")
	dir := t.TempDir()
	install(t, dir, before)
	server := open(t, dir, account)
	inv, err := server.Inventory("mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		other   string
		differs string
	}{
		"a user":      {strings.Replace(head, "fake: root", "fake: bin", 1), "fake@d.example"},
		"a member":    {strings.Replace(head, "[root, bin]", "[root, sys]", 1), "info@d.example"},
		"a catch-all": {head + "    catch_all: bin\n", "nobody-has-this-name@d.example"},
		"a domain":    {strings.Replace(head, "d.example", "e.example", 1), "fake@d.example"},
	} {
		other, _ := compiled(strings.Replace(c.other, "bin: }", "bin: , sys: }", 1))
		p := prove(t, server, &importer.Inventory{Source: other})
		if p.Harmless() || !slices.ContainsFunc(p.Found, func(d importer.Difference) bool { return d.Address == c.differs }) {
			t.Errorf("%s: %s was not found in %+v", name, c.differs, p)
		}
	}
	if p := prove(t, server, inv); len(p.Found) > 0 {
		t.Errorf("the import differs: %+v", p.Found)
	}
}
