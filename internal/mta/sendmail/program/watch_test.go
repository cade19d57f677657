package program_test

import (
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"time"
)

// dial connects from 127.0.0.2, because a client from 127.0.0.1 may relay.
func (x *site) dial() (*textproto.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Timeout: 5 * time.Second}
	conn, err := d.Dial("tcp", "127.0.0.1:25")
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	c := textproto.NewConn(conn)
	if _, _, err := c.ReadResponse(220); err != nil {
		c.Close()
		return nil, err
	}
	return c, say(c, "EHLO client.example", 250)
}

func say(c *textproto.Conn, line string, code int) error {
	if err := c.PrintfLine("%s", line); err != nil {
		return err
	}
	_, _, err := c.ReadResponse(code)
	return err
}

// ask returns the replies to RCPT on a new connection.
func (x *site) ask(addresses []string) (map[string]string, error) {
	c, err := x.dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	answers := map[string]string{}
	for _, addr := range addresses {
		if err := say(c, "MAIL FROM:<>", 250); err != nil {
			return nil, err
		}
		if err := c.PrintfLine("RCPT TO:<%s>", addr); err != nil {
			return nil, err
		}
		code, text, err := c.ReadResponse(0)
		if code == 0 || code == 421 {
			return nil, err
		}
		answers[addr] = fmt.Sprintf("%d %s", code, text)
		if err := say(c, "RSET", 250); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

func good(answer string) bool {
	return strings.HasPrefix(answer, "250") && !strings.Contains(answer, "will queue")
}

// learn records which addresses are accepted now.
func (x *site) learn(addresses ...string) {
	x.Helper()
	answers, err := x.ask(addresses)
	if err != nil {
		x.Fatal(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for addr, answer := range answers {
		if good(answer) {
			x.taken[addr] = answer
		}
	}
}

// watch asks about all accepted addresses again and again, until stop is closed.
func (x *site) watch(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		x.round()
	}
}

// round asks once about all accepted addresses.
func (x *site) round() {
	x.mu.Lock()
	var addresses []string
	for addr := range x.taken {
		addresses = append(addresses, addr)
	}
	up, doing := x.up, x.doing
	x.mu.Unlock()
	if !up {
		time.Sleep(20 * time.Millisecond)
		return
	}
	renamed := x.log.renamed()
	answers, err := x.ask(addresses)
	renamed -= x.log.renamed()
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil || !x.up {
		return // the daemon is being restarted
	}
	x.rounds++
	if renamed != 0 {
		x.renamed++ // the replies of this session do not count
		return
	}
	for addr, answer := range answers {
		if !good(answer) && len(x.worse) < 20 {
			x.worse = append(x.worse, fmt.Sprintf("%s (began with %s): %s: %s", x.doing, doing, addr, answer))
		}
	}
}

// step does a step, and waits until watch has asked about all addresses twice after it.
func (x *site) step(doing string, do func()) {
	x.Helper()
	x.mu.Lock()
	x.doing = doing
	x.mu.Unlock()
	do()
	x.mu.Lock()
	until := x.rounds + 2
	x.mu.Unlock()
	for range 3000 {
		x.mu.Lock()
		done, worse := x.rounds >= until, x.worse
		often := x.renamed > 2+x.rounds/100
		x.mu.Unlock()
		if len(worse) > 0 {
			x.Fatalf("answers got worse:\n%s\nThe server logged:\n%s", strings.Join(worse, "\n"), strings.Join(x.log.all(), "\n"))
		}
		if often {
			x.Fatalf("%s: sendmail finds its maps renamed too often:\n%s", doing, strings.Join(x.log.all(), "\n"))
		}
		if done {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	x.Fatalf("%s: the client does not come through", doing)
}
