package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// asked is a program for node: it answers for the addresses on its standard input, which
// is lines of JSON: the data of a page, and addresses for it.
const asked = `
const { Inventory, Senders } = require(process.argv[2]);
const out = [];
for (const line of require("fs").readFileSync(0, "utf8").trimEnd().split("\n")) {
  const { data, addresses } = JSON.parse(line);
  const inventory = new Inventory(data);
  const senders = new Senders(inventory);
  const from = {};
  for (const u of inventory.users) for (const { d, row } of senders.from(u.n)) (from[row.key + "@" + inventory.domains[d].n] ??= []).push(u.n);
  out.push(JSON.stringify(addresses.map((a) => { const { steps, ...answer } = inventory.answer(a); return { ...answer, senders: senders.of(a), from: from[a] }; })));
}
process.stdout.write(out.join("\n") + "\n");
`

// An answer is what the script says of an address.
type answer struct {
	Taken      bool
	Recipients []string
	Code       int
	Status     string
	Text       string
	Problem    string
	Senders    *struct{ Users []string } // nil: the script says nothing of senders
	From       []string                  // users in whose lists of addresses to send from it is
}

// A question is the data of a page, with addresses.
type question struct {
	Data      string   `json:"data"`
	Addresses []string `json:"addresses"`
}

// answers asks the script in node.
func answers(t *testing.T, questions []question) (all [][]answer) {
	t.Helper()
	node := peer.Find(t, "node")
	var in strings.Builder
	for _, q := range questions {
		line, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "asked.js")
	if err := os.WriteFile(program, []byte(asked), 0o644); err != nil {
		t.Fatal(err)
	}
	var script []byte
	for _, name := range scriptNames[:2] {
		text, err := scripts.ReadFile("scripts/" + name)
		if err != nil {
			t.Fatal(err)
		}
		script = append(script, text...)
	}
	answering := filepath.Join(dir, "answering.js")
	if err := os.WriteFile(answering, script, 0o644); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(peer.Run(t, in.String(), node, program, answering)) {
		var got []answer
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		all = append(all, got)
	}
	return all
}

// compiled compiles an inventory; ok is false if it has faults.
func compiled(text string, server *mta.Server) (source mta.Build, ok bool) {
	m, faults := inventory.Parse("mail.yaml", text)
	source = server.Compile(m, faults)
	return source, !faults.Failed()
}

// document returns the document of a build.
func document(source mta.Build) *Document {
	set := source.Set()
	return &Document{Model: source.Inventory(), MaxRows: MaxRows, Route: func(addr string) outcome.Outcome {
		o, _ := set.Route(addr)
		return o
	}}
}

// data returns the data of a document.
func data(t *testing.T, d *Document) string {
	t.Helper()
	var out bytes.Buffer
	if err := d.encode(&out, d.header()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// difference compares the script with a server; empty: they say the same. An empty
// detail is no detail to the script.
func difference(got answer, want outcome.Outcome) string {
	recipients := slices.Clone(want.Recipients)
	for i, r := range recipients {
		if !strings.ContainsAny(r, "@/") {
			recipients[i] = strings.TrimSuffix(r, "+")
		}
	}
	slices.Sort(recipients)
	recipients = slices.Compact(recipients)
	switch {
	case strings.HasPrefix(got.Problem, "Servers differ"):
		return "" // localhost, if the host is a domain with addresses
	case got.Problem != "":
		return "the script does not answer: " + got.Problem
	case got.Taken != want.Taken, got.Taken && !slices.Equal(got.Recipients, recipients),
		!got.Taken && (got.Code != want.Code || got.Status != want.Status || !sameWords(got.Text, want.Text)):
		return fmt.Sprintf("the script says %v, and lookup %v", got, want)
	}
	return ""
}

// sameWords compares the texts of two refusals. Postfix says for an unknown user in which
// table it looked, and that depends on its own rows.
func sameWords(a, b string) bool {
	const unknown = "User unknown"
	return a == b || strings.HasPrefix(a, unknown) && strings.HasPrefix(b, unknown)
}

// TestScriptAnswersAsLookup compares the script of a page with every kind of server,
// over generated inventories.
func TestScriptAnswersAsLookup(t *testing.T) {
	for _, server := range servers.All {
		t.Run(server.Name, func(t *testing.T) {
			var questions []question
			var sets []mta.Set
			for seed := range peer.Campaign(150) {
				r := rand.New(rand.NewPCG(uint64(seed), 83))
				text := sample.Inventory(r, server.Dir, server.Maps[0]+", server: "+server.Name)
				source, ok := compiled(text, server)
				if !ok { // as generated; perhaps the server cannot say a part of it
					source, ok = compiled(sample.Plain(text), server)
				}
				if !ok {
					continue
				}
				questions = append(questions, question{data(t, document(source)), addresses(r, source.Inventory())})
				sets = append(sets, source.Set())
				if m := source.Inventory(); len(m.Domains) > 0 { // the same about one domain alone
					d := document(source)
					d.Only = []string{m.Domains[r.IntN(len(m.Domains))].Name}
					questions = append(questions, question{data(t, d), within(addresses(r, m), d.Only[0])})
					sets = append(sets, source.Set())
				}
			}
			compared := 0
			for i, all := range answers(t, questions) {
				for n, got := range all {
					addr := questions[i].Addresses[n]
					want, trace := sets[i].Route(addr)
					if problem := difference(got, want); problem != "" {
						t.Fatalf("%s: %s; tried %v\n%s", addr, problem, trace, questions[i].Data)
					}
					compared++
				}
			}
			t.Logf("%d addresses of %d inventories", compared, len(questions))
			if compared < 10_000 {
				t.Errorf("only %d addresses were compared", compared)
			}
		})
	}
}

// within returns the addresses of a domain.
func within(all []string, domain string) []string {
	return slices.DeleteFunc(all, func(addr string) bool { return !strings.HasSuffix(addr, "@"+domain) })
}

// addresses returns folded addresses to ask about. The script does not take keys, such
// as sales+*, for addresses.
func addresses(r *rand.Rand, m *inventory.Model) (all []string) {
	all = sample.Vectors(r, m)
	for v := range promise.Vectors(m) {
		all = append(all, v.Address)
	}
	for _, local := range []string{"+", "+x", "a+b+c", "+x+y", "postmaster", "root+x", "mailman+x", "abuse+"} {
		for i := range m.Domains {
			all = append(all, local+"@"+m.Domains[i].Name)
		}
		all = append(all, local+"@"+sample.HostName, local+"@localhost", local+"@localhost.example.net", local+"@local.example.net")
	}
	var folded []string
	for _, addr := range all {
		addr, problem := mailaddr.Fold(addr)
		if local, _, _ := strings.Cut(addr, "@"); problem == nil && !strings.HasSuffix(local, "++") && !strings.HasSuffix(local, "+*") {
			folded = append(folded, addr)
		}
	}
	slices.Sort(folded)
	return slices.Compact(folded)
}
