package exim_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// keyOrder is an inventory with a domain for every subset of seven keys. Each key has a
// recipient of its own.
func keyOrder() (text string, addresses []string) {
	keys := []string{"user+x", "user++", "user+*", "user", "++", "+*"}
	users := []string{"games", "bin", "sys", "man", "news", "mail"}
	var out strings.Builder
	out.WriteString("version: 1\nhost: {name: " + sample.HostName + "}\nusers: {games: , bin: , sys: , man: , news: , mail: , lp: }\ndomains:\n")
	for set := 1; set < 1<<7; set++ {
		domain := fmt.Sprintf("k%d.example", set)
		fmt.Fprintf(&out, "  %s:\n    addresses: {", domain)
		for i, key := range keys {
			if set&(1<<i) != 0 {
				fmt.Fprintf(&out, "%q: %s, ", key, users[i])
			}
		}
		out.WriteString("}\n")
		if set&(1<<6) != 0 {
			out.WriteString("    catch_all: lp\n")
		}
		for _, local := range []string{"user", "user+", "user+x", "user+y", "user+x+y", "other", "other+", "other+y", "user++"} {
			addresses = append(addresses, local+"@"+domain)
		}
	}
	return out.String(), addresses
}

// TestKeysHaveSendmailsOrder asks Exim, its Router and the Router of sendmail about
// addresses in domains with every subset of the keys.
func TestKeysHaveSendmailsOrder(t *testing.T) {
	peer.EximRoot(t)
	text, addresses := keyOrder()
	m, faults := inventory.Parse("mail.yaml", text)
	theirs := sendmail.Server.Compile(m, faults).Set()
	b, _ := compiled(strings.Replace(text, "host: {", "host: {server: exim, ", 1))
	dir := peer.SafeDir(t)
	if err := mtatest.Install(exim.Server, b, dir); err != nil {
		t.Fatal(err)
	}
	set, err := exim.Server.Open(mta.Place{Dir: dir}, mta.Host{Name: sample.HostName, Account: sample.HasName})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	got, err := startExim(t, dir, b).Outcomes(context.Background(), addresses)
	if err != nil {
		t.Fatal(err)
	}
	for i, addr := range addresses {
		want, _ := theirs.Route(addr)
		routed, steps := set.Route(addr)
		if !mtatest.Alike(got[i], want) || !mtatest.Alike(routed, want) {
			t.Errorf("%s is %v in Exim, %v for the Router, and %v in sendmail; tried %v", addr, got[i], routed, want, steps)
		}
	}
	if len(addresses) != 1143 {
		t.Errorf("%d addresses were asked", len(addresses))
	}
}

// odd is an inventory with every character that a local part may have, and with targets
// that Exim could take for something else.
const odd = `version: 1
host: {name: mx1.example.net, server: exim, MAP local_names: [local.example.net]}
users: {games: , bin: {mailbox: /srv/mail/bin}, sys: {forward: sys@far.example, keep_copy: true}}
domains:
  a.example:
    addresses:
      "a#b$c&d'e-f": games
      "g-h/i=j?k^l": games
      "m_n{o|p}q~r": games
      ".first": games
      "dots..two": games
      dollar: "o$p{q}r@far.example"
      keep: {to: "o$p{q}r@far.example", detail: keep}
      slash: "x/y@far.example"
      quoted: {to: [games, "a'b@far.example"], bounces_to: bin}
      on: {to: target@b.example, detail: keep}
      text: {reject: "costs $5 {or} 5% more; a,b: <c@d> #1 'quoted' (x) | y"}
      wait: {defer: {code: 452, status: 4.3.1, text: "${later}"}}
      "pat+*": "%2-%1@far.example"
    catch_all: {domain: far.example}
  b.example:
    addresses: {target: {to: games, detail: reject}, "target+known": bin, "back+*": "%1@c.example"}
    catch_all: {defer: "not ${now}"}
  c.example:
    addresses: {back: {reject: "$gone"}}
    catch_all: local
`

// TestOddCharacters asks Exim about local parts, targets and texts with characters that
// mean something to Exim, for each type of map.
func TestOddCharacters(t *testing.T) {
	peer.EximRoot(t)
	var addresses []string
	for _, local := range []string{"a#b$c&d'e-f", "g-h/i=j?k^l", "m_n{o|p}q~r", ".first", "dots..two", "dollar", "dollar+x", "keep+$x{y}", "keep", "slash", "quoted", "quoted+x",
		"on", "on+known", "on+unknown", "text", "wait", "pat+a/b", "pat+/etc/passwd", "pat+$local_part", "anything{$x}", "an/y+thing", "UPPER"} {
		addresses = append(addresses, local+"@a.example")
	}
	addresses = append(addresses, "back+x@b.example", "other@b.example", "games@c.example", "games+x@c.example", "unknown@c.example", "+x@c.example", "games@local.example.net",
		"games@MX1.Example.NET", "games@localhost", "games@accounts.virtmap.invalid", "bin@mailbox.virtmap.invalid", "x@elsewhere.example")
	for _, typ := range exim.Server.Maps {
		b, faults := compiled(strings.Replace(odd, "MAP", "map: "+typ+",", 1))
		if faults.Failed() {
			t.Fatal(faults.Faults())
		}
		if err := realExim.Compare(t, b, peer.SafeDir(t), addresses); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
}
