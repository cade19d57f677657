package peer

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// NSD starts the name server NSD with zones, given by origin, on a free loopback port.
// NSD stops when the test ends.
func NSD(t testing.TB, zones map[string]string) netip.AddrPort {
	t.Helper()
	program := Find(t, "nsd")
	dir := t.TempDir()
	server := freePort(t)
	var config strings.Builder
	fmt.Fprintf(&config, `server:
	ip-address: %s@%d
	database: ""
	username: ""
	pidfile: ""
	zonesdir: %q
	xfrdfile: ""
	zonelistfile: %q
	logfile: %q
	rrl-ratelimit: 0
	tcp-count: 200
	server-count: 1
remote-control:
	control-enable: no
`, server.Addr(), server.Port(), dir, filepath.Join(dir, "zone.list"), filepath.Join(dir, "log"))
	n := 0
	for origin, text := range zones {
		n++
		file := filepath.Join(dir, fmt.Sprintf("zone%d", n))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&config, "zone:\n\tname: %q\n\tzonefile: %q\n", origin, file)
	}
	configFile := filepath.Join(dir, "nsd.conf")
	if err := os.WriteFile(configFile, []byte(config.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-d", "-c", configFile)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	awaitDNS(t, server, filepath.Join(dir, "log"))
	return server
}

// freePort returns a loopback port that is free for UDP and TCP.
func freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	for {
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := packets.LocalAddr().(*net.UDPAddr).AddrPort()
		stream, err := net.Listen("tcp", addr.String())
		packets.Close()
		if err == nil {
			stream.Close()
			return addr
		}
	}
}

// awaitDNS waits until a server answers a question about the root.
func awaitDNS(t testing.TB, server netip.AddrPort, log string) {
	t.Helper()
	query := []byte{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1} // . NS
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		conn, err := net.Dial("udp", server.String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = conn.Write(query)
		n, err := conn.Read(make([]byte, 512))
		conn.Close()
		if err == nil && n > 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	text, _ := os.ReadFile(log)
	t.Fatalf("nsd does not answer\n%s", text)
}
