package fileset_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/fileset"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/publish"
	"virtmap/internal/workshop/memfs"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// harm damages some files of the folder and of the state.
func harm(r *rand.Rand, files *memfs.FS) (said []string) {
	for range 1 + r.IntN(3) {
		all := files.Files()
		name := all[r.IntN(len(all))]
		content, _ := files.ReadFile(name)
		kind := []string{"emptied", "cut", "overwritten", "removed"}[r.IntN(4)]
		switch kind {
		case "emptied":
			content = []byte{}
		case "cut":
			content = content[:r.IntN(len(content)+1)]
		case "overwritten":
			content = make([]byte, r.IntN(5000))
			for i := range content {
				content[i] = byte(r.Uint32())
			}
		case "removed":
			content = nil
		}
		files.Damage(name, content)
		said = append(said, name+" was "+kind)
	}
	return said
}

// TestDamageIsHealed swaps sets and damages files between runs that are stopped. While
// a run repairs the damage, each address goes where the old set, the new set or the
// damaged set sends it. After the run, the set is the whole new one.
func TestDamageIsHealed(t *testing.T) {
	const rounds = 40
	healed, refused := 0, 0
	for seed := range peer.Campaign(6) {
		c := newChange(t, seed)
		if c == nil {
			continue // the inventory has faults
		}
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		for round := range rounds {
			byHand, said, err := c.heals(t, r)
			if err != nil {
				t.Fatalf("seed %d, round %d: %q: %v", seed, round, said, err)
			}
			healed++
			if byHand {
				refused++
			}
		}
	}
	t.Logf("%d sets were healed, %d of them with --adopt", healed, refused)
	if healed == 0 || refused*4 > healed {
		t.Errorf("%d of %d damaged sets were taken for made by hand", refused, healed)
	}
}

// heals damages a set, and repairs it with a run that is stopped and a run that is not.
// byHand says that a file was taken for one that a person made.
func (c *change) heals(t *testing.T, r *rand.Rand) (byHand bool, said []string, err error) {
	t.Helper()
	files := memfs.New()
	if err := errors.Join(publishTo(files, c.new), publishTo(files, c.old)); err != nil {
		return false, nil, err
	}
	stop := func() {
		files.Calls, files.FailAt, files.Dies = 0, 1+r.IntN(60), true
	}
	if r.IntN(2) == 0 {
		stop()
		_ = publishTo(files, c.new)
		said = append(said, fmt.Sprintf("stopped at call %d", files.FailAt))
		files.FailAt = 0
	}
	said = append(said, harm(r, files)...)
	damaged := c.answers(t, files)
	set := memSet(files, c.new)
	stop()
	_, err = publish.Publish(context.Background(), set)
	var foreign *publish.Foreign
	if byHand = errors.As(err, &foreign); byHand {
		files.Calls, set.Adopt = 0, true
		_, _ = publish.Publish(context.Background(), set)
	}
	said = append(said, fmt.Sprintf("stopped at call %d", files.FailAt))
	files.FailAt = 0
	for a, now := range c.answers(t, files) {
		was, readable := damaged[a]
		waits := strings.HasPrefix(now, "4") // the sender tries again
		if !waits && now != c.before[a] && now != c.after[a] && now != c.between[a] && (now != was || !readable) {
			return byHand, said, fmt.Errorf("%s is %s; it was %s, damaged %s, and will be %s", a, now, c.before[a], was, c.after[a])
		}
	}
	if _, err := publish.Publish(context.Background(), set); err != nil {
		if !errors.As(err, &foreign) {
			return byHand, said, err
		}
		byHand, set.Adopt = true, true
		if _, err := publish.Publish(context.Background(), set); err != nil {
			return byHand, said, err
		}
	}
	return byHand, said, c.whole(t, files, set)
}

// whole checks that the new set is in place, and that a further run does nothing.
func (c *change) whole(t *testing.T, files *memfs.FS, set publish.Set) error {
	t.Helper()
	if now := c.answers(t, files); !maps.Equal(now, c.after) {
		return fmt.Errorf("it is not healed")
	}
	set.Adopt = false
	report, err := publish.Publish(context.Background(), set)
	if err != nil || len(report.Changes) > 0 {
		return fmt.Errorf("the next run does not find all as it should be: %v, %v", report.Changes, err)
	}
	for _, name := range files.Files() {
		if strings.Contains(name, "/.virtmap-") || strings.Contains(name, "unfinished") || strings.HasSuffix(name, "journal.json") {
			return fmt.Errorf("%s is left", name)
		}
	}
	all, _, err := publish.Sound(files, memState)
	if err != nil || !slices.ContainsFunc(all, func(m publish.Meta) bool { return m.Who == "test" }) {
		return fmt.Errorf("%d generations are sound, %v", len(all), err)
	}
	return nil
}

// answers returns the outcome of every address. If the files cannot be opened, mail
// waits and the result is empty.
func (c *change) answers(t *testing.T, files *memfs.FS) map[string]string {
	t.Helper()
	set, err := tryOpen(t, files)
	if err != nil {
		return nil
	}
	defer set.Close()
	return route(set.Router, c.addresses)
}

// TestDamagedAliasesAreBridged: a list becomes one user, and has no alias any more.
// Until the rows are swapped, an old row leads to the alias. The bridge of the alias
// file is made from its text if the map is damaged, and from the copy if the text is
// damaged too.
func TestDamagedAliasesAreBridged(t *testing.T) {
	outputs := func(mapType, target string) []publish.Output {
		text := fmt.Sprintf("version: 1\nhost: {name: %s, map: %s}\nusers: {games: , bin: }\ndomains: {a.example: {addresses: {info: %s}}}\n", sample.HostName, mapType, target)
		m, faults := inventory.Parse("mail.yaml", text)
		s := sendmail.Compile(m, faults)
		if faults.Failed() {
			t.Fatalf("%s has faults", text)
		}
		all, err := fileset.Outputs(sendmail.Server, s, memDir, -1)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	for mapType, damaged := range map[string][]string{
		"hash": {"virtmap-aliases.db"},
		"cdb":  {"virtmap-aliases.cdb", "virtmap-aliases"},
		"text": {"virtmap-aliases"},
	} {
		for call := 1; ; call++ {
			files := memfs.New()
			if err := publishTo(files, outputs(mapType, "[games, bin]")); err != nil {
				t.Fatal(err)
			}
			for _, name := range damaged {
				files.Damage(memDir+"/"+name, []byte{})
			}
			files.Calls, files.FailAt, files.Dies = 0, call, true
			err := publishTo(files, outputs(mapType, "bin"))
			aliases, readErr := files.ReadFile(memDir + "/" + damaged[0])
			if readErr != nil {
				t.Fatal(readErr)
			}
			if set, openErr := tryOpen(t, files); openErr == nil && len(aliases) > 0 {
				if o := set.Router.Route("info@a.example"); !o.Taken() {
					t.Errorf("%s, stopped at call %d: info@a.example is refused: %s", mapType, call, o.Text)
				}
			}
			if err == nil {
				break
			}
		}
	}
}
