package sendmail

import (
	"context"
	"path/filepath"
	"testing"

	"virtmap/internal/fileset"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
	"virtmap/inventory"
)

// TestTheInstalledSetIsOpenedOnce opens a set again only if more of it is damaged.
func TestTheInstalledSetIsOpenedOnce(t *testing.T) {
	dir := t.TempDir()
	m, faults := inventory.Parse("mail.yaml", "version: 1\nhost: {name: mx1.example.net}\nusers: {anna: }\ndomains:\n  a.example: {addresses: {info: anna}}\n")
	outputs, err := fileset.Outputs(Server, Compile(m, faults), dir, -1)
	if err != nil || faults.Failed() {
		t.Fatal(err, faults.Faults())
	}
	if _, err := publish.Publish(context.Background(), publish.Set{Outputs: outputs, State: filepath.Join(dir, ".state"), FS: publish.OS}); err != nil {
		t.Fatal(err)
	}
	f := &found{Folder: mta.Folder{Dir: dir, Host: "mx1.example.net", Known: true, Tell: func(string) {}}}
	first, err := f.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := f.open(nil); again != first || err != nil {
		t.Errorf("it is opened again: %v", err)
	}
	damaged := []string{filepath.Join(dir, "virtusertable.db")}
	without, err := f.open(damaged)
	if err != nil || without == first || f.instead[damaged[0]] != "its text" {
		t.Errorf("a damaged map: %v, %v", f.instead, err)
	}
	if err := f.Close(); err != nil || f.set != nil {
		t.Error(err)
	}
}
