package smtpd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"virtmap/internal/smtpd"
)

// opening has the commands before a message.
const opening = "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<anna@here.example>\r\nDATA\r\n"

// TestNothingBehindADoubtfulEndIsACommand puts a doubtful end of a message at
// every offset around the end of the buffer, and another message behind it. The
// other message is not stored.
func TestNothingBehindADoubtfulEndIsACommand(t *testing.T) {
	const hidden = "MAIL FROM:<evil@b.example>\r\nRCPT TO:<bea@here.example>\r\nDATA\r\nsmuggled\r\n.\r\nQUIT\r\n"
	store := &smtpd.Memory{}
	addr := serve(t, smtpd.Config{Host: "mx1.example.net", Router: testRouter{}, Store: store})
	for size := 4096 - 40; size < 4096+40; size++ {
		for _, between := range []string{"", strings.Repeat("NOOP\r\n", 2000)} {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			go func() {
				_, _ = io.WriteString(conn, opening+strings.Repeat("x", size)+"\r\r\n.\r\n"+between+hidden)
			}()
			replies, err := io.ReadAll(conn)
			if err != nil || !strings.HasSuffix(string(replies), "550 5.5.2 A bare CR or LF is in the message\r\n") {
				t.Fatalf("%d bytes: %v, it replies %q", size, err, replies)
			}
			conn.Close()
		}
	}
	if n := len(store.Messages()); n > 0 {
		t.Errorf("%d messages are stored", n)
	}
}

// TestRepliesAfterASlowMessage sends a message in more time than one read may
// take. The client gets all replies.
func TestRepliesAfterASlowMessage(t *testing.T) {
	t.Parallel()
	addr := serve(t, smtpd.Config{Host: "mx1.example.net", Router: testRouter{}, Store: &smtpd.Memory{}, LMTP: true, ReadTimeout: 2 * time.Second})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	const recipients = 300
	go func() {
		_, _ = io.WriteString(conn, "LHLO c.example\r\nMAIL FROM:<a@b.example>\r\n"+strings.Repeat("RCPT TO:<anna@here.example>\r\n", recipients)+"DATA\r\n")
		for range 12 {
			time.Sleep(200 * time.Millisecond)
			_, _ = io.WriteString(conn, "slow\r\n")
		}
		_, _ = io.WriteString(conn, ".\r\nQUIT\r\n")
	}()
	replies, err := io.ReadAll(conn)
	if n := strings.Count(string(replies), "250 2.0.0 Message accepted"); err != nil || n != recipients {
		t.Errorf("%d replies came (%v)", n, err)
	}
}

// TestShutdownDoesNotWait shuts a server down while a client does not read. The
// server does not wait for the client.
func TestShutdownDoesNotWait(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- smtpd.New(smtpd.Config{Host: "mx1.example.net", Router: testRouter{}, Store: &smtpd.Memory{}}).Serve(ctx, listener)
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	for err == nil { // until the buffers are full of replies
		_, err = fmt.Fprint(conn, strings.Repeat("HELP\r\n", 1000))
	}
	stop()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("it waits for a client that does not read")
	}
}
