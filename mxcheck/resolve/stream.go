package resolve

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A stream asks a server over TCP. It opens a connection for the first question,
// and opens it again when the server has closed it. Many questions use the
// connection at the same time (RFC 7766 6.2.1).
type stream struct {
	addr   netip.AddrPort
	failed atomic.Int32  // number of connections in a row that could not be opened
	last   atomic.Int64  // UnixNano of the last of them
	single chan struct{} // has an item for each connection of a single question

	mu     sync.Mutex
	pipe   *pipe
	closed bool
}

// A pipe is one TCP connection with its open questions.
type pipe struct {
	conn     net.Conn
	answered atomic.Int64 // number of replies

	mu    sync.Mutex
	calls map[uint16]*streamCall // by id
	err   error                  // why the connection ended
}

// A streamCall is an open question.
type streamCall struct {
	wire  []byte
	reply chan []byte // closed when the pipe ends
}

// refusedFor is how long a server is not asked over TCP after it has refused
// connections.
const refusedFor = 30 * time.Second

// refuses reports whether the server has refused several connections.
func (s *stream) refuses() bool {
	return s.failed.Load() >= 3 && time.Since(time.Unix(0, s.last.Load())) < refusedFor
}

func (s *stream) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.pipe == nil || !s.pipe.open() {
		return nil
	}
	s.pipe.end(net.ErrClosed)
	return nil
}

// ask asks a question over the shared connection. When that ends, ask opens a
// connection for this question: some servers answer one question a connection.
func (s *stream) ask(ctx context.Context, query, wire []byte, wait time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	p, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	packet, err := p.ask(ctx, query, wire, wait/4)
	if err == nil || ctx.Err() != nil {
		return packet, err
	}
	return s.askSingly(ctx, query, wire, wait/4)
}

// maxSingle is the most connections of single questions at the same time.
const maxSingle = 16

// askSingly asks a question over a new connection.

func (s *stream) askSingly(ctx context.Context, query, wire []byte, stall time.Duration) ([]byte, error) {
	select {
	case s.single <- struct{}{}:
		defer func() { <-s.single }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer p.end(net.ErrClosed)
	return p.ask(ctx, query, wire, stall)
}

// connect returns the shared connection, and opens it if it is not open.
func (s *stream) connect(ctx context.Context) (*pipe, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, net.ErrClosed
	case s.pipe != nil && s.pipe.open():
		return s.pipe, nil
	case ctx.Err() != nil:
		return nil, ctx.Err() // the time passed while other questions opened it
	}
	p, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	s.pipe = p
	return p, nil
}

// dial opens a connection.
func (s *stream) dial(ctx context.Context) (*pipe, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.addr.String())
	if err != nil {
		s.failed.Add(1)
		s.last.Store(time.Now().UnixNano())
		return nil, err
	}
	s.failed.Store(0)
	p := &pipe{conn: conn, calls: map[uint16]*streamCall{}}
	go p.read()
	return p, nil
}

// open reports whether the connection has not ended.
func (p *pipe) open() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err == nil
}

// ask asks a question. It ends a connection without any reply for the time stall.
func (p *pipe) ask(ctx context.Context, query, wire []byte, stall time.Duration) ([]byte, error) {
	id, call, err := p.register(wire)
	if err != nil {
		return nil, err
	}
	defer p.unregister(id)
	before := p.answered.Load()
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(query)), uint16(len(query)))
	framed = append(framed, query...)
	binary.BigEndian.PutUint16(framed[2:], id)
	deadline, _ := ctx.Deadline()
	if err := p.write(framed, deadline); err != nil {
		p.end(err)
		return nil, err
	}
	timer := time.NewTimer(stall)
	defer timer.Stop()
	for {
		select {
		case packet, ok := <-call.reply:
			if !ok {
				return nil, p.reason()
			}
			return packet, nil
		case <-timer.C:
			if p.answered.Load() == before {
				p.end(errStalled)
			}
			before = p.answered.Load()
			timer.Reset(stall)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var errStalled = errors.New("the connection stalled")

func (p *pipe) write(framed []byte, deadline time.Time) error {
	if err := p.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	_, err := p.conn.Write(framed)
	return err
}

// register gives a question an id that no other question has.
func (p *pipe) register(wire []byte) (uint16, *streamCall, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return 0, nil, p.err
	}
	id := newID()
	for p.calls[id] != nil {
		id++
	}
	call := &streamCall{wire: wire, reply: make(chan []byte, 1)}
	p.calls[id] = call
	return id, call, nil
}

func (p *pipe) unregister(id uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.calls, id)
}

func (p *pipe) reason() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// read reads replies until the connection ends.
func (p *pipe) read() {
	var size [2]byte
	for {
		if _, err := io.ReadFull(p.conn, size[:]); err != nil {
			p.end(err)
			return
		}
		packet := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(p.conn, packet); err != nil {
			p.end(err)
			return
		}
		p.deliver(packet)
	}
}

// deliver gives a reply to its question.
func (p *pipe) deliver(packet []byte) {
	if len(packet) < headerSize {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := binary.BigEndian.Uint16(packet)
	if call := p.calls[id]; call != nil && answers(packet, call.wire) {
		delete(p.calls, id)
		p.answered.Add(1)
		call.reply <- packet
	}
}

// end closes the connection. All open questions fail.
func (p *pipe) end(err error) {
	if errors.Is(err, io.EOF) {
		err = errors.New("the server closed the connection")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return
	}
	p.err = err
	p.conn.Close()
	for id, call := range p.calls {
		close(call.reply)
		delete(p.calls, id)
	}
}
