package postfix_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// A milter is a mail filter that changes nothing and remembers what it saw, as a filter that
// signs would see it (MILTER_README).
type milter struct {
	addr string

	mu   sync.Mutex
	seen []string // MAIL FROM as "M <address>", header fields as "L name: value"
}

// startMilter starts a milter that ends with the test.
func startMilter(t *testing.T) *milter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	m := &milter{addr: "inet:" + listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go m.answer(conn)
		}
	}()
	return m
}

// answer answers one program of Postfix. A packet is a length, a command and its data.
func (m *milter) answer(conn net.Conn) {
	defer conn.Close()
	for {
		var size [4]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		packet := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(conn, packet); err != nil {
			return
		}
		reply := []byte{0, 0, 0, 1, 'c'} // go on
		switch packet[0] {
		case 'O': // version 6, no changes, every step
			reply = append([]byte{0, 0, 0, 13, 'O', 0, 0, 0, 6}, make([]byte, 8)...)
		case 'D', 'A', 'K': // macros, the end of a message, another message
			continue
		case 'Q':
			return
		case 'M':
			address, _, _ := strings.Cut(string(packet[1:]), "\x00")
			m.note("M " + address)
		case 'L':
			m.note("L " + strings.Join(strings.Split(strings.TrimSuffix(string(packet[1:]), "\x00"), "\x00"), ": "))
		}
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

func (m *milter) note(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, line)
}

// saw reports whether the milter saw a line, and empties its memory.
func (m *milter) saw(line string) (was bool, all string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all = strings.Join(m.seen, "\n")
	m.seen = nil
	return strings.Contains("\n"+all+"\n", "\n"+line+"\n"), all
}
