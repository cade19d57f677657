package peer

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// DKIMKey makes a key by opendkim-genkey(8). It returns the path of the private key and the
// text of the record that the domain must publish (RFC 6376, 3.6.1).
func DKIMKey(t testing.TB, domain, selector string) (private, record string) {
	t.Helper()
	dir := filepath.Join(SafeDir(t), "keys")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	Run(t, "", "opendkim-genkey", "-b", "2048", "-D", dir, "-d", domain, "-s", selector)
	zone, err := os.ReadFile(filepath.Join(dir, selector+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, part := range quotedParts.FindAllStringSubmatch(string(zone), -1) {
		text.WriteString(part[1])
	}
	return filepath.Join(dir, selector+".private"), text.String()
}

var quotedParts = regexp.MustCompile(`"([^"]*)"`)

// OpenDKIM starts opendkim(8) with a key table and a signing table. It signs mail of this
// machine, and passes other mail on. It stops when the test ends.
func OpenDKIM(t testing.TB, keyTable, signingTable string) netip.AddrPort {
	t.Helper()
	program := Find(t, "opendkim")
	socket := freePort(t)
	config := filepath.Join(SafeDir(t), "opendkim.conf")
	text := fmt.Sprintf("Mode s\nCanonicalization relaxed/simple\nSocket inet:%d@%s\nKeyTable file:%s\nSigningTable refile:%s\nSyslog no\n",
		socket.Port(), socket.Addr(), keyTable, signingTable)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-f", "-x", config)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", socket.String()); err == nil {
			conn.Close()
			return socket
		}
	}
	t.Fatal("opendkim does not answer")
	return netip.AddrPort{}
}
