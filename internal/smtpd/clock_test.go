package smtpd_test

import (
	"net"
	"sync"
	"time"
)

// A clock is a listener without read timeouts until run is called. So a client that only
// waits for a processor does not count as silent.
type clock struct {
	net.Listener
	mu    sync.Mutex
	runs  bool
	conns []*clockedConn
}

// Accept returns a connection with the clock.
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

// run makes the read timeouts of the server count from now on.
func (c *clock) run() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs = true
	for _, conn := range c.conns {
		_ = conn.Conn.SetReadDeadline(conn.deadline)
	}
}

// A clockedConn is a connection with a clock.
type clockedConn struct {
	net.Conn
	clock    *clock
	deadline time.Time // of reads
}

// SetReadDeadline only records the deadline until the clock runs.
func (c *clockedConn) SetReadDeadline(t time.Time) error {
	c.clock.mu.Lock()
	defer c.clock.mu.Unlock()
	c.deadline = t
	if !c.clock.runs {
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}
