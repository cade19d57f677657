package resolve_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"virtmap/mxcheck"
	"virtmap/mxcheck/resolve"
)

// many returns a zone of n domains with this server as MX, and the domains.
func many(t testing.TB, n int) (*resolve.Zones, []mxcheck.Subject) {
	t.Helper()
	var zone strings.Builder
	zone.WriteString("$ORIGIN .\n$TTL 3600\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\nmx1.example.net. A 192.0.2.25\n")
	subjects := make([]mxcheck.Subject, n)
	for i := range subjects {
		subjects[i].Domain = fmt.Sprintf("d%d.example", i)
		fmt.Fprintf(&zone, "d%d.example. MX 10 mx1.example.net.\n", i)
	}
	return loadZone(t, zone.String()), subjects
}

// count checks all subjects and counts the ids.
func count(t *testing.T, subjects []mxcheck.Subject, r mxcheck.Resolver) map[mxcheck.ID]int {
	t.Helper()
	c := mxcheck.Checker{Resolver: r, Us: us("mx1.example.net"), Confirm: true, Absent: "no-such-name"}
	ids := map[mxcheck.ID]int{}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.CheckAll(ctx, subjects, func(_ int, v mxcheck.Verdict) { ids[v.ID()]++ }); err != nil {
		t.Fatalf("%v after %v", err, ids)
	}
	return ids
}

// TestSlowFailuresDoNotBlock asks a server that replies SERVFAIL after the time of
// a try, and a silent one. A try that waits for a place must not hold another.
func TestSlowFailuresDoNotBlock(t *testing.T) {
	zones, subjects := many(t, 300)
	slow := func(x exchange) [][]byte {
		packet := x.rcode(dns.RcodeServerFailure)[0]
		time.AfterFunc(70*time.Millisecond, func() { _, _ = x.w.Write(packet) })
		return nil
	}
	ids := count(t, subjects, client(t, serve(t, zones, slow), serve(t, zones, silence)))
	if ids[mxcheck.DNSServfail]+ids[mxcheck.DNSTimeout] != len(subjects) {
		t.Error(ids)
	}
}

// TestDeadNamesDoNotHurtOthers asks a server that is silent about some names. All
// other names get their verdict.
func TestDeadNamesDoNotHurtOthers(t *testing.T) {
	zones, subjects := many(t, 3000)
	dead := func(x exchange) [][]byte {
		if strings.Contains(x.query.Question[0].Name, "7.") {
			return nil
		}
		return [][]byte{x.good}
	}
	ids := count(t, subjects, client(t, serve(t, zones, dead)))
	if ids[mxcheck.OKHere] != 2700 || ids[mxcheck.DNSTimeout] != 300 {
		t.Error(ids)
	}
}

// TestDeadNamesInFront asks for the names without an answer first. That is not an
// outage.
func TestDeadNamesInFront(t *testing.T) {
	zones, subjects := many(t, 1300)
	dead := func(x exchange) [][]byte {
		var n int
		if _, err := fmt.Sscanf(x.query.Question[0].Name, "d%d.", &n); err == nil && n < 1040 {
			return nil
		}
		return [][]byte{x.good}
	}
	config := quick(serve(t, zones, dead))
	const wait = 20 * time.Millisecond
	config.Waits, config.TCPWait, config.Patience = []time.Duration{wait, wait, wait, wait, wait}, 4*wait, 10*wait
	ids := count(t, subjects, open(t, config))
	if ids[mxcheck.OKHere] != 260 || ids[mxcheck.DNSTimeout] != 1040 {
		t.Error(ids)
	}
}

// TestServersComeBack asks servers that are silent for a while.
func TestServersComeBack(t *testing.T) {
	zones, subjects := many(t, 3000)
	var begin sync.Once
	var over atomic.Int64
	outage := func(x exchange) [][]byte {
		if x.nth > 1000 {
			begin.Do(func() { over.Store(time.Now().Add(800 * time.Millisecond).UnixNano()) })
		}
		if time.Now().UnixNano() < over.Load() {
			return nil
		}
		return [][]byte{x.good}
	}
	if ids := count(t, subjects, client(t, serve(t, zones, outage))); ids[mxcheck.OKHere] != len(subjects) {
		t.Error(ids)
	}
}

// TestHastyTCP asks servers whose answers need TCP, and whose TCP connections end
// early or stall.
func TestHastyTCP(t *testing.T) {
	for name, after := range map[string]func(n int32, x exchange, end chan struct{}) [][]byte{
		"closes after each answer": func(_ int32, x exchange, _ chan struct{}) [][]byte {
			_, _ = x.w.Write(x.good)
			x.w.Close()
			return nil
		},
		"closes after twenty answers": func(n int32, x exchange, _ chan struct{}) [][]byte {
			if n%20 == 0 {
				x.w.Close()
				return nil
			}
			return [][]byte{x.good}
		},
		"stalls now and then": func(n int32, x exchange, end chan struct{}) [][]byte {
			if n%50 == 0 {
				<-end // the connection stalls from now on
				return nil
			}
			return [][]byte{x.good}
		},
	} {
		t.Run(name, func(t *testing.T) {
			zones, subjects := many(t, 200)
			var asked atomic.Int32
			end := make(chan struct{})
			config := quick(serve(t, zones, func(x exchange) [][]byte {
				if x.tcp {
					return after(asked.Add(1), x, end)
				}
				return [][]byte{x.changed(truncated)}
			}))
			t.Cleanup(func() { close(end) })
			config.TCPWait = time.Second
			if ids := count(t, subjects, open(t, config)); ids[mxcheck.OKHere] != len(subjects) {
				t.Error(ids)
			}
		})
	}
}

// TestNestedRenaming reads an answer with a DNAME that makes longer and longer
// names.
func TestNestedRenaming(t *testing.T) {
	label := strings.Repeat("x", 60)
	bomb := func(x exchange) [][]byte {
		if !x.tcp {
			return [][]byte{x.changed(truncated)}
		}
		return [][]byte{x.changed(func(m *dns.Msg) {
			empty(m)
			m.Compress = true
			add := func(text string) {
				rr, err := dns.NewRR(text)
				if err != nil {
					panic(err)
				}
				m.Answer = append(m.Answer, rr)
			}
			add(fmt.Sprintf("example. 60 DNAME %s.%s.%s.example.", label, label, label))
			for range 3000 {
				add("example. 60 A 192.0.2.1")
			}
		})}
	}
	start := time.Now()
	v := checkFakemail(t, &mxcheck.Checker{Resolver: client(t, serve(t, fakemail(t), bomb)), Confirm: true})
	if took := time.Since(start); len(v.Records) > 20 || took > 30*time.Second {
		t.Errorf("%s: %s, %d records, after %v", v.ID(), v.Text(), len(v.Records), took)
	}
}

// TestSilentServerDoesNotHoldUpARun asks two servers of which one is silent. The
// run takes no longer than the canary waits.
func TestSilentServerDoesNotHoldUpARun(t *testing.T) {
	hole, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	servers := []netip.AddrPort{serve(t, fakemail(t), nil), hole.LocalAddr().(*net.UDPAddr).AddrPort()}
	start := time.Now()
	v := checkFakemail(t, &mxcheck.Checker{Resolver: open(t, resolve.Config{Servers: servers}), Confirm: true})
	if took := time.Since(start); v.ID() != mxcheck.OKHere || took > 8*time.Second {
		t.Errorf("%s after %v", v.ID(), took)
	}
}
