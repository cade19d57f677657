package webmail_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
	"virtmap/internal/webmail"
)

// paths has one path of every kind.
var paths = []string{"/", "/api/v1/messages", "//api//v1/messages", "/api/v1/message/latest", "/%61pi/v1/message/latest", "/api%2fv1/message/latest", "/api/v1/message/latest/raw",
	"/api/v1/message/latest/part/1.2", "/view/latest.html", "/api/v1/info", "/api/virtmap/v1/message/latest", "/api/virtmap/v1/wait", "/api/virtmap/v1/changes",
	"/api/virtmap/v1/message/latest/preview.html", "/livez", "/nothing"}

// TestRefusesForeignPages asks as a browser would for a page of another site. These are the
// faults of CVE-2026-22689 and GHSA-8r62-w5wh-fc5m, and DNS rebinding.
func TestRefusesForeignPages(t *testing.T) {
	s := newSite(t)
	s.deliver(order, "anna@a.example")
	host := strings.TrimPrefix(s.url, "http://")
	for _, path := range paths {
		for _, headers := range [][]string{
			{"Host", "evil.example"}, {"Host", "evil.example", "Origin", "http://evil.example"}, {"Host", "localhost.evil.example:8025"}, {"Host", "127.0.0.1.nip.example"},
			{"Host", "192.168.1.1"}, {"Host", "[fe80::1]:8025"}, {"Host", "0.0.0.0:8025"},
			{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Origin", "https://" + host}, {"Origin", "http://127.0.0.1:1"}, {"Origin", "http://" + host + ".evil.example"},
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"},
			{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"},
		} {
			for _, method := range []string{"GET", "DELETE", "OPTIONS"} {
				if reply, _ := s.ask(method, path, "", headers...); reply.StatusCode != 403 {
					t.Errorf("%s %s with %q: %s", method, path, headers, reply.Status)
				}
			}
		}
	}
	for _, headers := range [][]string{{"Host", "localhost:8025"}, {"Host", "LOCALHOST"}, {"Host", "[::1]:8025"}, {"Host", "127.1.2.3"}, {"Origin", s.url},
		{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Mode", "cors"},
		{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}} {
		if reply, _ := s.ask("GET", "/api/v1/messages", "", headers...); reply.StatusCode != 200 {
			t.Errorf("with %q: %s", headers, reply.Status)
		}
	}
	if list := decode[aList](s, s.get("/api/v1/messages")); list.Total != 1 {
		t.Error("a foreign page has deleted the message")
	}
}

// TestRepliesCloseTheDoors looks at the headers of every reply.
func TestRepliesCloseTheDoors(t *testing.T) {
	s := newSite(t)
	s.deliver(order, "anna@a.example")
	for _, path := range paths {
		reply, _ := s.ask("GET", path+"?timeout=1ms&since=1", "")
		h := reply.Header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(h.Get("Content-Security-Policy"), "allow-scripts") {
			t.Errorf("%s has the headers %q", path, h)
		}
		for name := range h {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s has %s", path, name)
			}
		}
		if reply.StatusCode/100 == 3 {
			t.Errorf("%s is led elsewhere: %s", path, reply.Status)
		}
	}
}

// TestBodiesHaveALimit sends large bodies to every call (CVE-2026-45710, CVE-2026-48824).
func TestBodiesHaveALimit(t *testing.T) {
	s := newSite(t)
	body := `{"IDs":["` + strings.Repeat("x", 2<<20) + `"],"Read":true}`
	for _, call := range []string{"PUT /api/v1/messages", "DELETE /api/v1/messages", "PUT /api/v1/tags", "PUT /api/v1/tags/x"} {
		method, path, _ := strings.Cut(call, " ")
		if reply, text := s.ask(method, path, body); reply.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %s %s", call, reply.Status, text)
		}
	}
	if reply, _ := s.ask("GET", "/api/v1/search?query="+strings.Repeat("x", 100_000), ""); reply.StatusCode == 500 {
		t.Errorf("a long query: %s", reply.Status)
	}
}

// TestHTMLIsShownHarmless looks at the two ways in which the HTML of a message is shown.
func TestHTMLIsShownHarmless(t *testing.T) {
	s := newSite(t)
	s.deliver(order, "anna@a.example")
	for path, want := range map[string]struct{ policy, image string }{
		"/api/virtmap/v1/message/latest/preview.html": {"sandbox; default-src 'none'; img-src data:;", `src="data:image/png;base64,UE5H"`},
		"/view/latest.html":                           {"sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self' data:;", `/part/1.2"`},
		"//view/latest.html":                          {"sandbox allow-same-origin ", `/part/1.2"`},
	} {
		reply, body := s.ask("GET", path, "")
		if !strings.HasPrefix(reply.Header.Get("Content-Security-Policy"), want.policy) || !strings.Contains(body, want.image) || strings.Contains(body, "<link") ||
			reply.StatusCode != 200 || !strings.HasPrefix(reply.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %s, %q, %s", path, reply.Status, reply.Header, body)
		}
	}
	if text := s.get("/view/latest.txt"); text != "Hallo Welt" {
		t.Errorf("the text is %q", text)
	}
	s.deliver("Content-Type: text/html\n\n"+strings.Repeat("<div>", 2000)+"<link>deep", "anna@a.example")
	if reply, body := s.ask("GET", "/view/latest.html", ""); !strings.HasPrefix(reply.Header.Get("Content-Type"), "text/plain") || strings.Contains(body, "<") || !strings.Contains(body, "deep") {
		t.Errorf("deep HTML is shown as %q, %.100s", reply.Header, body)
	}
}

// TestPartsAreDownloads asks for attachments that a browser would run (CVE-2022-50908), and
// for names that would leave a folder or a header (CVE-2024-27448, CVE-2026-23829).
func TestPartsAreDownloads(t *testing.T) {
	s := newSite(t)
	for kind, want := range map[string]string{
		"text/html": "application/octet-stream", "image/svg+xml": "application/octet-stream", "application/xhtml+xml": "application/octet-stream",
		"text/xml": "application/octet-stream", "application/xslt+xml": "application/octet-stream", "text/javascript": "application/octet-stream",
		"image/png": "image/png", "text/csv": "text/csv", "x/y\x01z": "application/octet-stream", "nonsense": "application/octet-stream", "a/b/c": "application/octet-stream",
	} {
		s.deliver("Content-Type: "+kind+"\nContent-Disposition: attachment; filename=\"../..\\\"\n =?utf-8?q?=0D=0AX-Evil:_x?= <a>\"\n\n<script>", "anna@a.example")
		reply, _ := s.ask("GET", "/api/v1/message/latest/part/0", "")
		name := reply.Header.Get("Content-Disposition")
		if reply.Header.Get("Content-Type") != want || !regexp.MustCompile(`^attachment; filename="[^/"<> ]*"$`).MatchString(name) || reply.Header.Get("X-Evil") != "" {
			t.Errorf("%s: %q", kind, reply.Header)
		}
	}
}

// TestPageTakesMessagesAsText reads the page: nothing of a message becomes HTML in it, its
// policy allows only its own files, and the frame has no permission.
func TestPageTakesMessagesAsText(t *testing.T) {
	s := newSite(t)
	for path, kind := range map[string]string{"/": "text/html", "/page.js": "text/javascript", "/page.css": "text/css"} {
		reply, body := s.ask("GET", path, "")
		if reply.StatusCode != 200 || !strings.HasPrefix(reply.Header.Get("Content-Type"), kind) || !strings.Contains(reply.Header.Get("Content-Security-Policy"), "script-src 'self'; style-src 'self';") {
			t.Errorf("%s: %s %q", path, reply.Status, reply.Header)
		}
		if found := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|srcdoc|https?://| on[a-z]+="|<style|style="|allow-`).FindString(body); found != "" {
			t.Errorf("%s has %s", path, found)
		}
	}
	if script := s.get("/page.js"); !strings.Contains(script, "frame.setAttribute('sandbox', '')") {
		t.Error("the frame of the page has no sandbox")
	}
}

