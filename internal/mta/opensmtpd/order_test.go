package opensmtpd_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/promise"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// sevenKeys are the forms of keys in the order in which an inventory has them looked up.
var sevenKeys = []string{"fake+x", "fake++", "fake+*", "fake", "++", "+*", "catch-all"}

// subsets returns an inventory with a domain for every subset of the seven keys. Each key
// refuses mail with its own name, so that a reply tells which key decided.
func subsets() (text string, domains []string) {
	var out strings.Builder
	fmt.Fprintf(&out, "version: 1\nhost: {server: opensmtpd, name: %s}\nusers: {games: }\ndomains:\n", sample.HostName)
	for set := 1; set < 1<<len(sevenKeys); set++ {
		name := fmt.Sprintf("s%d.example", set)
		domains = append(domains, name)
		fmt.Fprintf(&out, "  %s:\n    addresses:\n      other: games\n", name)
		for i, key := range sevenKeys {
			switch reply := fmt.Sprintf("{reject: \"it is %s\"}", key); {
			case set&(1<<i) == 0:
			case key == "catch-all":
				fmt.Fprintf(&out, "    catch_all: %s\n", reply)
			default:
				fmt.Fprintf(&out, "      %s: %s\n", key, reply)
			}
		}
	}
	return out.String(), domains
}

// TestOrderOfKeys asks OpenSMTPD and the Router about every subset of the seven keys.
func TestOrderOfKeys(t *testing.T) {
	text, domains := subsets()
	b, faults := compiled(text)
	if faults.Failed() {
		t.Fatal(faults.Faults()[0].Text)
	}
	dir := peer.SafeDir(t)
	if err := mtatest.Install(opensmtpd.Server, b, dir); err != nil {
		t.Fatal(err)
	}
	set, err := opensmtpd.Server.Open(mta.Place{Dir: dir}, mta.Host{Name: sample.HostName, Account: sample.HasName})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var addresses []string
	for _, domain := range domains {
		for _, local := range []string{"fake", "fake+", "fake+x", "fake+y", "fake+x+y", "none", "none+", "none+x", "+x"} {
			addresses = append(addresses, local+"@"+domain)
		}
	}
	promises := promise.Promises{Model: b.Model, Account: sample.HasName}
	for _, addr := range addresses {
		if routed, steps := set.Route(addr); !mtatest.Alike(routed, promises.Of(addr)) {
			t.Errorf("%s is %v for the Router, and promised is %v: %v", addr, routed, promises.Of(addr), steps)
		}
	}
	got, err := start(t, dir, b).Outcomes(context.Background(), addresses)
	if err != nil {
		t.Fatal(err)
	}
	for i, addr := range addresses {
		if promised := promises.Of(addr); !mtatest.Alike(got[i], promised) {
			t.Errorf("%s is %v in OpenSMTPD, and promised is %v", addr, got[i], promised)
		}
	}
	t.Logf("%d domains, %d addresses", len(domains), len(addresses))
}
