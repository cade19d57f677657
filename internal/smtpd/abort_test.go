package smtpd_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"virtmap/internal/smtpd"
)

const wholeSession = "EHLO client.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<anna@here.example>\r\nDATA\r\nSubject: x\r\n\r\n..text\r\n.\r\nQUIT\r\n"

// TestAbortedSessionsLeaveNothing ends sessions after every number of bytes. No
// goroutine, no descriptor and no half message is left.
func TestAbortedSessionsLeaveNothing(t *testing.T) {
	store := &smtpd.Memory{}
	before := runtime.NumGoroutine()
	ctx, stop := context.WithCancel(t.Context())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- smtpd.New(smtpd.Config{Host: "mx1.example.net", Router: testRouter{}, Store: store}).Serve(ctx, listener)
	}()
	descriptors := openDescriptors(t)
	r := rand.New(rand.NewPCG(1, 2))
	body := strings.Index(wholeSession, "\r\n.\r\n") + 5
	want := 0
	for i := range 1000 {
		cut := i % len(wholeSession)
		if cut >= body {
			want++
		}
		abort(t, listener.Addr().String(), wholeSession[:cut], cut >= body || r.IntN(2) == 0) // a reset would lose what was sent
	}
	deadline, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := store.Wait(deadline, want); err != nil {
		t.Error(err)
	}
	for len(store.Messages()) == want && openDescriptors(t) > descriptors && deadline.Err() == nil {
		runtime.Gosched()
	}
	if n := openDescriptors(t); n > descriptors {
		t.Errorf("%d descriptors are open, %d were before", n, descriptors)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, m := range store.Messages() {
		if string(m.Body) != "Subject: x\r\n\r\n.text\r\n" {
			t.Errorf("a message is %q", m.Body)
		}
	}
	if len(store.Messages()) != want {
		t.Errorf("%d messages are stored, %d were sent whole", len(store.Messages()), want)
	}
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before && time.Now().Before(end); {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines run, %d did before", n, before)
	}
}

// abort sends a part of a session and closes the connection: politely after it
// has read the replies, or otherwise as soon as the bytes were taken.
func abort(t *testing.T, addr, text string, politely bool) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	if politely {
		_, _ = io.Copy(io.Discard, conn)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here")
	}
	return len(entries)
}

// TestShutdownSays421 shuts a server down. A session that waits gets 421, and no
// new session is accepted.
func TestShutdownSays421(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- smtpd.New(smtpd.Config{Host: "mx1.example.net", Router: testRouter{}, Store: &smtpd.Memory{}}).Serve(ctx, listener)
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	greeting := make([]byte, 4)
	if _, err := io.ReadFull(conn, greeting); err != nil {
		t.Fatal(err)
	}
	stop()
	rest, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(rest), "\r\n421 4.3.2 ") {
		t.Errorf("the server says %q (%v)", rest, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestTheConnectionCapSays421 opens one session too many, which gets 421. When
// a session has ended, the next is accepted.
func TestTheConnectionCapSays421(t *testing.T) {
	addr := serve(t, smtpd.Config{Host: "mx1.example.net", Router: testRouter{}, Store: &smtpd.Memory{}, MaxConns: 1})
	first, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(first, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	if replies := greetingOf(t, addr); !strings.HasPrefix(replies, "421 ") {
		t.Errorf("the second is greeted with %q", replies)
	}
	first.Close()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if strings.HasPrefix(greetingOf(t, addr), "220 ") {
			return
		}
	}
	t.Error("no session is taken after the first has ended")
}

func greetingOf(t *testing.T, addr string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	replies := make([]byte, 4)
	_, _ = io.ReadFull(conn, replies)
	return string(replies)
}

// FuzzSession sends random bytes. The session ends, and no stored message has a
// bare CR or LF.
func FuzzSession(f *testing.F) {
	f.Add([]byte(wholeSession))
	f.Add([]byte("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<anna@here.example>\r\nDATA\r\na\r\r\n.\r\r\n.\r\n"))
	store := &smtpd.Memory{}
	addr := serve(f, smtpd.Config{Host: "mx1.example.net", Router: testRouter{}, Store: store})
	f.Fuzz(func(t *testing.T, input []byte) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Skip(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = conn.Write(input)
		_ = conn.(*net.TCPConn).CloseWrite()
		replies, err := io.ReadAll(conn)
		if os.IsTimeout(err) {
			t.Errorf("the server does not end after %q", input)
		}
		if len(replies) > 0 && !strings.HasPrefix(string(replies), "220 ") {
			t.Errorf("the server says %q", replies)
		}
		for _, m := range store.Messages() {
			if rest := strings.ReplaceAll(string(m.Body), "\r\n", ""); strings.ContainsAny(rest, "\r\n") {
				t.Errorf("stored is %q", m.Body)
			}
		}
	})
}
