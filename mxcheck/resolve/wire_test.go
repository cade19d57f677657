package resolve_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"virtmap/mxcheck"
	"virtmap/mxcheck/resolve"
)

// A misbehaviour makes a server answer in a wrong way. It returns the packets to
// send, or none for silence.
type misbehaviour func(x exchange) [][]byte

// An exchange is one question to a server of a test.
type exchange struct {
	w     dns.ResponseWriter
	query *dns.Msg
	tcp   bool
	good  []byte // the answer that the zone gives
	nth   int32  // its number among all questions to this server, from 1
	again int32  // number of earlier questions to this server about the name
}

// changed returns the good answer after a change.
func (x exchange) changed(change func(m *dns.Msg)) []byte {
	var m dns.Msg
	if err := m.Unpack(x.good); err != nil {
		panic(err)
	}
	change(&m)
	packet, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return packet
}

func (x exchange) rcode(code int, ede ...uint16) [][]byte {
	return [][]byte{x.changed(func(m *dns.Msg) {
		m.Rcode, m.Answer, m.Ns = code, nil, nil
		for _, e := range ede {
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: e})
		}
	})}
}

// serve starts a resolver with zones, over UDP and TCP on one loopback port. It
// stops when the test ends.
func serve(t testing.TB, zones *resolve.Zones, bad misbehaviour) netip.AddrPort {
	t.Helper()
	return serveOn(t, "127.0.0.1:0", zones, bad)
}

func serveOn(t testing.TB, on string, zones *resolve.Zones, bad misbehaviour) netip.AddrPort {
	t.Helper()
	packets, stream := listen(t, on)
	addr := packets.LocalAddr().(*net.UDPAddr).AddrPort()
	var asked atomic.Int32
	var names sync.Map // by name: number of questions
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		_, tcp := w.RemoteAddr().(*net.TCPAddr)
		good := respond(zones, query, tcp)
		replies := [][]byte{good}
		if bad != nil {
			times, _ := names.LoadOrStore(query.Question[0].Name, new(atomic.Int32))
			replies = bad(exchange{w, query, tcp, good, asked.Add(1), times.(*atomic.Int32).Add(1) - 1})
		}
		for _, packet := range replies {
			_, _ = w.Write(packet)
		}
	})
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: stream, Handler: handler}} {
		go func() { _ = s.ActivateAndServe() }()
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return addr
}

// listen opens one port for UDP and TCP.
func listen(t testing.TB, on string) (net.PacketConn, net.Listener) {
	t.Helper()
	for try := 0; ; try++ {
		stream, err := net.Listen("tcp", on)
		if err != nil {
			t.Fatal(err)
		}
		packets, err := net.ListenPacket("udp", stream.Addr().String())
		if err == nil {
			return packets, stream
		}
		stream.Close()
		if try == 50 {
			t.Fatal(err)
		}
	}
}

// respond returns the answer of a resolver with the zones.
func respond(zones *resolve.Zones, query *dns.Msg, tcp bool) []byte {
	var m dns.Msg
	m.SetReply(query)
	m.Authoritative, m.RecursionAvailable = true, true
	q := query.Question[0]
	ask := mxcheck.Question{Name: "." + q.Name, Type: mxcheck.Type(q.Qtype)}
	if ask.Name = dns.CanonicalName(q.Name); ask.Name != "." {
		ask.Name = ask.Name[:len(ask.Name)-1]
	}
	for range 20 {
		a := zones.Ask(context.Background(), ask)
		for _, r := range append(a.Aliases, a.Records...) {
			rr, err := dns.NewRR(r.String())
			if err != nil {
				panic(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		if a.NoName {
			m.Rcode = dns.RcodeNameError
		}
		if a.Proof != nil {
			soa, _ := dns.NewRR(dns.Fqdn(a.Proof.Zone) + " 300 SOA ns. hostmaster. 1 2 3 4 300")
			m.Ns = append(m.Ns, soa)
		}
		if a.Failure != "" {
			m.Rcode = dns.RcodeRefused
		}
		if len(a.Aliases) == 0 {
			break
		}
		ask.Name = a.End(ask.Name)
	}
	if query.IsEdns0() != nil {
		m.SetEdns0(1232, false)
	}
	if !tcp {
		m.Truncate(1232)
	}
	packet, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return packet
}

// quick returns a Config with short times, for tests on loopback.
func quick(servers ...netip.AddrPort) resolve.Config {
	const wait = 50 * time.Millisecond
	return resolve.Config{
		Servers: servers, Waits: []time.Duration{wait, wait, wait, wait, wait},
		TCPWait: 4 * wait, Pause: wait, Patience: 10 * wait,
	}
}

// slower returns a Config whose times are several times as long.
func slower(c resolve.Config, times time.Duration) resolve.Config {
	c.Waits = slices.Clone(c.Waits)
	for i := range c.Waits {
		c.Waits[i] *= times
	}
	c.TCPWait, c.Pause, c.Patience = c.TCPWait*times, c.Pause*times, c.Patience*times
	return c
}

// patient returns a Config for tests that count questions. Its times are so long that no
// question is asked twice on a busy machine.
func patient(servers ...netip.AddrPort) resolve.Config {
	return resolve.Config{Servers: servers, Waits: []time.Duration{time.Minute}}
}

func client(t testing.TB, servers ...netip.AddrPort) *resolve.Client {
	t.Helper()
	return open(t, quick(servers...))
}

func open(t testing.TB, config resolve.Config) *resolve.Client {
	t.Helper()
	c, err := resolve.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
