package smtpd_test

import (
	"net"
	"sync"
	"time"
)

// A clock stands still for what a server reads, until it runs: a client that has
// to wait for its processor is not one that has fallen silent.
type clock struct {
	net.Listener
	mu    sync.Mutex
	runs  bool
	conns []*clockedConn
}

// Accept gives a connection that goes by the clock.
func (c *clock) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	clocked := &clockedConn{Conn: conn, clock: c}
	c.conns = append(c.conns, clocked)
	return clocked, nil
}

// run lets the time pass that the server has set to its reads.
func (c *clock) run() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs = true
	for _, conn := range c.conns {
		_ = conn.Conn.SetReadDeadline(conn.deadline)
	}
}

type clockedConn struct {
	net.Conn
	clock    *clock
	deadline time.Time // of reads
}

// SetReadDeadline notes the deadline while the clock stands.
func (c *clockedConn) SetReadDeadline(t time.Time) error {
	c.clock.mu.Lock()
	defer c.clock.mu.Unlock()
	c.deadline = t
	if !c.clock.runs {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}
