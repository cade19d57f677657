package resolve

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// socketsPerServer is the number of UDP ports for one server. With several, more
// than one processor can read, and forged replies are harder.
const socketsPerServer = 4

// A server is one DNS server, with sockets that are open for the whole run.
type server struct {
	name    string
	sockets []*socket
	next    atomic.Uint32
	window  window
	tcp     stream
	outage  *outage

	lost atomic.Int32 // number of tries without a reply since its last reply
}

func newServer(addr netip.AddrPort, sockets int, outage *outage) (*server, error) {
	s := &server{name: serverName(addr), outage: outage}
	s.tcp.addr, s.tcp.single = addr, make(chan struct{}, maxSingle)
	s.window.open()
	for range sockets {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		_ = conn.SetReadBuffer(readBuffer) // an error does not matter: the default is enough for a slow line
		k := &socket{conn: conn, server: s, tries: map[uint16]*try{}}
		s.sockets = append(s.sockets, k)
		go k.read()
	}
	return s, nil
}

// readBuffer is the number of bytes of replies that a socket keeps until they are
// read.
const readBuffer = 1 << 20

// serverName returns the address of a server, with the port unless it is 53.
func serverName(addr netip.AddrPort) string {
	if addr.Port() == dnsPort {
		return addr.Addr().String()
	}
	return addr.String()
}

func (s *server) close() error {
	err := s.tcp.close()
	for _, k := range s.sockets {
		err = errors.Join(err, k.conn.Close())
	}
	return err
}

// down reports whether the server has left many tries without a reply.
func (s *server) down() bool { return s.lost.Load() >= 8 }

// send sends a query over one of the sockets.
func (s *server) send(i *inquiry) *try {
	k := s.sockets[int(s.next.Add(1))%len(s.sockets)]
	t := &try{socket: k, wire: i.wire, unvalidated: i.unvalidated, first: len(i.tries) == 0, replies: i.replies, sent: time.Now()}
	k.register(t)
	binary.BigEndian.PutUint16(i.query, t.id)
	// An error is mostly about an earlier packet (ECONNREFUSED). The try goes on
	// until its time is over, so that a dead server gets no burst of queries.
	_, _ = k.conn.Write(i.query)
	return t
}

// A socket is one UDP port that is connected to a server. The system drops
// packets from other addresses.
type socket struct {
	conn   *net.UDPConn
	server *server

	mu    sync.Mutex
	tries map[uint16]*try // by id
}

// A try is a query that was sent.
type try struct {
	socket  *socket
	id      uint16
	wire    []byte // the question
	replies chan<- *reply
	sent    time.Time
	first   bool // it is the first try of its question
	counted bool // it has left the window; guarded by socket.mu

	unvalidated bool // the query asks for an answer without validation
}

// register gives a try an id that no other try has.
func (k *socket) register(t *try) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for t.id = newID(); k.tries[t.id] != nil; t.id++ {
	}
	k.tries[t.id] = t
}

// read reads packets until the socket is closed. It drops packets that are no
// reply to a try.
func (k *socket) read() {
	buffer := make([]byte, 1<<16)
	for {
		n, err := k.conn.Read(buffer)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // ECONNREFUSED and the like, about an earlier packet
			time.Sleep(time.Millisecond)
			continue
		}
		if t, first := k.match(buffer[:n]); t != nil {
			k.server.outage.packetArrived()
			k.server.lost.Store(0)
			if first {
				k.server.window.leave(won, t.sent)
			}
			t.replies <- &reply{packet: bytes.Clone(buffer[:n]), from: k.server, unvalidated: t.unvalidated}
		}
	}
}

// match finds the try that a packet replies to, by id and question (RFC 5452
// 9.1), and removes the try, so that it gets one reply. first is true when the try
// has not left the window before.
func (k *socket) match(packet []byte) (t *try, first bool) {
	if len(packet) < headerSize {
		return nil, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	id := binary.BigEndian.Uint16(packet)
	t = k.tries[id]
	if t == nil || !answers(packet, t.wire) {
		return nil, false
	}
	delete(k.tries, id)
	first, t.counted = !t.counted, true
	return t, first
}

// Bits of the third byte of a DNS header (RFC 1035 4.1.1).
const (
	bitQR      = 0x80
	maskOpcode = 0x78
	bitTC      = 0x02
)

// answers reports whether a packet is a response to a question. In a FORMERR or
// NOTIMP response the question may be missing.
func answers(packet, wire []byte) bool {
	if packet[2]&bitQR == 0 || packet[2]&maskOpcode != 0 {
		return false
	}
	if count := binary.BigEndian.Uint16(packet[4:]); count != 1 {
		const formErr, notImp = 1, 4
		rcode := packet[3] & 0x0f
		return count == 0 && (rcode == formErr || rcode == notImp)
	}
	return len(packet) >= headerSize+len(wire) && bytes.EqualFold(packet[headerSize:headerSize+len(wire)], wire)
}

// lose counts a try without a reply as lost. Only the first try of a question
// makes the window smaller: when further tries are lost too, the cause is the name
// and not the line.
func (t *try) lose() {
	result := lost
	if !t.first {
		result = unused
	}
	if t.leave(result) {
		t.socket.server.lost.Add(1)
		t.socket.server.outage.tryLost()
	}
}

// release gives up the place of the try in the window. Its reply is still accepted.
func (t *try) release() { t.leave(unused) }

// leave makes the try leave the window. It does so once, and reports whether it
// did.
func (t *try) leave(r result) (first bool) {
	t.socket.mu.Lock()
	first, t.counted = !t.counted, true
	t.socket.mu.Unlock()
	if first {
		t.socket.server.window.leave(r, t.sent)
	}
	return first
}

// end ends the try. A later reply is dropped.
func (t *try) end() {
	k := t.socket
	k.mu.Lock()
	if k.tries[t.id] == t {
		delete(k.tries, t.id)
	}
	first := !t.counted
	t.counted = true
	k.mu.Unlock()
	if first {
		k.server.window.leave(unused, t.sent)
	}
}