// TestFetchesNothing reads the code: no file of the room makes a client (CVE-2026-21859 and
// others), and no file is written (GHSA-qx5x-85p8-vg4j).
func TestFetchesNothing(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 5 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`http\.(Get|Post|Client|DefaultClient|NewRequest)|net\.Dial|\bos\.|exec\.`).Find(text); found != nil && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s has %s", path, found)
		}
	}
}

// TestServesManyAtOnce delivers, lists and deletes at the same time.
func TestServesManyAtOnce(t *testing.T) {
	box := webmail.NewBox(func(string) ([]outcome.Step, error) { return nil, nil })
	ctx, stop := context.WithCancel(t.Context())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- webmail.New(box, "test").Serve(ctx, l) }()
	s := &site{t, box, "http://" + l.Addr().String()}
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := range 50 {
				client := fmt.Sprintf("127.0.0.1:%d", worker)
				box.Line(client, "C: DATA")
				s.deliver(order, "anna@a.example")
				box.Refused(smtpd.Message{Client: client}, smtpd.Refusal{Address: "x@a.example", Reply: "550"})
				s.ask("GET", "/api/v1/search?query=welt", "")
				s.ask("GET", "/api/v1/message/latest", "")
				s.ask("GET", "/api/virtmap/v1/message/latest", "")
				if s.ask("PUT", "/api/v1/messages", `{"Read":true}`); i%10 == 9 {
					s.ask("DELETE", "/api/v1/search?query=to:anna", "")
				}
				box.Ended(client)
			}
		})
	}
	wait.Wait()
	waiting, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(waiting, "GET /api/virtmap/v1/wait?query=nobody&timeout=1m HTTP/1.1\r\nHost: localhost\r\n\r\n")
	time.Sleep(20 * time.Millisecond)
	began := time.Now()
	stop()
	if err := <-done; err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("it ends after %v with %v", time.Since(began), err)
	}
	_, _ = bufio.NewReader(waiting).ReadString('\n')
}
