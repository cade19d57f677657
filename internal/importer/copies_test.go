package importer_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"virtmap/internal/importer"
	"virtmap/internal/workshop/peer"
)

// copied writes a domain with few rows, and domains that lead their names to it, to each
// other, or to themselves.
func copied(r *rand.Rand) (virtusertable, classW string) {
	one := func(words ...string) string { return words[r.IntN(len(words))] }
	rows := map[string]string{}
	for range r.IntN(5) {
		key := one("a", "a", "b", "b", "a+d", "a++", "a+*", "++", "+*", "") + "@base.example"
		rows[key] = one("root", "root", "bin", "bin", "b@base.example", "ann@far.example", `error:5.1.1:"550 gone"`, "root%3", "%1@far.example", "%1%3@far.example")
	}
	names := []string{"base.example"}
	for i := range 5 {
		name := fmt.Sprintf("c%d.example", i)
		names = append(names, name)
		rows["@"+name] = one("%1@", "%1%3@") + one("base.example", "base.example", "Base.Example.", "far.example", one(names...), fmt.Sprintf("c%d.example", r.IntN(5)))
		if r.IntN(6) == 0 {
			rows["a@"+name] = "bin"
		}
	}
	var out strings.Builder
	for key, right := range rows {
		fmt.Fprintf(&out, "%s\t%s\n", key, right)
	}
	return out.String(), strings.Join(names, "\n") + "\n"
}

// TestCopies imports domains whose only row leads to another domain. With same_as every
// address has the same outcome, also with a detail.
func TestCopies(t *testing.T) {
	same, others := 0, 0
	for seed := range peer.Campaign(200) {
		dir := t.TempDir()
		table, classW := copied(rand.New(rand.NewPCG(88, uint64(seed))))
		write(t, dir, "sendmail.cf", "Djmx1.example.net\nFw/etc/mail/local-host-names\nKvirtuser text /etc/mail/virtusertable\n")
		write(t, dir, "local-host-names", classW)
		write(t, dir, "virtusertable", table)
		server := open(t, dir, account)
		inv, err := server.Inventory("mail.yaml")
		if err != nil {
			t.Fatal(err)
		}
		p, err := server.ProveAll(inv, built(t, inv.Source, server.Delivers))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range p.Found {
			if d.Why == "" {
				t.Errorf("seed %d: %s: %+v -> %+v\n%s\n%s", seed, d.Address, d.Old, d.New, table, inv.Text)
			}
		}
		same += strings.Count(inv.Text, "same_as:")
		others += strings.Count(inv.Text, "catch_all: {domain:") + strings.Count(inv.Text, `catch_all: "%1@`)
	}
	if t.Logf("%d copies, %d others", same, others); same < 100 || others < 100 {
		t.Error("too few of one kind")
	}
}

// TestCopiesAreBounded imports a domain with more copies than mostCopied allows.
func TestCopiesAreBounded(t *testing.T) {
	defer importer.MostCopied(5)()
	dir := t.TempDir()
	write(t, dir, "sendmail.cf", "Djmx1.example.net\nFw/etc/mail/local-host-names\nKvirtuser text /etc/mail/virtusertable\n")
	write(t, dir, "local-host-names", "a.example\nb.example\nc.example\nd.example\n")
	write(t, dir, "virtusertable", "x@a.example root\ny@a.example bin\n@b.example %1%3@a.example\n@c.example %1%3@a.example\n@d.example %1%3@a.example\n")
	inv, err := open(t, dir, account).Inventory("mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if same, rows := strings.Count(inv.Text, "same_as: a.example"), strings.Count(inv.Text, "catch_all: {domain: a.example}"); same != 2 || rows != 1 {
		t.Errorf("there are %d copies and %d rows in\n%s", same, rows, inv.Text)
	}
}
