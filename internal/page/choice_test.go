package page

import (
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
)

// chains is an inventory whose domain a.example leads to others in every way.
const chains = `version: 1
host: {name: mx1.example.net, local_names: [local.example.net], server: SERVER}
users:
  andrei: {note: the owner}
  bea: {forward: one@f.example}
  carol:
  dora:
  secret: {note: of somebody else}
local_aliases: [mailman, other]
defaults:
  roles: {abuse: ops@e.example}
  catch_all: reject
domains:
  a.example:
    note: of the first customer
    same_as: b.example
    addresses:
      one: one@c.example
      two: {to: nobody-listed@d.example, note: until May}
      three: [carol@mx1.example.net, mailman@local.example.net, far@elsewhere.example]
      four: bea
      five++: "%2@g.example"
      six: {to: x@c.example, detail: keep}
      seven: {to: seven+y@c.example}
  b.example:
    addresses: {own: andrei, hidden: "hidden@far.example"}
    catch_all: {domain: h.example}
  c.example:
    addresses: {one: deep@d.example, x: andrei, x++: carol, seven: {reject: closed}, seven+*: dora, unused: secret}
    catch_all: secret
  d.example:
    addresses: {deep: andrei, unused: other@mx1.example.net}
    catch_all: carol
  e.example: {addresses: {ops: andrei, unused: secret}}
  f.example: {same_as: e.example, addresses: {one: carol}}
  g.example: {addresses: {any: carol}}
  h.example: {addresses: {old: andrei}}
  i.example: {note: of the second customer, addresses: {private: secret}}
`

// TestPageOfOneDomainHasItsSenders: a page of a domain has the senders of the domain and of
// the one it copies. Where their mail goes, and what else they may send as, is not in it.
func TestPageOfOneDomainHasItsSenders(t *testing.T) {
	text := strings.NewReplacer("  quiet.example: {", "  quiet.example: {sends: yes, senders: andrei, ", "dora:\n", "dora: {sends_as: dora@quiet.example}\n").Replace(sending)
	d := document(sound(t, text))
	d.Only = []string{"copy.example"}
	got := data(t, d)
	for _, no := range []string{"private.example", "open.example", "quiet.example", "dora", "vm2026", "fake@a.example"} {
		if strings.Contains(got, no) {
			t.Errorf("the data have %q:\n%s", no, got)
		}
	}
	for _, yes := range []string{`{"n":"carol","at":[0,6],"s":true}`, `"sn":["carol"]`, "=bea\n", `"authorise":true`} {
		if !strings.Contains(got, yes) {
			t.Errorf("the data have no %q:\n%s", yes, got)
		}
	}
	d.Only = []string{"quiet.example"}
	if got := data(t, d); !strings.Contains(got, `"a":"dora@quiet.example"`) || strings.Contains(got, "carol") {
		t.Errorf("the data of quiet.example are\n%s", got)
	}
	d = document(sound(t, sending)) // there quiet.example does not send
	d.Only = []string{"quiet.example"}
	if got := data(t, d); strings.Contains(got, `"sn"`) || strings.Contains(got, "authorise") {
		t.Errorf("the domain does not send, and the data are\n%s", got)
	}
}

// TestPageOfOneDomain: it answers for the domain as lookup does, and has nothing that the
// way of its mail does not need.
func TestPageOfOneDomain(t *testing.T) {
	var questions []question
	var sets []mta.Set
	for _, server := range servers.All {
		text := strings.Replace(chains, "SERVER", server.Name, 1)
		source, ok := compiled(text, server)
		if !ok { // a server without the detail in a target, without a detail that is kept and without local names of aliases
			text = strings.NewReplacer("\"%2@g.example\"", "any@g.example", ", detail: keep", "", "mailman@local.example.net", "mailman").Replace(text)
			source, ok = compiled(text, server)
		}
		if !ok {
			t.Fatalf("the inventory of %s has faults", server.Name)
		}
		d := document(source)
		d.Only = []string{"a.example"}
		text = data(t, d)
		for _, no := range []string{"secret", "unused", "private", "i.example", "second customer", "somebody else", "other"} {
			if strings.Contains(text, no) {
				t.Errorf("%s: the data have %q:\n%s", server.Name, no, text)
			}
		}
		for _, yes := range []string{"of the first customer", "until May", "the owner", `"only":["a.example"]`} {
			if !strings.Contains(text, yes) {
				t.Errorf("%s: the data have no %q:\n%s", server.Name, yes, text)
			}
		}
		q := question{Data: text}
		for _, local := range []string{"one", "two", "two+x", "three", "four", "four+x", "five", "five+any", "six", "six+y", "seven", "own", "hidden", "abuse", "postmaster", "old", "nobody", "nobody+x"} {
			q.Addresses = append(q.Addresses, local+"@a.example")
		}
		questions = append(questions, question{text, append(q.Addresses, "private@i.example", "one@c.example", "andrei@mx1.example.net")})
		sets = append(sets, source.Set())
	}
	for i, all := range answers(t, questions) {
		for n, got := range all {
			addr := questions[i].Addresses[n]
			if !strings.HasSuffix(addr, "@a.example") {
				if !strings.HasPrefix(got.Problem, "This page is about a.example, and") {
					t.Errorf("of %s it says %+v", addr, got)
				}
				continue
			}
			want, trace := sets[i].Route(addr)
			if problem := difference(got, want); problem != "" {
				t.Errorf("%s: %s: %s; tried %v", servers.All[i].Name, addr, problem, trace)
			}
		}
	}
}
