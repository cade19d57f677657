// Package browser drives a Chromium for tests of pages. Chromium is a peer: without it a
// test is skipped (package peer).
//
//	b := browser.Start(t)
//	b.Open("file:///tmp/who.html", browser.Look{Width: 1400, Theme: "light"})
//	b.Wait(`document.title === "Who gets what"`)
//	b.Harmless("file:///tmp/who.html")
//
// It speaks the DevTools protocol over a pipe (--remote-debugging-pipe): messages as JSON,
// each with a NUL behind it.
package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"virtmap/internal/workshop/peer"
)

// A Browser is a Chromium with one page. Its methods end the test when Chromium does not do
// what they say. They are for the goroutine of the test.
type Browser struct {
	t       testing.TB
	in      io.Writer
	target  string // the open page
	session string // of the open page
	id      int

	mutex   sync.Mutex
	answers map[int]chan message
	events  []message
}

type message struct {
	ID        int             `json:"id,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"`
}

// An Object is the parameters of a call.
type Object = map[string]any

// patience is how long a call, or a condition, may take.
const patience = 60 * time.Second

// Start starts Chromium. It ends with the test.
func Start(t testing.TB) *Browser {
	t.Helper()
	program := peer.Find(t, "chromium")
	theirIn, in, err := os.Pipe()
	out, theirOut, err2 := os.Pipe()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &Browser{t: t, in: in, answers: map[int]chan message{}}
	go b.read(bufio.NewReader(out))
	t.Cleanup(func() {
		in.Close() // Chromium ends when the pipe does
		if err := cmd.Wait(); err != nil {
			t.Logf("chromium: %v", err)
		}
		out.Close()
	})
	return b
}

func (b *Browser) read(r *bufio.Reader) {
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), &m) != nil {
			continue
		}
		b.mutex.Lock()
		if m.ID == 0 {
			b.events = append(b.events, m)
		} else if answer := b.answers[m.ID]; answer != nil {
			answer <- m
		}
		b.mutex.Unlock()
	}
}

// Call sends a command of the protocol, and reads its result into a value, which may be
// nil.
func (b *Browser) Call(method string, params, result any) {
	b.t.Helper()
	b.id++
	text, err := json.Marshal(params)
	if err != nil {
		b.t.Fatal(err)
	}
	line, err := json.Marshal(message{ID: b.id, Method: method, Params: text, SessionID: b.session})
	if err != nil {
		b.t.Fatal(err)
	}
	answer := make(chan message, 1)
	b.mutex.Lock()
	b.answers[b.id] = answer
	b.mutex.Unlock()
	if _, err := b.in.Write(append(line, 0)); err != nil {
		b.t.Fatal(err)
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
	case <-time.After(patience):
		b.t.Fatalf("%s: no answer", method)
	}
}
