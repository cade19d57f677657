package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// TestMXSendingOverDNS checks a domain and the host with a real name server. DNSSEC proves
// nothing there.
func TestMXSendingOverDNS(t *testing.T) {
	server := peer.NSD(t, map[string]string{".": `$ORIGIN .
$TTL 3600
. SOA ns. h. 1 2 3 4 300
. NS ns.
mx1.example.net. A 192.0.2.25
mx1.example.net. TXT "v=spf1 a -all"
25.2.0.192.in-addr.arpa. PTR mx1.example.net.
_25._tcp.mx1.example.net. TLSA 3 1 1 abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789
good.example. MX 10 mx1.example.net.
good.example. TXT "v=spf1 mx -all"
_dmarc.good.example. TXT "v=DMARC1; p=none"
`})
	file := filepath.Join(t.TempDir(), "mail.yaml")
	text := `version: 1
host: {name: mx1.example.net, networks: [192.0.2.25, 10.0.0.0/8]}
users: {andrei: }
domains: {good.example: {sends: yes, addresses: {fake: andrei}}}
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := run("", "mx", "-i", file, "--sending", "--resolver", server.String())
	const want = `warning  good.example     tlsa-insecure  the TLSA records of _25._tcp.mx1.example.net have no effect, because the resolver does not say that DNSSEC proves them (RFC 7672 2.2)
         sign the zone, or name a resolver that validates with --resolver
ok       good.example     spf-ok         SPF permits our address (1 lookup)
ok       good.example     dmarc-ok       DMARC at _dmarc.good.example says none for it
ok       mx1.example.net  ptr-ok         192.0.2.25 is mx1.example.net, which leads back to it
ok       mx1.example.net  spf-ok         SPF permits our address (1 lookup)
`
	if code != 0 || out != want || errOut != "1 domain: 1 warning\n" {
		t.Errorf("exit %d\n%s%s", code, out, errOut)
	}
}

// TestMXSendingComparesACertificate has a TLSA record of another key than the server's. The
// record that is to be published is then found right.
func TestMXSendingComparesACertificate(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"mx1.example.net"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := write("mx1.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	file := write("mail.yaml", "version: 1\nhost: {name: mx1.example.net, sends_from: [192.0.2.25]}\nusers: {andrei: }\ndomains: {good.example: {sends: yes, addresses: {fake: andrei}}}\n")
	zone := func(tlsa string) string {
		return write("all.zone", "$ORIGIN .\n$TTL 3600\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\nmx1.example.net. A 192.0.2.25\nmx1.example.net. TXT \"v=spf1 a -all\"\n25.2.0.192.in-addr.arpa. PTR mx1.example.net.\n"+
			"good.example. MX 10 mx1.example.net.\ngood.example. TXT \"v=spf1 mx -all\"\n_dmarc.good.example. TXT \"v=DMARC1; p=none\"\n"+tlsa+"\n")
	}
	args := []string{"mx", "-i", file, "--sending", "--certificate", certificate, "--zone"}
	code, out, errOut := run("", append(args, zone("_25._tcp.mx1.example.net. TLSA 3 1 1 abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"))...)
	if code != exitProblems || !strings.Contains(out, "tlsa-mismatch") {
		t.Fatalf("exit %d\n%s%s", code, out, errOut)
	}
	_, publish, _ := strings.Cut(out, "         + ")
	publish, _, _ = strings.Cut(publish, "\n")
	if code, out, errOut := run("", append(args, zone(publish))...); code != exitOK || strings.Contains(out, "tlsa-mismatch") {
		t.Errorf("with %s: exit %d\n%s%s", publish, code, out, errOut)
	}
}
