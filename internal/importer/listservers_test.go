package importer_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/importer"
	"virtmap/internal/lists"
	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// eximFolder returns files of virtual domains, by name.
func eximFolder(r *rand.Rand) map[string]string {
	one := func(words ...string) string { return words[r.IntN(len(words))] }
	files := map[string]string{}
	for i := range 3 {
		var out strings.Builder
		for range 1 + r.IntN(8) {
			data := one("root", "bin", "gone", "info@d1.example", "sales@d2.example", "nobody@d0.example", "ann@far.example", ":fail: 551 5.1.6 moved", ":defer: later", ":blackhole:",
				":unknown:", "", "root bin", "/var/mail/x", `\info`, "root@"+sample.HostName)
			for range r.IntN(3) {
				if !strings.HasPrefix(data, ":") {
					data += ", " + one("bin", "sys", "info@d0.example", "x@d1.example", "bob@far.example")
				}
			}
			out.WriteString(one("info", "sales", "Info", "x.y", "a+b", "*", "old") + ": " + data + "\n")
		}
		files[fmt.Sprintf("d%d.example", i)] = out.String()
	}
	return files
}

// openSMTPDTable returns the rows of files of virtual domains as a table of OpenSMTPD, without
// data that only Exim has.
func openSMTPDTable(files map[string]string) string {
	var table strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for line := range strings.Lines(files[name]) {
			key, data, _ := strings.Cut(strings.TrimSpace(line), ": ")
			if data != "" && data[0] != ':' && data[0] != '\\' {
				fmt.Fprintf(&table, "%s@%s %s\n", strings.Trim(key, ":*"), name, data)
			}
		}
	}
	return table.String()
}

// TestListsForEveryServer makes inventories of files of Exim and of tables of OpenSMTPD, for
// every kind of server. Each outcome that differs has a reason.
func TestListsForEveryServer(t *testing.T) {
	compared, differ := 0, 0
	for seed := range peer.Campaign(25) {
		dir, files := t.TempDir(), eximFolder(rand.New(rand.NewPCG(uint64(seed), 77)))
		for name, text := range files {
			write(t, dir, name, text)
		}
		table := openSMTPDTable(files)
		for _, kind := range []*mta.Server{sendmail.Server, postfix.Server, exim.Server, opensmtpd.Server} {
			for judge, list := range map[*mta.Server]*lists.List{
				exim.Server:      readData(t, "exim-virtual", dir, ""),
				opensmtpd.Server: readData(t, "opensmtpd", "", table),
			} {
				p, inv := proved(t, judge, kind, list)
				at := slices.IndexFunc(p.Found, func(d importer.Difference) bool { return d.Why == "" })
				if at >= 0 {
					d := p.Found[at]
					t.Fatalf("seed %d, %s for %s: %s: %v -> %v without a reason\n%q\n%s\n%s", seed, judge.Name, kind.Name, d.Address, d.Old, d.New, files, table, inv)
				}
				compared, differ = compared+p.Compared, differ+len(p.Found)
			}
		}
	}
	if t.Logf("%d addresses compared, %d differ with a reason", compared, differ); compared < 10_000 || differ > compared/4 {
		t.Error("too few are compared, or too many differ")
	}
}

// proved imports a list by the rules of a server, for an inventory of a kind, and proves it.
func proved(t *testing.T, judge, kind *mta.Server, list *lists.List) (p importer.Proof, text string) {
	t.Helper()
	from, err := judge.ImportLists(mta.Lists{Host: sample.HostName, Account: account, Lists: []*lists.List{list}})
	if err != nil {
		t.Fatal(err)
	}
	server, err := importer.New(kind, from)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := server.Inventory("mail.yaml")
	if err != nil {
		t.Fatalf("%s for %s: %v", judge.Name, kind.Name, err)
	}
	p, err = server.Prove(inv, opened(t, kind, written(t, kind, inv.Source), server.Delivers))
	if err != nil {
		t.Fatal(err)
	}
	return p, inv.Text
}

// readData reads a folder, or a text.
func readData(t *testing.T, kind, dir, text string) *lists.List {
	t.Helper()
	read := func(path string) ([]byte, error) {
		if dir == "" {
			return []byte(text), nil
		}
		return os.ReadFile(path)
	}
	list, err := lists.ReadData(kind, filepath.Join(dir, "."), read, func(dir string) (names []string, err error) {
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
