package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

const dnsInventory = `version: 1
host: {name: mx1.example.net}
users: {andrei: }
domains:
  good.example: {addresses: {fake: andrei}}
  shop.example: {addresses: {fake: andrei}}
`

const dnsZone = `$ORIGIN .
$TTL 3600
. SOA ns. h. 1 2 3 4 300
. NS ns.
mx1.example.net. A 192.0.2.25
good.example. MX 10 mx1.example.net.
shop.example. MX 10 mx2.example.net.
mx2.example.net. A 192.0.2.26
`

// TestBuildOverDNS builds with a real name server. It checks what is asked, what is
// written, and what happens when the server stops answering.
func TestBuildOverDNS(t *testing.T) {
	server := peer.NSD(t, map[string]string{".": dnsZone})
	dir := t.TempDir()
	file := filepath.Join(dir, "mail.yaml")
	if err := os.WriteFile(file, []byte(dnsInventory), 0o644); err != nil {
		t.Fatal(err)
	}
	build := func(want int, args ...string) string {
		t.Helper()
		code, out, errOut := run("", append([]string{"build", "-i", file, "-o", filepath.Join(dir, "out")}, args...)...)
		if code != want {
			t.Fatalf("%v exits with %d, want %d\n%s%s", args, code, want, out, errOut)
		}
		return out + errOut
	}
	names := func() string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, "out", "local-host-names"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if said := build(3, "--resolver", server.String()); !strings.Contains(said, "shop.example is held back: none of its MX hosts is this server; the best is mx2.example.net (192.0.2.26)") {
		t.Error(said)
	}
	if text := names(); !strings.Contains(text, "good.example\n") || strings.Contains(text, "shop.example") {
		t.Error(text)
	}
	if said := build(3, "--resolver", server.String()); said != "" {
		t.Errorf("the second time: %s", said)
	}
	if said := build(0, "--mx", "off"); !strings.Contains(said, "local-host-names") {
		t.Error(said)
	}
	before := names()
	build(3, "--resolver", server.String())
	if names() != before {
		t.Error("a domain that was served left at once")
	}
}
