package browser

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Look is how a page is looked at.
type Look struct {
	Width  int    // pixels; below 600 as on a telephone
	Theme  string // light or dark
	Height int    // pixels; 0: 900
}

// Looks are those in which pages are tested.
var Looks = []Look{{Width: 1400, Theme: "light"}, {Width: 1400, Theme: "dark"}, {Width: 380, Theme: "light"}, {Width: 380, Theme: "dark"}}

func (l Look) String() string { return fmt.Sprintf("%d-%s", l.Width, l.Theme) }

// Open opens an address in a new tab, and closes the earlier one. What the page there did is
// forgotten.
func (b *Browser) Open(url string, look Look) {
	b.t.Helper()
	var target struct{ TargetID string }
	var attached struct{ SessionID string }
	b.session = ""
	if b.target != "" {
		b.Call("Target.closeTarget", Object{"targetId": b.target}, nil) // its requests that wait end
	}
	b.Call("Target.createTarget", Object{"url": "about:blank"}, &target)
	b.Call("Target.attachToTarget", Object{"targetId": target.TargetID, "flatten": true}, &attached)
	b.target, b.session = target.TargetID, attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.Call(domain+".enable", Object{}, nil)
	}
	b.Call("Emulation.setDeviceMetricsOverride", Object{"width": look.Width, "height": cmp.Or(look.Height, 900), "deviceScaleFactor": 1, "mobile": look.Width < 600}, nil)
	b.Call("Emulation.setEmulatedMedia", Object{"features": []Object{{"name": "prefers-color-scheme", "value": look.Theme}}}, nil)
	b.Call("Page.navigate", Object{"url": url}, nil)
}

// eval returns the value of an expression in the page as text, or its exception.
func (b *Browser) eval(expression string) (value, exception string) {
	b.t.Helper()
	var got struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.Call("Runtime.evaluate", Object{"expression": "String(" + expression + ")", "awaitPromise": true}, &got)
	return fmt.Sprint(got.Result.Value), string(got.ExceptionDetails)
}

// Eval returns the value of an expression in the page, as text.
func (b *Browser) Eval(expression string) string {
	b.t.Helper()
	value, exception := b.eval(expression)
	if exception != "" {
		b.t.Fatalf("%s: %s", expression, exception)
	}
	return value
}

// Wait waits until an expression is true. Until then it may have exceptions, because the
// page may not be there yet.
func (b *Browser) Wait(expression string) {
	b.t.Helper()
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		value, exception := b.eval(expression)
		if value == "true" && exception == "" {
			return
		}
		last = exception
	}
	text, _ := b.eval("document.body.innerText")
	b.t.Fatalf("%s: not within %v; %s\nthe page says\n%s", expression, patience, last, text)
}

// Type types a text where the focus is.
func (b *Browser) Type(text string) {
	b.t.Helper()
	b.Call("Input.insertText", Object{"text": text}, nil)
}

// Press presses a key, such as ArrowDown or Enter, where the focus is.
func (b *Browser) Press(key string) {
	b.t.Helper()
	down := Object{"type": "keyDown", "key": key, "code": key}
	if key == "Enter" {
		down["text"], down["windowsVirtualKeyCode"] = "\r", 13 // a button takes a key with this code for a click
	}
	b.Call("Input.dispatchKeyEvent", down, nil)
	b.Call("Input.dispatchKeyEvent", Object{"type": "keyUp", "key": key, "code": key}, nil)
}

// Quote returns a text as an expression.
func Quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// Picture returns the page, or what is seen of it, as PNG.
func (b *Browser) Picture(whole bool) []byte {
	b.t.Helper()
	var shot struct{ Data string }
	b.Call("Page.captureScreenshot", Object{"format": "png", "captureBeyondViewport": whole}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	return png
}

// Keep writes a picture of the page into the folder that VIRTMAP_PICTURES names. Without
// one it does nothing.
func (b *Browser) Keep(name string) {
	b.t.Helper()
	dir := os.Getenv("VIRTMAP_PICTURES")
	if dir == "" {
		return
	}
	time.Sleep(100 * time.Millisecond) // the frames of a page are drawn later
	if err := os.WriteFile(filepath.Join(dir, name+".png"), b.Picture(false), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// Nameless returns the controls of the page that have no name for a screen reader.
func (b *Browser) Nameless() (all []string) {
	b.t.Helper()
	type value struct{ Value any }
	var tree struct {
		Nodes []struct {
			Ignored bool
			Role    value
			Name    value
			NodeID  string
		}
	}
	b.Call("Accessibility.getFullAXTree", Object{}, &tree)
	controls := 0
	for _, n := range tree.Nodes {
		role := fmt.Sprint(n.Role.Value)
		if n.Ignored || !slices.Contains([]string{"button", "link", "searchbox", "textbox", "combobox", "tab", "tabpanel", "navigation", "region", "Iframe", "img", "image", "heading", "table"}, role) {
			continue
		}
		if controls++; n.Name.Value == nil || strings.TrimSpace(fmt.Sprint(n.Name.Value)) == "" {
			all = append(all, role+" "+n.NodeID)
		}
	}
	if controls == 0 {
		all = append(all, "no control at all")
	}
	return all
}

// Complaints returns what a page must not do: a request for an address that does not begin
// with the prefix, an exception, and an error in the console.
func (b *Browser) Complaints(prefix string) (all []string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	requests := 0
	for _, e := range b.events {
		if e.SessionID != b.session {
			continue
		}
		switch e.Method {
		case "Network.requestWillBeSent", "Network.webSocketCreated":
			var p struct {
				URL     string
				Request struct{ URL string }
			}
			if err := json.Unmarshal(e.Params, &p); err != nil {
				all = append(all, err.Error())
			}
			if requests++; !strings.HasPrefix(p.URL+p.Request.URL, prefix) && !strings.HasPrefix(p.Request.URL, "data:") {
				all = append(all, "the page asks for "+p.URL+p.Request.URL)
			}
		case "Runtime.exceptionThrown", "Log.entryAdded":
			all = append(all, fmt.Sprintf("%s: %.500s", e.Method, e.Params))
		}
	}
	if requests == 0 {
		all = append(all, "no request was seen, not even for the page")
	}
	return all
}

// Harmless fails the test if the page asked for anything that does not begin with the
// prefix, or had an error.
func (b *Browser) Harmless(prefix string) {
	b.t.Helper()
	for _, c := range b.Complaints(prefix) {
		b.t.Error(c)
	}
}
