package postfix_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

var subject = mtatest.Subject{Server: postfix.Server, Configuration: mainCF, During: during, Apart: apart, LooseDetails: true}

func TestContract(t *testing.T) { mtatest.Run(t, subject, peer.Campaign(8)) }

// TestContractWhereMailIsSent is the contract with the files about senders.
func TestContractWhereMailIsSent(t *testing.T) {
	sends := subject
	sends.Sayable = func(text string) string { return sample.Sending(rand.New(rand.NewPCG(uint64(len(text)), 27)), text) }
	mtatest.Run(t, sends, peer.Campaign(2))
}

// mainCF returns a main.cf with the lines that a build needs, except those that say what
// Postfix does without them.
func mainCF(_ string, b mta.Build) (name string, lines []string) {
	lines = []string{"compatibility_level = 3.6"} // without it no list refuses mail for other domains
	for _, line := range b.(postfix.Build).Lines() {
		lines = append(lines, line.Name+" = "+line.Value)
	}
	return "main.cf", slices.DeleteFunc(lines, func(line string) bool { return line == "propagate_unmatched_extensions = canonical, virtual" })
}

// during returns a main.cf with the lines of two builds. A list has the elements of both.
func during(old, next mta.Build) (name string, text []byte) {
	values := map[string]string{}
	for _, b := range []mta.Build{next, old} {
		for _, line := range b.(postfix.Build).Lines() {
			have, known := values[line.Name]
			if values[line.Name] = line.Value; known && line.Name != "propagate_unmatched_extensions" {
				values[line.Name] = have + ", " + line.Value
			}
			if slices.Contains([]string{have, line.Value}, values[line.Name]) || !strings.Contains(line.Value, ":") {
				values[line.Name] = line.Value
			}
		}
	}
	out := "compatibility_level = 3.6\nmyhostname = mx1.example.net\nalias_database =\nalias_maps =\n"
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out += name + " = " + values[name] + "\n"
	}
	return "main.cf", []byte(out)
}

// apart reports whether VM106 is about an address: localhost, if the host has rows.
func apart(m *inventory.Model, addr string) bool {
	_, domain, _ := mailaddr.Split(addr)
	_, hostRows := m.Serves(m.Host.Name.Text)
	return hostRows && m.Meant(domain) != domain
}
