package mtatest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// written compares the outcomes of the written files of an edition with the promises of
// the inventory, and with the outcomes of its Build.
func (c *trial) written(e *edition) error {
	dir, err := c.inFolder(e.build)
	if err != nil {
		return err
	}
	set, err := c.open(dir)
	if err != nil {
		return err
	}
	defer set.Close()
	before := e.build.Set()
	for _, addr := range e.addresses {
		got, steps := set.Route(addr)
		if promised := e.promises.Of(addr); !folded(got).Keeps(folded(promised)) {
			return fmt.Errorf("%s is %s, and promised is %s; tried %v", addr, got, promised, steps)
		}
		if said, _ := before.Route(addr); !same(said, got) {
			return fmt.Errorf("%s is %s, and was %s before the files were written", addr, got, said)
		}
	}
	if err := domains(e.model, set); err != nil {
		return err
	}
	return rows(e.build, set)
}

// domains compares the domains of a set with those of an inventory.
func domains(m *inventory.Model, set mta.Set) error {
	served := []string{m.Host.Name.Text}
	for _, name := range m.Host.LocalNames {
		served = append(served, name.Text)
	}
	var relayed []string
	for i := range m.Domains {
		switch d := &m.Domains[i]; {
		case !d.Enabled || d.Held:
		case d.Backup:
			relayed = append(relayed, d.Name)
		default:
			served = append(served, d.Name)
		}
	}
	gotServed, gotRelayed := set.Domains()
	if got, want := meant(m, gotServed), meant(m, served); !slices.Equal(got, want) {
		return fmt.Errorf("served are %q, and not %q", got, want)
	}
	if got, want := sorted(gotRelayed), sorted(relayed); !slices.Equal(got, want) {
		return fmt.Errorf("relayed are %q, and not %q", got, want)
	}
	return nil
}

// meant returns names without those that mean the host, sorted. Some servers always take
// mail for localhost.
func meant(m *inventory.Model, names []string) []string {
	return slices.DeleteFunc(sorted(names), func(name string) bool { return m.Meant(name) != name })
}

func sorted(names []string) []string {
	names = slices.Sorted(slices.Values(names))
	return slices.Compact(names)
}

// rows checks the order of the rows, and that each has a place.
func rows(b mta.Build, set mta.Set) error {
	all, err := set.Rows()
	if err != nil {
		return err
	}
	var last []byte
	for key := range mapfile.All(all) {
		if last != nil && inventory.CompareKeys(last, key) >= 0 {
			return fmt.Errorf("the row of %s comes behind that of %s", key, last)
		}
		last = slices.Clone(key)
		if _, ok := b.Place(string(key)); !ok {
			return fmt.Errorf("the row of %s has no place in the inventory", key)
		}
	}
	return nil
}

// inFolder writes the files of a build into a new folder.
func (c *trial) inFolder(b mta.Build) (dir string, err error) {
	if dir, err = os.MkdirTemp(c.folder, "set-"); err != nil {
		return "", err
	}
	return dir, publishInto(c.Server, b, dir)
}

func (c *trial) open(dir string) (mta.Set, error) {
	return c.Server.Open(mta.Place{Dir: dir}, mta.Host{Name: c.old.model.Host.Name.Text, Account: sample.HasName})
}

// outcomes returns the outcome of every address from the files of a folder.
func (c *trial) outcomes(dir string) (map[string]outcome.Outcome, error) {
	set, err := c.open(dir)
	if err != nil {
		return nil, err
	}
	all := make(map[string]outcome.Outcome, len(c.addresses))
	for _, addr := range c.addresses {
		all[addr], _ = set.Route(addr)
	}
	return all, set.Close()
}

// of returns the outcome of every address from a build.
func (c *trial) of(b mta.Build) (map[string]outcome.Outcome, error) {
	dir, err := c.inFolder(b)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	return c.outcomes(dir)
}

// folded returns an outcome with its recipients in one form. andrei+ becomes andrei,
// because an empty detail is no detail.
func folded(got outcome.Outcome) outcome.Outcome {
	got.Recipients = slices.Clone(got.Recipients)
	for i, r := range got.Recipients {
		got.Recipients[i] = strings.TrimSuffix(mailaddr.FoldRecipient(r), "+")
	}
	slices.Sort(got.Recipients)
	return got
}

// same reports whether two outcomes are the same to a sender and a recipient.
func same(a, b outcome.Outcome) bool {
	if a.Taken || b.Taken {
		return a.Taken == b.Taken && slices.Equal(a.Recipients, b.Recipients)
	}
	return a.Code == b.Code && a.Status == b.Status && a.Text == b.Text
}

// write writes a file into a folder.
func write(dir, name string, content []byte) error {
	return os.WriteFile(filepath.Join(dir, name), content, 0o644)
}
