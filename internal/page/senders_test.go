package page

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/servers"
	"virtmap/internal/senders"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// mayFrom returns the users who may send from an address.
func mayFrom(m *inventory.Model, rights *senders.Rights, from string) []string {
	users := []string{}
	for i := range m.Users {
		if name := m.Users[i].Name.Text; rights.May(name, from) {
			users = append(users, name)
		}
	}
	return users
}

// saysSenders reports whether an inventory says who may send from an address: the domain sends,
// or is a name of the host.
func saysSenders(m *inventory.Model, from string) bool {
	_, domain, _ := mailaddr.Split(from)
	domain = m.Meant(domain)
	d, served := m.Serves(domain)
	return served && sends(&m.Domains[d]) || m.IsHostName(domain)
}

// lists reports whether a domain that sends lists an address itself.
func lists(m *inventory.Model, rights *senders.Rights, addr string) bool {
	local, domain, _ := mailaddr.Split(addr)
	d, served := m.Serves(domain)
	return served && rights.Sends(d) && rights.Lists(d, local)
}

// TestScriptKnowsTheSenders compares the script with the rights of generated inventories: of
// all domains, and of one alone.
func TestScriptKnowsTheSenders(t *testing.T) {
	var questions []question
	var models []*inventory.Model
	for seed := range peer.Campaign(50) {
		r := rand.New(rand.NewPCG(uint64(seed), 89))
		server := servers.All[0]
		source, ok := compiled(sample.Sending(r, sample.Inventory(r, server.Dir, server.Maps[0])), server)
		if !ok {
			continue
		}
		m, d := source.Inventory(), document(source)
		all := slices.Concat(addresses(r, m), sample.From(r, m))
		all = slices.DeleteFunc(all, func(addr string) bool {
			_, problem := mailaddr.Fold(addr)
			return problem != nil || strings.HasPrefix(addr, "+*@") || strings.HasPrefix(addr, "++@")
		})
		questions, models = append(questions, question{data(t, d), all}), append(models, m)
		d.Only = []string{m.Domains[r.IntN(len(m.Domains))].Name}
		questions, models = append(questions, question{data(t, d), within(slices.Clone(all), d.Only[0])}), append(models, m)
	}
	compared, some := 0, 0
	rights := map[*inventory.Model]*senders.Rights{}
	for i, all := range answers(t, questions) {
		m := models[i]
		if rights[m] == nil {
			rights[m] = senders.Of(m)
		}
		for n, got := range all {
			from := questions[i].Addresses[n]
			if strings.HasPrefix(got.Problem, "Servers differ") {
				continue
			}
			want := mayFrom(m, rights[m], from)
			switch {
			case got.Senders == nil && (saysSenders(m, from) || len(want) > 0):
				t.Fatalf("of %s the script says nothing, and %v may send from it\n%s", from, want, questions[i].Data)
			case lists(m, rights[m], from) && !slices.Equal(got.From, want):
				t.Fatalf("the address %s is in the lists of %v, not %v\n%s", from, got.From, want, questions[i].Data)
			case got.Senders != nil && (!saysSenders(m, from) || !slices.Equal(got.Senders.Users, want)):
				t.Fatalf("from %s: the script has %v, not %v\n%s", from, got.Senders.Users, want, questions[i].Data)
			}
			compared++
			some += min(1, len(want))
		}
	}
	t.Logf("%d addresses of %d pages; from %d somebody may send", compared, len(questions), some)
	if compared < 20_000 || some < compared/20 || some > compared/2 {
		t.Errorf("of %d addresses %d have senders: the sample says little", compared, some)
	}
}
