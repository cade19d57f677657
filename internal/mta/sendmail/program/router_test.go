package program_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/virtuser"
)

// TestRouterIsSendmail compares sendmail and the Router for generated tables. Each table
// has other domains, so that one map has many tables.
func TestRouterIsSendmail(t *testing.T) {
	t.Parallel()
	p := installed(t)
	root := peer.SafeDir(t)
	const tables, each = 100, 25
	groups := peer.Campaign(20)
	pairs := make([]int, groups)
	t.Run("groups", func(t *testing.T) {
		for i := range groups {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				pairs[i] = tryTables(t, p, filepath.Join(root, fmt.Sprint("group", i)), i, tables, each)
			})
		}
	})
	total := 0
	for _, n := range pairs {
		total += n
	}
	t.Logf("%d tables, %d addresses", groups*tables, total)
	if total < groups*tables*each {
		t.Errorf("%d addresses were compared", total)
	}
}

func tryTables(t *testing.T, p *program.Program, dir string, group, tables, each int) (pairs int) {
	r := rand.New(rand.NewPCG(uint64(group), 1121))
	var rows, names strings.Builder
	var addresses []string
	ours := map[string]bool{"mx1.example.net": true}
	byDomain := map[string]sample.Table{}
	for n := range tables {
		table := sample.NewTable(r, group*tables+n, each)
		for _, row := range table.Rows {
			fmt.Fprintf(&rows, "%s\t%s\n", row[0], row[1])
		}
		for _, d := range table.Domains {
			names.WriteString(d + "\n")
			ours[d], byDomain[d] = true, table
		}
		addresses = append(addresses, table.Addresses...)
	}
	cf := serveTable(t, p, dir, rows.String(), names.String())
	router := routerOver(t, dir, ours)
	replies, err := p.Rcpt(t.Context(), cf, addresses)
	if err != nil {
		t.Fatal(err)
	}
	mailers := mailersOfTaken(t, p, cf, addresses, replies)
	bad := 0
	for i, a := range addresses {
		got := router.Route(a)
		want := replies[i]
		problem := ""
		switch {
		case got.Code != want.Code || got.Status != want.Status:
			problem = fmt.Sprintf("answered %d %s %q by sendmail, %d %s %q by the Router", want.Code, want.Status, want.Text, got.Code, got.Status, got.Text)
		case got.Taken() && !strings.Contains(a, "(") && tripleOf(mailers[i]) != got.Mailer+" "+noBlanks.Replace(got.User):
			problem = fmt.Sprintf("sent to %q by sendmail, to %q by the Router", tripleOf(mailers[i]), got.Mailer+" "+got.User)
		default:
			continue
		}
		if bad++; bad <= 5 {
			table := ""
			for d, one := range byDomain {
				if strings.Contains(strings.ToLower(a), d) {
					table = fmt.Sprint(one.Rows)
				}
			}
			t.Errorf("<%s> is %s\n%s\n%v\n%s", a, problem, mailers[i], got.Trace, table)
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d differ", bad, len(addresses))
	}
	return len(addresses)
}

// mailersOfTaken asks for the triples of accepted addresses only, because a refusal ends
// sendmail -bt.
func mailersOfTaken(t *testing.T, p *program.Program, cf string, addresses []string, replies []outcome.Outcome) []string {
	t.Helper()
	var taken []string
	var places []int
	for i, a := range addresses {
		if replies[i].Code == 250 && !strings.Contains(a, "(") { // -bt does not understand comments
			taken, places = append(taken, "<"+a+">"), append(places, i)
		}
	}
	found, err := p.Mailers(t.Context(), cf, taken)
	if err != nil {
		t.Fatal(err)
	}
	mailers := make([]string, len(addresses))
	for n, i := range places {
		mailers[i] = found[n]
	}
	return mailers
}

var noBlanks = strings.NewReplacer(" ", "", "<", "", ">", "")

// tripleOf returns mailer and user of an outcome.
func tripleOf(answer string) string {
	mailer, user := program.Triple(answer)
	if mailer == "local" {
		user = strings.ToLower(user)
	}
	return mailer + " " + user
}

func serveTable(t testing.TB, p *program.Program, dir, rows, names string) (cf string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	include := "LOCAL_CONFIG\nDmexample.net\nCw[127.0.0.1]\ndivert(0)dnl\nFEATURE(`use_cw_file')dnl\nFEATURE(`virtusertable', `hash " + dir + "/virtusertable')dnl\ndefine(`confCW_FILE', `" + dir + "/local-host-names')dnl\n"
	for name, text := range map[string]string{"virtmap.mc": include, "local-host-names": names} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	peer.Run(t, rows, "makemap", "hash", filepath.Join(dir, "virtusertable"))
	return serve(t, p, dir)
}

func routerOver(t testing.TB, dir string, ours map[string]bool) *virtuser.Router {
	t.Helper()
	m, err := mapfile.Open(filepath.Join(dir, "virtusertable.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	router := &virtuser.Router{
		Host:   sample.HostName,
		ClassW: func(name string) bool { return ours[name] },
		Rows:   func(key []byte) ([]byte, bool, error) { return m.Append(nil, key) },
		Aliases: func(key []byte) ([]byte, bool, error) {
			account, ok := sample.LocalAliases[string(key)]
			return []byte(account), ok, nil
		},
		Account: func(name string) bool { return slices.Contains(accounts(t), name) },
	}
	return router.Ready()
}

func accounts(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	return names
}
