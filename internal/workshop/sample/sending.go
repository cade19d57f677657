package sample

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"virtmap/inventory"
)

// Sending returns a generated inventory in which most domains send, some domains and
// addresses have senders, and some users send as an address of theirs.
func Sending(r *rand.Rand, text string) string {
	g := &generator{r: r}
	senders := func() string {
		return g.one("none", g.user(), "["+g.one("bin", "sys", "root")+", "+g.one("games", "news")+"]")
	}
	var lines []string
	own := map[string]string{} // an address of a user, by user
	domain, sends, below := "", false, false
	for line := range strings.Lines(text) {
		below = below || line == "domains:\n"
		if m := openDomain.FindStringSubmatch(line); m != nil && below {
			domain, sends = m[1], !g.chance(4)
			lines = append(lines, line)
			if sends {
				lines = append(lines, "    sends: yes\n")
			}
			if sends && g.chance(3) {
				lines = append(lines, "    senders: "+strings.Replace(senders(), "none", "root", 1)+"\n")
			}
			continue
		}
		if m := plainAddress.FindStringSubmatch(line); m != nil && below && sends && m[2] != "reject" && m[2] != "defer" {
			switch _, has := own[m[2]]; {
			case g.chance(4):
				line = fmt.Sprintf("      %s: {to: %s, senders: %s}\n", m[1], m[2], senders())
			case !has && slices.Contains(Accounts, m[2]):
				own[m[2]] = m[1] + "@" + domain
			}
		}
		lines = append(lines, line)
	}
	for i, line := range lines {
		if m := plainUser.FindStringSubmatch(line); m != nil && own[m[1]] != "" && !g.chance(3) {
			lines[i] = fmt.Sprintf("  %s: {sends_as: %s}\n", m[1], own[m[1]])
		}
	}
	text = strings.Join(lines, "")
	if strings.Contains(text, "sends: yes") {
		text += "submission: {rewrite: msp, authorise: yes}\n"
	}
	return text
}

var (
	openDomain   = regexp.MustCompile(`^  ([^ :]+):\n`)
	plainAddress = regexp.MustCompile(`^      ([^ :+]+): ([a-z-]+)\n`)
	plainUser    = regexp.MustCompile(`^  ([a-z-]+):\n`)
)

// From returns addresses from which users may try to send: those of Vectors, and those of
// the users' accounts, with and without a detail.
func From(r *rand.Rand, m *inventory.Model) []string {
	all := Vectors(r, m)
	for i := range m.Users {
		all = append(all, m.Users[i].Name.Text+"@"+HostName, m.Users[i].Name.Text+"+x@local.example.net")
	}
	for i := range m.Domains {
		all = append(all, "info+detail@"+m.Domains[i].Name)
	}
	folded := all[:0]
	for _, addr := range all {
		folded = append(folded, strings.ToLower(addr))
	}
	slices.Sort(folded)
	return slices.Compact(folded)
}
