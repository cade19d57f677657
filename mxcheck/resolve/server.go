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

// socketsPerServer is how many UDP ports are used towards one server: more
// than one core can read, and a forger has more to guess.
const socketsPerServer = 4

// A server is one DNS server, with sockets that are open for the whole run.
type server struct {
	name    string
	sockets []*socket
	next    atomic.Uint32
	window  window
	tcp     stream
	silence *silence

	lost atomic.Int32 // tries in a row that it did not answer
}

func newServer(addr netip.AddrPort, sockets int, silence *silence) (*server, error) {
	s := &server{name: serverName(addr), silence: silence}
	s.tcp.addr, s.tcp.alone = addr, make(chan struct{}, mostAlone)
	s.window.open()
	for range sockets {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		_ = conn.SetReadBuffer(readBuffer) // a wish: the system's own size is enough for a slow line
		k := &socket{conn: conn, server: s, flights: map[uint16]*flight{}}
		s.sockets = append(s.sockets, k)
		go k.read()
	}
	return s, nil
}

// readBuffer is what a socket may hold of answers that were not read yet.
const readBuffer = 1 << 20 // bytes

// serverName gives the address, with the port where it is not the usual one.
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

// down reports whether the server has not answered for a while.
func (s *server) down() bool { return s.lost.Load() >= 8 }

// send sends a query over one of the sockets.
func (s *server) send(i *inquiry) *flight {
	k := s.sockets[int(s.next.Add(1))%len(s.sockets)]
	f := &flight{socket: k, wire: i.wire, unvalidated: i.unvalidated, first: len(i.flights) == 0, replies: i.replies, sent: time.Now()}
	k.register(f)
	binary.BigEndian.PutUint16(i.query, f.id)
	// An error is of an earlier packet, as a rule (ECONNREFUSED): the try
	// then runs into its time limit, so that a dead server is not asked in a
	// hurry.
	_, _ = k.conn.Write(i.query)
	return f
}

// A socket is one UDP port, connected to a server, so that the system drops
// packets from anywhere else.
type socket struct {
	conn   *net.UDPConn
	server *server

	mu      sync.Mutex
	flights map[uint16]*flight // by id
}

// A flight is one try: a query that was sent and may be answered.
type flight struct {
	socket  *socket
	id      uint16
	wire    []byte // the question
	replies chan<- *reply
	sent    time.Time
	first   bool // of its question
	counted bool // it has left the window; guarded by socket.mu

	unvalidated bool // it asks not to validate
}

func (k *socket) register(f *flight) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for f.id = newID(); k.flights[f.id] != nil; f.id++ {
	}
	k.flights[f.id] = f
}

// read takes packets until the socket is closed. What does not belong to a
// question of ours is dropped, and the question waits on.
func (k *socket) read() {
	buffer := make([]byte, 1<<16)
	for {
		n, err := k.conn.Read(buffer)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // ECONNREFUSED and the like: about a packet sent before
			time.Sleep(time.Millisecond)
			continue
		}
		if f, first := k.match(buffer[:n]); f != nil {
			k.server.silence.hear()
			k.server.lost.Store(0)
			if first {
				k.server.window.leave(won, f.sent)
			}
			f.replies <- &reply{packet: bytes.Clone(buffer[:n]), from: k.server, unvalidated: f.unvalidated}
		}
	}
}

// match finds the try that a packet answers (RFC 5452 9.1: the question as
// well as the id), and takes it out: it is answered once. first reports that
// it was not counted yet.
func (k *socket) match(packet []byte) (f *flight, first bool) {
	if len(packet) < headerSize {
		return nil, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	id := binary.BigEndian.Uint16(packet)
	f = k.flights[id]
	if f == nil || !answers(packet, f.wire) {
		return nil, false
	}
	delete(k.flights, id)
	first, f.counted = !f.counted, true
	return f, first
}

// Bits of the third byte of a header (RFC 1035 4.1.1).
const (
	bitQR      = 0x80
	maskOpcode = 0x78
	bitTC      = 0x02
)

// answers reports whether a packet is a response to a question. A server that
// could not read the question may leave it out.
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

// lose counts the try as lost, if it was not answered. Only the first try of a
// question tells of the line: where the others are lost too, it is the name
// that nobody answers for.
func (f *flight) lose() {
	result := lost
	if !f.first {
		result = unused
	}
	if f.leave(result) {
		f.socket.server.lost.Add(1)
		f.socket.server.silence.lose()
	}
}

// letGo gives up the try's place in the window; its answer is still welcome.
func (f *flight) letGo() { f.leave(unused) }

// leave makes the try leave the window, once.
func (f *flight) leave(r result) (first bool) {
	f.socket.mu.Lock()
	first, f.counted = !f.counted, true
	f.socket.mu.Unlock()
	if first {
		f.socket.server.window.leave(r, f.sent)
	}
	return first
}

// end takes the try back: its answer is no longer waited for.
func (f *flight) end() {
	k := f.socket
	k.mu.Lock()
	if k.flights[f.id] == f {
		delete(k.flights, f.id)
	}
	first := !f.counted
	f.counted = true
	k.mu.Unlock()
	if first {
		k.server.window.leave(unused, f.sent)
	}
}
