package importer

import (
	"os"
	"path/filepath"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail"
	"virtmap/inventory"
)

// TestAFaultOfADomainLeavesItsRowsOut: a fault of a domain does not stop an import.
func TestAFaultOfADomainLeavesItsRowsOut(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"virtusertable": "info@bad.example\troot\n@bad.example\troot\ninfo@good.example\troot\n", "local-host-names": "bad.example\ngood.example\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	host := mta.Host{Name: "mx1.example.net", Account: func(name string) bool { return name == "root" }}
	from, err := sendmail.Server.Import(dir, host, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	s, err := New(sendmail.Server, from)
	if err != nil {
		t.Fatal(err)
	}
	all := s.entries()
	m, faults := inventory.Parse("mail.yaml", all.inventory().Text)
	if faults.Failed() || m.Domains[0].Name != "bad.example" {
		t.Fatalf("the inventory is not as it should be: %v", faults.Faults())
	}
	check := &diag.Check{ID: "VM999", Name: "test", Severity: diag.Error}
	faults.Add(check.At(m.Domains[0].Pos, 1, "it is bad"))
	w := &writer{s: s, entries: all}
	w.text()
	if !w.degrade(m, faults) {
		t.Error("nothing is left out")
	}
	for i := range all.as {
		e := all.at(i)
		if left := e.as == asComment; left != (e.domain() == "bad.example") || left && e.why != "it is bad" {
			t.Errorf("%s is left out: %v, %q", e.key, left, e.why)
		}
	}
	if w.degrade(m, faults) {
		t.Error("it would go on for ever")
	}
}
