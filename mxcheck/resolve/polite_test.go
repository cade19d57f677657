package resolve_test

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"virtmap/mxcheck"
)

// asked records the questions that a server gets.
type asked struct {
	mu    sync.Mutex
	names map[string]int
}

func (a *asked) note(x exchange) [][]byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.names == nil {
		a.names = map[string]int{}
	}
	q := x.query.Question[0]
	a.names[strings.ToLower(q.Name)+" "+mxcheck.Type(q.Qtype).String()]++
	return [][]byte{x.good}
}

// counts returns how often each question was asked.
func (a *asked) counts() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.names)
}

// TestSharedHostsAreAskedOnce counts the questions about many domains with few MX
// hosts: one question a domain, and a few for all.
func TestSharedHostsAreAskedOnce(t *testing.T) {
	const domains = 300
	var zone strings.Builder
	zone.WriteString("$ORIGIN .\n$TTL 3600\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\nmx1.example.net. A 192.0.2.25\nmx2.example.net. A 192.0.2.26\n")
	subjects := make([]mxcheck.Subject, domains)
	for i := range subjects {
		subjects[i].Domain = fmt.Sprintf("d%d.example", i)
		fmt.Fprintf(&zone, "d%d.example. MX 10 mx1.example.net.\nd%d.example. MX 20 mx2.example.net.\n", i, i)
	}
	var log asked
	server := serve(t, loadZone(t, zone.String()), log.note)
	c := mxcheck.Checker{Resolver: open(t, patient(server)), Us: us("mx1.example.net"), Confirm: true, Absent: "no-such-name"}
	if err := c.CheckAll(context.Background(), subjects, func(int, mxcheck.Verdict) {}); err != nil {
		t.Fatal(err)
	}
	counts := log.counts()
	for name, n := range counts {
		if n > 1 {
			t.Errorf("%s was asked %d times", name, n)
		}
	}
	// The others: two types of address for two hosts, the wildcard, the canary.
	if len(counts) != domains+6 {
		t.Errorf("%d questions", len(counts))
	}
}

// TestMaxQPS asks no more questions a second than MaxQPS.
func TestMaxQPS(t *testing.T) {
	config := quick(serve(t, fakemail(t), nil))
	config.MaxQPS = 100
	c := open(t, config)
	start := time.Now()
	for range 21 {
		c.Ask(context.Background(), mxcheck.Question{Name: "fakemail.example", Type: mxcheck.TypeMX})
	}
	// The first two questions may be asked at once.
	if took := time.Since(start); took < 180*time.Millisecond {
		t.Errorf("21 questions took %v", took)
	}
}

// TestSecondOpinionIsAskedElsewhere asks for a second opinion, which another
// server gives over TCP.
func TestSecondOpinionIsAskedElsewhere(t *testing.T) {
	var first, second asked
	var overTCP atomic.Int32
	servers := []netip.AddrPort{serve(t, fakemail(t), first.note), serve(t, fakemail(t), func(x exchange) [][]byte {
		if x.tcp {
			overTCP.Add(1)
		}
		return second.note(x)
	})}
	a := client(t, servers...).Ask(context.Background(), mxcheck.Question{Name: "fakemail.example", Type: mxcheck.TypeMX, Second: true, First: servers[0].String()})
	if len(a.Records) != 1 || a.Server != servers[1].String() || len(first.counts()) != 0 || overTCP.Load() != 1 {
		t.Errorf("%+v; %v; %v", a, first.counts(), second.counts())
	}
}
