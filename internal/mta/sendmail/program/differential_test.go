package program_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/promise"
	"virtmap/internal/publish"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

func installed(t testing.TB) *program.Program {
	t.Helper()
	peer.Root(t)
	peer.Find(t, "m4")
	p, err := program.Find()
	if err != nil {
		peer.Skip(t, "%v", err)
	}
	requireDottedName(t)
	return p
}

// requireDottedName skips the test on a host without a dot in its name: sendmail sleeps a
// minute at every start there.
func requireDottedName(t testing.TB) {
	t.Helper()
	out, err := exec.Command("hostname", "-f").Output()
	if err != nil || !strings.Contains(string(out), ".") {
		peer.Skip(t, "this machine's name has no dotted form in /etc/hosts, and sendmail would wait a minute for one")
	}
}

// serve writes the files that sendmail needs beside ours, and returns the path of its
// sendmail.cf.
func serve(t testing.TB, p *program.Program, dir string, more ...string) string {
	t.Helper()
	var aliases strings.Builder
	for name, account := range sample.LocalAliases {
		fmt.Fprintf(&aliases, "%s: %s\n", name, account)
	}
	for name, text := range map[string]string{"aliases": aliases.String(), "service.switch": "hosts files\naliases files\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "queue"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "test.cf")
	if err := os.WriteFile(path, []byte(cfOf(t, p, dir, more...)), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// cfs are configurations by what m4 made them of, with the folder left out: many
// servers of a test differ in nothing else.
var cfs sync.Map

func cfOf(t testing.TB, p *program.Program, dir string, more ...string) string {
	t.Helper()
	const folder = "@FOLDER@"
	include := filepath.Join(dir, "virtmap.mc")
	included, err := os.ReadFile(include)
	if err != nil {
		t.Fatal(err)
	}
	mc := program.TestMC(dir, sample.HostName, include, more...)
	key := strings.ReplaceAll(mc+string(included), dir, folder)
	cf, known := cfs.Load(key)
	if !known {
		made, err := p.CF(mc)
		if err != nil {
			t.Fatal(err)
		}
		cf = strings.ReplaceAll(string(made), dir, folder)
		cfs.Store(key, cf)
	}
	return strings.ReplaceAll(cf.(string), folder, dir)
}

// built builds an inventory as the program does. The domains in held are held back. ok is
// false when the inventory has faults.
func built(t *testing.T, dir, text string, held ...string) (*inventory.Model, bool) {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", text)
	for i := range m.Domains {
		m.Domains[i].Held = slices.Contains(held, m.Domains[i].Name)
	}
	var build sendmail.Build
	if !faults.Failed() {
		build = sendmail.Compile(m, faults)
	}
	if faults.Failed() {
		var out strings.Builder
		_ = (diag.Printer{Sources: m.Sources, Least: diag.Error}).Print(&out, faults)
		t.Logf("not built:\n%s", out.String())
		return m, false
	}
	outputs, err := fileset.Outputs(sendmail.Server, build, dir, -1)
	if err != nil {
		t.Fatal(err)
	}
	set := publish.Set{Outputs: outputs, State: filepath.Join(dir, ".virtmap"), FS: publish.OS}
	if _, err := publish.Publish(context.Background(), set); err != nil {
		t.Fatal(err)
	}
	return m, true
}

// TestSendmailKeepsThePromises builds generated inventories, and asks sendmail about many
// addresses of each. The outcome is the promised one.
func TestSendmailKeepsThePromises(t *testing.T) {
	t.Parallel()
	p := installed(t)
	root := peer.SafeDir(t)
	const workers = 4
	total := peer.Campaign(320)
	var stats [workers]struct{ inventories, addresses, skipped int }
	t.Run("inventories", func(t *testing.T) {
		for w := range workers {
			t.Run(fmt.Sprint(w), func(t *testing.T) {
				t.Parallel()
				for i := w; i < total; i += workers {
					n := tryInventory(t, p, root, i)
					if n == 0 {
						stats[w].skipped++
						continue
					}
					stats[w].inventories++
					stats[w].addresses += n
				}
			})
		}
	})
	inventories, addresses, skipped := 0, 0, 0
	for _, s := range stats {
		inventories, addresses, skipped = inventories+s.inventories, addresses+s.addresses, skipped+s.skipped
	}
	t.Logf("%d inventories with %d addresses agree; %d more had faults", inventories, addresses, skipped)
	if inventories < total*15/16 || addresses < 20*inventories {
		t.Errorf("%d inventories of %d with %d addresses were compared", inventories, total, addresses)
	}
}

func tryInventory(t *testing.T, p *program.Program, root string, seed int) (addresses int) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(seed), 2026))
	dir := filepath.Join(root, fmt.Sprint("inventory", seed))
	defer os.RemoveAll(dir)
	mapType := "hash"
	if seed%10 == 9 {
		mapType = "text"
	}
	text := sample.Inventory(r, dir, mapType)
	m, ok := built(t, dir, text)
	if !ok {
		return 0
	}
	cf := serve(t, p, dir)
	vectors := sample.Vectors(r, m)
	r.Shuffle(len(vectors), func(i, j int) { vectors[i], vectors[j] = vectors[j], vectors[i] })
	vectors = vectors[:min(len(vectors), 60)]
	before := t.Failed()
	compare(t, p, cf, m, vectors)
	if mapType == "hash" {
		rebuild(t, dir)
		compareReplies(t, p, cf, m, vectors)
	}
	if t.Failed() && !before {
		rows, _ := os.ReadFile(filepath.Join(dir, "virtusertable"))
		aliases, _ := os.ReadFile(filepath.Join(dir, "virtmap-aliases"))
		t.Fatalf("inventory of seed %d:\n%s\n%s\n%s", seed, text, rows, aliases)
	}
	return len(vectors)
}

