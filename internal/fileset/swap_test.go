package fileset_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"virtmap/internal/fileset"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/publish"
	"virtmap/internal/workshop/memfs"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// A change is an edit of an inventory, with the old and the new set.
type change struct {
	old, new  []publish.Output
	addresses []string
	before    map[string]string // outcome of each address in the old set
	after     map[string]string
	between   map[string]string // outcomes of old rows that lead to new aliases of the same name

	known map[string]map[string]string // outcomes by the contents of the files
}

const memDir, memState = "/mail", "/state"

func publishTo(files *memfs.FS, outputs []publish.Output) error {
	_, err := publish.Publish(context.Background(), memSet(files, outputs))
	return err
}

func memSet(files *memfs.FS, outputs []publish.Output) publish.Set {
	return publish.Set{Outputs: outputs, State: memState, FS: files, Keep: 2, Meta: publish.Meta{Who: "test"}}
}

// opened opens the files of a folder in memory.
func opened(t *testing.T, files *memfs.FS) *sendmail.Installed {
	t.Helper()
	set, err := tryOpen(t, files)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func tryOpen(t *testing.T, files *memfs.FS) (*sendmail.Installed, error) {
	t.Helper()
	dir := t.TempDir()
	names, _ := files.Names(memDir)
	for _, name := range names {
		content, err := files.ReadFile(filepath.Join(memDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set, err := sendmail.Open(dir, sample.HostName, func(name string) bool {
		_, alias := sample.LocalAliases[name]
		return alias || slices.Contains(sample.Accounts, name)
	})
	if err == nil {
		t.Cleanup(func() { set.Close() })
	}
	return set, err
}

// route returns the outcome of every address.
func route(r *virtuser.Router, addresses []string) map[string]string {
	all := map[string]string{}
	for _, a := range addresses {
		o := r.Route(a)
		all[a] = fmt.Sprint(o.Code, " ", o.Status, " ", o.Text)
		if o.Taken() {
			all[a] = fmt.Sprint(o.Recipients)
		}
	}
	return all
}

// outcomes returns the outcome of every address by the files. Results are stored,
// because most mishaps leave the same files as an earlier one.
func (c *change) outcomes(t *testing.T, files *memfs.FS) map[string]string {
	t.Helper()
	sum := sha256.New()
	names, _ := files.Names(memDir)
	for _, name := range names {
		content, err := files.ReadFile(filepath.Join(memDir, name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(sum, "%q %d\n%s", name, len(content), content)
	}
	key := string(sum.Sum(nil))
	if c.known[key] == nil {
		c.known[key] = route(opened(t, files).Router, c.addresses)
	}
	return c.known[key]
}

// newChange makes two inventories from a seed. The second has some domains less, some
// more, and some others changed.
func newChange(t *testing.T, seed int) *change {
	t.Helper()
	c := &change{known: map[string]map[string]string{}}
	mapType := []string{"hash", "cdb", "text"}[seed%3]
	model := func(n int) (sendmail.Build, bool) {
		// The domains of a sample depend on its seed. Half of the domains are the same.
		r := rand.New(rand.NewPCG(uint64(seed), uint64(n)))
		text := sample.Inventory(r, memDir, mapType)
		text = strings.Replace(text, "domains:\n", fmt.Sprintf("domains:\n  stays.example:\n    addresses: {list: [games, bin, far%d@elsewhere.example], one: [root, sys], n%d: [games, sys]}\n", n, n), 1)
		m, faults := inventory.Parse("mail.yaml", text)
		if faults.Failed() {
			return sendmail.Build{}, false
		}
		s := sendmail.Compile(m, faults)
		c.addresses = append(c.addresses, sample.Vectors(r, m)...)
		return s, !faults.Failed()
	}
	old, ok := model(1)
	next, also := model(2)
	if !ok || !also {
		return nil
	}
	// The domains that leave are found in the files.
	dir := t.TempDir()
	installed, err := fileset.Outputs(sendmail.Server, old, dir, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publish.Publish(context.Background(), publish.Set{Outputs: installed, State: dir + "/.s", FS: publish.OS}); err != nil {
		t.Fatal(err)
	}
	open := func(damaged []string) (*sendmail.Installed, error) {
		set, _, _, err := sendmail.OpenSound(dir, nil, damaged, next.Model.Host.Name.Text, func(string) bool { return false })
		return set, err
	}
	if next, _, err = next.KeepLeaving(dir, open, time.Time{}, time.Hour, time.Now()); err != nil {
		t.Fatal(err)
	}
	for to, s := range map[*[]publish.Output]sendmail.Build{&c.old: old, &c.new: next} {
		if *to, err = fileset.Outputs(sendmail.Server, s, memDir, -1); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(c.addresses)
	c.addresses = slices.Compact(c.addresses)
	if len(c.addresses) > 150 {
		rand.New(rand.NewPCG(uint64(seed), 3)).Shuffle(len(c.addresses), func(i, j int) { c.addresses[i], c.addresses[j] = c.addresses[j], c.addresses[i] })
		c.addresses = c.addresses[:150]
	}
	files := memfs.New()
	if err := publishTo(files, c.old); err != nil {
		t.Fatal(err)
	}
	installedOld := opened(t, files)
	if err := publishTo(files, c.new); err != nil {
		t.Fatal(err)
	}
	installedNew := opened(t, files)
	c.before, c.after = route(installedOld.Router, c.addresses), route(installedNew.Router, c.addresses)
	// Aliases are swapped before the rows that lead to them.
	between := *installedOld.Router
	between.Aliases = func(key []byte) ([]byte, bool, error) {
		if value, ok, err := installedNew.Router.Aliases(key); ok || err != nil {
			return value, ok, err
		}
		return installedOld.Router.Aliases(key)
	}
	c.between = route(&between, c.addresses)
	return c
}

// A mishap happens at one call.
type mishap struct {
	name      string
	err       error
	dies      bool
	stops     bool // the machine stops too: data that was not synced is lost
	keepNames bool
}

var mishaps = []mishap{
	{name: "the disk is full", err: syscall.ENOSPC},
	{name: "the disk fails", err: syscall.EIO},
	{name: "the process is killed", dies: true},
	{name: "the machine stops", dies: true, stops: true},
	{name: "the machine stops and has written names only", dies: true, stops: true, keepNames: true},
}

// TestSwapAtEveryCall lets every call of a swap fail in every way. Each address goes
// where the old set or the new set sends it. If a list changed together with the row
// that leads to it, the address may also go where the old row and the new list send it.
// The next run leaves one of the two sets, and the whole set.
func TestSwapAtEveryCall(t *testing.T) {
	points, compared := 0, 0
	for seed := range peer.Campaign(4) {
		c := newChange(t, seed)
		if c == nil {
			continue // the inventory has faults
		}
		compared++
		for _, m := range mishaps {
			for call := 1; ; call++ {
				if !c.survives(t, m, call) {
					break
				}
				points++
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
	t.Logf("%d changes, %d points", compared, points)
	if points < 100*compared || compared == 0 {
		t.Errorf("only %d points of %d changes", points, compared)
	}
}

// survives returns false if the swap has fewer calls.
func (c *change) survives(t *testing.T, m mishap, call int) bool {
	t.Helper()
	files := memfs.New()
	if err := publishTo(files, c.old); err != nil {
		t.Fatal(err)
	}
	files.Calls, files.FailAt, files.Err, files.Dies = 0, call, m.err, m.dies
	err := publishTo(files, c.new)
	if err == nil {
		return false
	}
	if want := m.err; m.err != nil && !errors.Is(err, want) {
		t.Fatalf("%s at call %d: %v", m.name, call, err)
	}
	if m.stops {
		files.Stop(m.keepNames)
	}
	files.FailAt = 0
	now := c.outcomes(t, files)
	for _, a := range c.addresses {
		if now[a] != c.before[a] && now[a] != c.after[a] && now[a] != c.between[a] {
			t.Errorf("%s at call %d (%v): %s is %s; it was %s and will be %s", m.name, call, err, a, now[a], c.before[a], c.after[a])
			return true
		}
	}
	// The next run may have either inventory.
	for _, next := range []struct {
		outputs []publish.Output
		want    map[string]string
	}{{c.new, c.after}, {c.old, c.before}} {
		if err := publishTo(files, next.outputs); err != nil {
			t.Errorf("%s at call %d: the next run: %v", m.name, call, err)
			return true
		}
		if now := c.outcomes(t, files); !maps.Equal(now, next.want) {
			t.Errorf("%s at call %d: the next run does not heal it", m.name, call)
		}
		names, _ := files.Names(memDir)
		if left := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, ".virtmap-") }); left >= 0 {
			t.Errorf("%s at call %d: %s is left", m.name, call, names[left])
		}
	}
	return true
}
