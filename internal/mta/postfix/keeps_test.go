package postfix_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"virtmap/internal/mta/postfix"
	"virtmap/internal/workshop/peer"
)

// TestKeptDetails builds inventories in which most addresses keep their detail, as if
// they were large: Postfix puts the detail on all results, and rules drop it. The
// details of a domain are dropped by one rule for all users, or by their names.
func TestKeptDetails(t *testing.T) {
	w := startWitness(t)
	count := map[string]int{}
	for seed := range uint64(peer.Campaign(8)) {
		r := rand.New(rand.NewPCG(seed, 26))
		m, faults := generated(r, seed, func(text string) string { return keeping(r, text) })
		if faults.Failed() {
			count["with faults"]++
			continue
		}
		b := postfix.CompileKeeping(m, int(seed%3), faults)
		if faults.Failed() {
			count["with faults"]++
			continue
		}
		n, err := w.compare(r, b)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		count["addresses"] += n
		count["inventories"]++
		for rule, sign := range map[string]string{"one rule for all": `/^([^@][^+@]*)\+[^@]*@/`, "rules with names": `/^(many`} {
			if strings.Contains(rulesOf(b), sign) {
				count[rule]++
			}
		}
	}
	t.Log(count)
	for _, what := range []string{"inventories", "one rule for all", "rules with names"} {
		if count[what] < 3 {
			t.Errorf("there are few %s", what)
		}
	}
}

// TestManyKeptDetails gives Compile more addresses that keep their detail than it
// writes rules for.
func TestManyKeptDetails(t *testing.T) {
	defer postfix.SetFewRules(20)()
	text := func(n int) string {
		all := "version: 1\nhost: {name: mx1.example.net, server: postfix}\nusers: {bin: }\ndomains:\n  d.example:\n    detail: keep\n    addresses:\n"
		for i := range n {
			all += fmt.Sprintf("      a%d: bin\n", i)
		}
		return all + "      drops: {to: bin, detail: drop}\n"
	}
	for n, keeps := range map[int]bool{15: false, 40: true} {
		b := compiled(t, text(n))
		if b.Keeps() != keeps || strings.Count(rulesOf(b), "\n/") != map[bool]int{false: n, true: 1}[keeps] {
			t.Errorf("%d addresses: all details are kept: %v, with the rules\n%s", n, b.Keeps(), rulesOf(b))
		}
	}
}

// keeping changes an inventory: details are kept where nothing else is said, and a
// further domain has users with and without their details.
func keeping(r *rand.Rand, text string) string {
	text = strings.Replace(text, "\n  detail: drop\n", "\n", 1)
	text = strings.Replace(text, "\n  detail: reject\n", "\n", 1)
	if !strings.Contains(text, "\n  detail: keep\n") {
		text = strings.Replace(text, "defaults:\n", "defaults:\n  detail: keep\n", 1)
	}
	one := func(all ...string) string { return all[r.IntN(len(all))] }
	var more strings.Builder
	for i := range 2 {
		fmt.Fprintf(&more, "  many%d.example:\n    catch_all: %s\n    addresses:\n", i,
			one("reject", "reject", "{reject: all others are refused}", "{defer: later}", "root", `"%1@relay.example"`))
		for n := range 4 + r.IntN(8) {
			fmt.Fprintf(&more, "      many%d: %s\n", n, one("bin", "[bin, sys]", "out@partner.example", "{to: bin, detail: drop}", "{to: [bin, sys], detail: drop}",
				"{to: sys, detail: drop}", "{to: man, detail: reject}", "reject", `"x-%1@relay.example"`, "mailman"))
		}
		if r.IntN(4) == 0 {
			fmt.Fprintf(&more, "      many1+*: %s\n      many2+odd: %s\n", one("root", "reject", `"%1-%2@relay.example"`), one("root", "reject"))
		}
	}
	return strings.Replace(text, "\ndomains:\n", "\ndomains:\n"+more.String(), 1)
}

// rulesOf returns the rules for details of a build.
func rulesOf(b postfix.Build) string {
	for i, file := range postfix.Files {
		if file.Name == "virtmap-detail" {
			return string(b.Texts()[i].Bytes)
		}
	}
	return ""
}