// rebuild makes the maps again from our texts, with makemap.
func rebuild(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "virtusertable"))
	if err != nil {
		t.Fatal(err)
	}
	peer.Run(t, string(text), "makemap", "hash", filepath.Join(dir, "virtusertable"))
}

func promises(m *inventory.Model) *promise.Promises {
	return &promise.Promises{Model: m, Account: func(name string) bool {
		_, alias := sample.LocalAliases[name]
		return alias || slices.Contains(sample.Accounts, name)
	}}
}

func compare(t *testing.T, p *program.Program, cf string, m *inventory.Model, vectors []string) {
	t.Helper()
	compareReplies(t, p, cf, m, vectors)
	mailers, err := p.Mailers(t.Context(), cf, vectors)
	if err != nil {
		t.Fatal(err)
	}
	prover := promises(m)
	end := ends{p: p, cf: cf, known: map[string][]string{}}
	for i, address := range vectors {
		want := prover.Of(folded(t, address))
		if !want.Taken {
			continue
		}
		got, err := end.of(t, address, mailers[i])
		if err != nil {
			t.Errorf("%s: %v (promised: %v)", address, err, want)
			continue
		}
		wanted := expanded(want.Recipients)
		if address != strings.ToLower(address) { // parameters keep the case of the address
			got, wanted = lowered(got), lowered(wanted)
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("%s ends at %q, promised is %q (sendmail: %s)", address, got, wanted, mailers[i])
		}
	}
}

// ends finds where addresses end in one configuration.
type ends struct {
	p     *program.Program
	cf    string
	known map[string][]string // by mailer: many addresses share one
	away  bool                // an address elsewhere was asked about
}

// of asks sendmail for the end of an address. Nothing is expanded in mail that
// leaves this machine: it ends where its mailer says, as the first one shows.
func (e *ends) of(t *testing.T, address, mailer string) ([]string, error) {
	if got, ok := e.known[mailer]; ok {
		return got, nil
	}
	name, user := program.Triple(mailer)
	away := name == "esmtp"
	if away && e.away {
		return []string{user}, nil
	}
	got, err := e.p.Recipients(t.Context(), e.cf, address)
	if away && err == nil && !slices.Equal(got, []string{user}) {
		t.Errorf("%s ends at %q, and its mailer says %q", address, got, user)
	}
	e.known[mailer], e.away = got, e.away || away
	return got, err
}

func lowered(recipients []string) []string {
	var all []string
	for _, recipient := range recipients {
		all = append(all, strings.ToLower(recipient))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// expanded returns promised recipients after the aliases of the server. For the local
// mailer a plus without a text behind it is no detail.
func expanded(recipients []string) []string {
	var all []string
	for _, recipient := range recipients {
		name, _, _ := strings.Cut(recipient, "+")
		if account, ok := sample.LocalAliases[name]; ok {
			recipient = account
		}
		all = append(all, strings.TrimSuffix(recipient, "+"))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func folded(t *testing.T, address string) string {
	t.Helper()
	addr, problem := mailaddr.Fold(address)
	if problem != nil {
		t.Fatal(problem.Text)
	}
	return addr
}

func compareReplies(t *testing.T, p *program.Program, cf string, m *inventory.Model, vectors []string) {
	t.Helper()
	replies, err := p.Rcpt(t.Context(), cf, vectors)
	if err != nil {
		t.Fatal(err)
	}
	prover := promises(m)
	for i, address := range vectors {
		want, got := prover.Of(folded(t, address)), replies[i]
		switch {
		case want.Taken != (got.Code == 250), !want.Taken && got.Code != want.Code:
		case want.Taken && strings.Contains(got.Text, "will queue"):
		case !want.Taken && (got.Status != want.Status || want.Text != "" && got.Text != want.Text):
		default:
			continue
		}
		t.Errorf("RCPT TO:<%s> is answered %d %s %q, promised is %v", address, got.Code, got.Status, got.Text, want)
	}
}
