package importer_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"virtmap/internal/mta/postfix"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// A tally counts what was compared.
type tally map[string]int

// siteWorkers is how many pairs of Postfix run at the same time: they mostly wait.
const siteWorkers = 3

// A siteRun tries sites.
type siteRun struct {
	old, next *runningPostfix
	maps      mapMaker
	dir       string // a folder for each site is in it

	mu     *sync.Mutex
	counts tally
	fail   func(format string, args ...any)
}

func (w *siteRun) count(what string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[what] += n
}

// TestImportOfPostfixSites imports generated configurations of Postfix, and asks a running
// Postfix what becomes of mail with the old files, and with the files that the inventory
// built. What differs must have its reason in the proof of the import. The proof must be
// right about the old files, too. The files of an inventory for sendmail are judged in the
// same way, by the real sendmail.
func TestImportOfPostfixSites(t *testing.T) {
	requireSendmail(t)
	counts, mu := tally{}, &sync.Mutex{}
	seeds := make(chan uint64)
	var wait sync.WaitGroup
	for range siteWorkers {
		w := &siteRun{startPostfix(t, "old"), startPostfix(t, "next"), newMapMaker(t), peer.SafeDir(t), mu, counts, nil}
		wait.Go(func() {
			for seed := range seeds {
				if err := w.try(t, seed); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	first, cases := siteSeeds()
	for n := range cases {
		seeds <- first + uint64(n)
	}
	close(seeds)
	wait.Wait()
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d %s", counts[what], what)
	}
	if cases >= 150 && (counts["addresses taken"] < 20*cases || counts["addresses refused"] < 20*cases || counts["sites"] != cases) {
		t.Error("the sites compare little")
	}
}

// siteSeeds returns the first seed, and the number of sites.
func siteSeeds() (first uint64, cases int) {
	if _, err := fmt.Sscan(os.Getenv("VIRTMAP_SITE"), &first); err == nil {
		return first, 1
	}
	return 0, peer.Campaign(150)
}

// try tries one site.
func (w *siteRun) try(t *testing.T, seed uint64) error {
	s := mailSiteOf(seed)
	dir := filepath.Join(w.dir, fmt.Sprintf("site-%d", seed))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := s.write(dir, w.maps.make); err != nil {
		return err
	}
	if err := w.maps.aliases(dir + "/aliases"); err != nil {
		return err
	}
	shown, problems := false, 0
	w.fail = func(format string, args ...any) {
		if problems++; problems > 12 {
			return
		}
		t.Errorf("seed %d: "+format, append([]any{seed}, args...)...)
		if !shown {
			t.Logf("seed %d: %s", seed, s)
		}
		shown = true
	}
	c, err := importSite(s, dir, postfix.Server)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, s)
	}
	defer c.close()
	w.count("sites", 1)
	w.count("addresses that the proof compared", c.proof.Compared)
	err = w.ask(t, c, s.addresses(random(seed)))
	if problems > 0 {
		t.Logf("seed %d:\n%s\n%s%s", seed, c.inv.Text, w.old.warnings(), w.next.warnings())
	}
	return err
}

// ask asks both Postfixes about addresses of a site, and judges their answers.
func (w *siteRun) ask(t *testing.T, c *importedSite, addrs []string) error {
	if err := w.missing(c); err != nil {
		return err
	}
	if err := w.old.load(c.text(c.dir), nil); err != nil {
		return err
	}
	main, clashes, err := c.newMain()
	if err != nil {
		return err
	}
	w.count("lines of main.cf that clash with the inventory", len(clashes))
	if err := installBuilt(c); err != nil {
		return err
	}
	if err := w.next.load(main, c.users); err != nil {
		return err
	}
	var next map[string]outcome.Outcome
	var nextErr error
	var wait sync.WaitGroup
	wait.Go(func() { next, nextErr = w.next.ask(addrs) })
	old, err := w.old.ask(addrs)
	wait.Wait()
	if err == nil {
		err = nextErr
	}
	if err != nil {
		return err
	}
	w.judge(c, addrs, old, next)
	w.rowsKept(c)
	return w.sendmail(t, c, addrs, old)
}

// missing looks for a warning about each table that is not there, and makes an empty one:
// without it Postfix answers all mail with a temporary error.
func (w *siteRun) missing(c *importedSite) error {
	for _, name := range c.mailSite.missing {
		path := filepath.Join(c.dir, name)
		if !slices.ContainsFunc(c.server.Warnings(), func(line string) bool { return strings.Contains(line, path) }) {
			w.fail("no warning names %s: %q", path, c.server.Warnings())
		}
		w.count("missing tables", 1)
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			return err
		}
		if err := w.maps.make("hash:" + path); err != nil {
			return err
		}
	}
	return nil
}

// installBuilt copies the files of the build to where the lines of the build name them.
func installBuilt(c *importedSite) error {
	files, err := filepath.Glob(filepath.Join(c.dir, "new-postfix", "virtmap*"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("the build has no files: %w", err)
	}
	past := time.Now().Add(-time.Hour) // Postfix waits for a text that was just written
	for _, file := range files {
		text, err := os.ReadFile(file)
		to := filepath.Join(c.model.Host.MailDir.Text, filepath.Base(file))
		if err := errors.Join(err, os.WriteFile(to, text, 0o644), os.Chtimes(to, past, past)); err != nil {
			return err
		}
	}
	return nil
}
