package resolve_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"virtmap/mxcheck"
)

// lossy starts a proxy in front of a server. The proxy loses UDP packets in both
// directions and delays others longer than a try waits. It loses nothing over TCP,
// because TCP sends lost packets again.
func lossy(t testing.TB, server netip.AddrPort, seed uint64, lost, late float64, delay time.Duration) netip.AddrPort {
	t.Helper()
	packets, stream := listen(t, "127.0.0.1:0")
	front := packets.(*net.UDPConn)
	t.Cleanup(func() { front.Close(); stream.Close() })
	go forward(stream, server)
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(seed, 1))
	pass := func(send func()) {
		mu.Lock()
		roll := dice.Float64()
		mu.Unlock()
		switch {
		case roll < lost:
		case roll < lost+late:
			time.AfterFunc(delay, send)
		default:
			send()
		}
	}
	backs := map[netip.AddrPort]*net.UDPConn{} // by port of the client: a socket to the server
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := front.ReadFromUDPAddrPort(buffer)
			if err != nil {
				for _, back := range backs {
					back.Close()
				}
				return
			}
			back := backs[from]
			if back == nil {
				if back, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server)); err != nil {
					return
				}
				backs[from] = back
				go func() {
					buffer := make([]byte, 4096)
					for {
						n, err := back.Read(buffer)
						if err != nil {
							return
						}
						packet := append([]byte(nil), buffer[:n]...)
						pass(func() { _, _ = front.WriteToUDPAddrPort(packet, from) })
					}
				}()
			}
			packet := append([]byte(nil), buffer[:n]...)
			pass(func() { _, _ = back.Write(packet) })
		}
	}()
	return front.LocalAddr().(*net.UDPAddr).AddrPort()
}

// forward connects every client of a listener to a server.
func forward(from net.Listener, server netip.AddrPort) {
	for {
		client, err := from.Accept()
		if err != nil {
			return
		}
		back, err := net.Dial("tcp", server.String())
		if err != nil {
			client.Close()
			continue
		}
		for _, pair := range [][2]net.Conn{{client, back}, {back, client}} {
			go func() {
				_, _ = io.Copy(pair[0], pair[1])
				pair[0].Close()
			}()
		}
	}
}

// TestLoss checks 5,000 domains over a line that loses a fifth of the packets and
// delays one in twenty. All verdicts are the same as without loss.
func TestLoss(t *testing.T) {
	const domains = 5000
	var zone strings.Builder
	zone.WriteString("$ORIGIN .\n$TTL 3600\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\nmx1.example.net. A 192.0.2.25\nmx.other.example. A 198.51.100.7\n")
	subjects := make([]mxcheck.Subject, domains)
	want := make([]mxcheck.ID, domains)
	for i := range subjects {
		name := fmt.Sprintf("d%d.example", i)
		subjects[i].Domain = name
		switch i % 10 {
		case 7:
			fmt.Fprintf(&zone, "%s. MX 10 mx.other.example.\n", name)
			want[i] = mxcheck.Elsewhere
		case 8:
			want[i] = mxcheck.NXDomain
		case 9:
			fmt.Fprintf(&zone, "%s. TXT x\n", name)
			want[i] = mxcheck.NoneNoAddr
		default:
			fmt.Fprintf(&zone, "%s. MX 10 mx1.example.net.\n", name)
			want[i] = mxcheck.OKHere
		}
	}
	server := serve(t, loadZone(t, zone.String()), nil)
	config := quick(lossy(t, server, 1, 0.2, 0.05, 80*time.Millisecond))
	c := mxcheck.Checker{Resolver: open(t, config), Us: us("mx1.example.net"), Confirm: true, Absent: "no-such-name"}
	start := time.Now()
	got := make([]mxcheck.ID, domains)
	if err := c.CheckAll(context.Background(), subjects, func(i int, v mxcheck.Verdict) {
		if got[i] = v.ID(); got[i] != want[i] {
			t.Logf("%s: %s: %s; want %s", v.Subject.Domain, v.ID(), v.Text(), want[i])
		}
	}); err != nil {
		t.Fatal(err)
	}
	wrong, unknown := 0, 0
	for i := range got {
		switch {
		case strings.HasPrefix(string(got[i]), "dns-"):
			unknown++
		case got[i] != want[i]:
			wrong++
		}
	}
	t.Logf("%d wrong, %d unknown of %d in %v", wrong, unknown, domains, time.Since(start))
	if wrong > 0 || unknown > 0 {
		t.Error("packets that were lost changed verdicts")
	}
}
