package page

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"virtmap/internal/workshop/peer"
)

// A browser is a Chromium that is driven over a pipe: messages of the DevTools protocol
// as JSON, each with a NUL behind it (--remote-debugging-pipe).
type browser struct {
	t       *testing.T
	in      io.Writer
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

// startBrowser starts Chromium. It skips the test if there is none.
func startBrowser(t *testing.T) *browser {
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
	b := &browser{t: t, in: in, answers: map[int]chan message{}}
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

func (b *browser) read(r *bufio.Reader) {
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

// call sends a command, and reads its result into a value.
func (b *browser) call(method string, params, result any) {
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
	case <-time.After(60 * time.Second):
		b.t.Fatalf("%s: no answer", method)
	}
}

type object = map[string]any

// open opens a document in a new tab, and waits until it is ready.
func (b *browser) open(html []byte, hash string, width int, theme string) {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "who.html")
	if err := os.WriteFile(path, html, 0o600); err != nil {
		b.t.Fatal(err)
	}
	var target struct{ TargetID string }
	var attached struct{ SessionID string }
	b.session = ""
	b.call("Target.createTarget", object{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", object{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(domain+".enable", object{}, nil)
	}
	b.call("Emulation.setDeviceMetricsOverride", object{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.call("Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": theme}}}, nil)
	b.call("Page.navigate", object{"url": "file://" + path + hash}, nil)
	b.wait(`document.documentElement?.dataset.ready > ""`)
}

// eval returns the value of an expression in the page, as text.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var got struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", object{"expression": "String(" + expression + ")", "awaitPromise": true}, &got)
	if got.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, got.ExceptionDetails)
	}
	return fmt.Sprint(got.Result.Value)
}

// wait waits until an expression is true.
func (b *browser) wait(expression string) {
	b.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if b.eval(expression) == "true" {
			return
		}
	}
	b.t.Fatalf("%s: not within 30 s; the page says\n%s", expression, b.eval("document.body.innerText"))
}

// visit shows a view of the page, and returns its text.
func (b *browser) visit(hash string) string {
	b.t.Helper()
	b.eval(`(document.getElementById("view").replaceChildren(), location.hash = "#none", location.hash = ` + quote(hash) + `)`)
	b.wait(`document.querySelector("#view h2") !== null && location.hash === ` + quote(hash))
	return b.eval("document.getElementById('view').innerText")
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// holdHarmless fails if the page asked for anything but itself, or had an error.
func (b *browser) holdHarmless() {
	b.t.Helper()
	b.mutex.Lock()
	defer b.mutex.Unlock()
	requests := 0
	for _, e := range b.events {
		params := string(e.Params)
		switch e.Method {
		case "Network.requestWillBeSent":
			if requests++; !strings.Contains(params, `/who.html`) {
				b.t.Errorf("the page asks for something else: %.300s", params)
			}
		case "Runtime.exceptionThrown", "Log.entryAdded":
			b.t.Errorf("%s: %.500s", e.Method, params)
		}
	}
	if requests == 0 {
		b.t.Error("no request was seen, not even for the page")
	}
}
