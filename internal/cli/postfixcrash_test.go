package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/workshop/peer"
)

// forPostfix changes the inventories of versions to Postfix with maps of a type.
func forPostfix(t *testing.T, files [2]string, typ string) {
	t.Helper()
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), "host: {", "host: {server: postfix, map: "+typ+", ", 1)
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// postfixFates is fates for Postfix.
func postfixFates(t *testing.T, dir string, n int) (all []string) {
	t.Helper()
	account := func(name string) bool { return len(name) == 2 && name[0] == 'u' }
	set, err := postfix.Server.Open(mta.Place{Dir: dir}, mta.Host{Name: "mx1.example.net", Account: account})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	route := func(addr string) {
		o, _ := set.Route(addr)
		all = append(all, fmt.Sprint(o.Code, " ", o.Status, " ", o.Recipients))
	}
	for i := 0; i < n; i += max(1, n/40) {
		route(fmt.Sprintf("a%d@d%d.example", i, i/50))
	}
	for v := range 2 {
		route(fmt.Sprintf("a@only%d.example", v))
	}
	return all
}

// TestPostfixBuildKilledAtAnyMoment kills builds for Postfix with signal 9 at random
// moments. Each map is then whole, and each address goes where the old set or the new
// set sends it. The next build leaves the whole new set.
func TestPostfixBuildKilledAtAnyMoment(t *testing.T) {
	const n = 4000
	for _, typ := range []string{"hash", "cdb", "lmdb"} {
		t.Run(typ, func(t *testing.T) {
			dir, files := versions(t, n)
			forPostfix(t, files, typ)
			out := filepath.Join(dir, "out")
			var want [2][]string
			for v := range files {
				mustRun(t, buildArgv(files[v], out, "--reloaded"))
				want[v] = postfixFates(t, out, n)
			}
			start := time.Now()
			mustRun(t, buildArgv(files[0], out, "--reloaded"))
			whole := time.Since(start)
			r := rand.New(rand.NewPCG(10, 9))
			killed, between := 0, 0
			for i := range peer.Campaign(15) {
				next := (i + 1) % 2
				cmd := process(t, buildArgv(files[next], out, "--reloaded"))
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Duration(r.Int64N(int64(whole))))
				_ = cmd.Process.Kill()
				if cmd.Wait() != nil {
					killed++
				}
				now, old := postfixFates(t, out, n), 0
				for j := range now {
					if now[j] == want[1-next][j] {
						old++
					} else if now[j] != want[next][j] {
						t.Fatalf("kill %d: address %d is %s; it was %s and will be %s", i, j, now[j], want[1-next][j], want[next][j])
					}
				}
				if old > 1 && old < len(now)-1 {
					between++
				}
				mustRun(t, buildArgv(files[next], out, "--reloaded"))
				if now := postfixFates(t, out, n); fmt.Sprint(now) != fmt.Sprint(want[next]) {
					t.Fatalf("kill %d: the next build does not heal it", i)
				}
				if left, _ := filepath.Glob(filepath.Join(out, ".virtmap-*")); len(left) > 0 {
					t.Fatalf("kill %d: %q is left", i, left)
				}
			}
			t.Logf("%d builds killed, %d sets between", killed, between)
			if killed == 0 {
				t.Error("no build was killed")
			}
		})
	}
}
