package program_test

import (
	"fmt"
	"testing"

	"virtmap/internal/workshop/peer"
)

// TestHeldDomains asks sendmail about a domain that is held back, and about addresses that
// lead to it. No mail is relayed there.
func TestHeldDomains(t *testing.T) {
	p := installed(t)
	dir := peer.SafeDir(t)
	if _, ok := built(t, dir, `version: 1
host: {name: mx1.example.net, mail_dir: `+dir+`}
users: {games: , bin: }
domains:
  good.example:
    addresses: {fixed: fake@held.example, list: [bin, fake@held.example], one: "%1@held.example", keep: {to: tagged@held.example, detail: keep}}
    catch_all: {domain: held.example}
  twin.example: {same_as: held.example}
  held.example: {addresses: {fake: games, tagged: games, tagged+x: bin}, catch_all: bin}
  backup.example: {role: backup}
`, "held.example", "backup.example"); !ok {
		t.Fatal("it has faults")
	}
	const waits = "450 4.4.4 mail for held.example is not taken here yet"
	want := map[string]string{
		"fixed@good.example":  "250",
		"list@good.example":   "250",
		"fake@twin.example":   "250",
		"one@good.example":    waits,
		"keep+x@good.example": waits,
		"any@good.example":    waits,
		"fake@held.example":   "550 5.7.1",
		"any@backup.example":  "550 5.7.1",
	}
	var addresses []string
	for address := range want {
		addresses = append(addresses, address)
	}
	replies, err := p.Rcpt(t.Context(), serve(t, p, dir), addresses)
	if err != nil {
		t.Fatal(err)
	}
	for i, address := range addresses {
		r := replies[i]
		got := fmt.Sprint(r.Code)
		if r.Code != 250 {
			got = fmt.Sprintf("%d %s", r.Code, r.Status)
		}
		if r.Code == 450 {
			got += " " + r.Text
		}
		if got != want[address] {
			t.Errorf("%s: %s (%s), want %s", address, got, r.Text, want[address])
		}
	}
}
