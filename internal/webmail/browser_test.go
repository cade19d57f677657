package webmail_test

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"virtmap/internal/smtpd"
	"virtmap/internal/workshop/browser"
)

// A reader is a person with a browser at a site.
type reader struct {
	*browser.Browser
	*site
}

// opened opens the page of a site, and waits until the list has a number of messages.
func (s *site) opened(b *browser.Browser, look browser.Look, messages int) *reader {
	s.Helper()
	r := &reader{b, s}
	b.Open(s.url+"/", look)
	r.listed(messages)
	return r
}

// listed waits until the list has a number of messages.
func (r *reader) listed(messages int) {
	r.Helper()
	r.Wait(fmt.Sprintf(`document.querySelectorAll("#list button").length === %d && document.getElementById("status").textContent > ""`, messages))
}

// open opens the message with a subject.
func (r *reader) open(subject string) {
	r.Helper()
	r.Eval(`[...document.querySelectorAll("#list button")].find(b => b.firstChild.textContent === ` + browser.Quote(subject) + `).click()`)
	r.Wait(`document.getElementById("subject").textContent === ` + browser.Quote(subject) + ` && !document.getElementById("message").hidden`)
}

// tab shows a view of the open message, and returns its text.
func (r *reader) tab(name string) string {
	r.Helper()
	r.Eval(`(document.getElementById("view").replaceChildren(), [...document.querySelectorAll("[role=tab]")].find(b => b.textContent === ` + browser.Quote(name) + `).click())`)
	r.Wait(`document.getElementById("view").children.length > 0 && document.querySelector("[aria-selected=true]").textContent === ` + browser.Quote(name))
	return r.Eval(`document.getElementById("view").innerText`)
}

// sound fails if the page scrolls sideways, or has a control without a name.
func (r *reader) sound(where string) {
	r.Helper()
	if wide := r.Eval("document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide != "0" {
		r.Errorf("%s scrolls sideways by %s px", where, wide)
	}
	if names := r.Nameless(); len(names) > 0 {
		r.Errorf("%s: these have no name: %q", where, names)
	}
}

// TestPageInBrowser goes through all views of the page, as a person does.
func TestPageInBrowser(t *testing.T) {
	b := browser.Start(t)
	for _, look := range browser.Looks {
		s := newSite(t)
		s.box.Line("127.0.0.1:1", "C: MAIL FROM:<bounce@shop.example>")
		s.deliver(order, "anna+billing@a.example", "hidden@a.example")
		s.deliver("From: Bea <bea@b.example>\nTo: team@a.example\nSubject: Lunch\n\nAt noon, as always.\n", "team@a.example")
		r := s.opened(b, look, 2)
		r.sound(look.String() + ", list")
		r.Keep("receive-list-" + look.String())
		r.open("Rechnung 4711")
		for _, v := range []struct{ tab, want string }{
			{"Text", "Hallo Welt"}, {"HTML", ""}, {"Headers", "<m1@shop.example>"}, {"Source", "Subject: Rechnung 4711"}, {"Dialogue", "C: MAIL FROM:<bounce@shop.example>"},
			{"Recipients", "anna+billing@a.example → andrei"}, {"Recipients", "a blind copy"}, {"Recipients", "hidden@a.example\tanna"}, {"Recipients", "550 5.1.1 Gone"},
		} {
			if got := r.tab(v.tab); !strings.Contains(got, v.want) {
				t.Errorf("%v, %s does not say %q:\n%s", look, v.tab, v.want, got)
			}
			r.sound(look.String() + ", " + v.tab)
			r.Keep("receive-" + strings.ToLower(v.tab) + "-" + look.String())
		}
		if got := r.Eval(`[...document.querySelectorAll("#files a")].map(a => a.textContent + " " + a.getAttribute("href").replace(/.*part/, "part") + " " + a.hasAttribute("download")).join()`); got !=
			"bill.html (text/html, 18 B) part/2 true,logo (image/png, 3 B) part/1.2 true" {
			t.Errorf("%v: the files are %s", look, got)
		}
		r.Harmless(s.url)
	}
}

// TestPageFollowsInBrowser: the page shows what comes, what is read and what is deleted, and
// is used with the keyboard alone.
func TestPageFollowsInBrowser(t *testing.T) {
	s := newSite(t)
	r := s.opened(browser.Start(t), browser.Look{Width: 1400, Theme: "light"}, 0)
	for i := range 3 {
		s.deliver(fmt.Sprintf("From: shop@b.example\nTo: anna@a.example\nSubject: message %d\n\nx\n", i), "anna@a.example")
	}
	r.listed(3)
	r.Wait(`document.title === "(3) virtmap receive"`)
	s.box.Refused(smtpd.Message{Client: "127.0.0.1:2", From: "x@b.example"}, smtpd.Refusal{Address: "gone@a.example", Reply: "550 5.1.1 Gone for good"})
	r.deliver("Subject: message 3\n\n", "anna@a.example")
	r.listed(4)
	r.Eval(`document.getElementById("refusedButton").click()`)
	r.Wait(`document.getElementById("refusals").innerText.includes("550 5.1.1 Gone for good")`)
	r.sound("the refusals")

	r.Press("Escape") // goes back to the list
	r.Eval(`document.activeElement.blur()`)
	r.Press("/")
	r.Type("subject:\"message 1\"")
	r.listed(1)
	r.Press("ArrowDown")
	r.Press("Enter")
	r.Wait(`document.getElementById("subject").textContent === "message 1"`)
	r.Wait(`document.title === "(3) virtmap receive"`)

	r.Eval(`document.getElementById("deleteOne").click()`)
	r.listed(0)
	r.Eval(`(document.getElementById("query").value = "", document.getElementById("query").dispatchEvent(new Event("input")))`)
	r.listed(3)
	r.open("message 2")
	r.Eval(`document.getElementById("deleteOne").click()`)
	r.Wait(`document.getElementById("subject").textContent === "message 0"`) // the next one
	r.Eval(`(window.confirm = () => true, document.getElementById("deleteAll").click())`)
	r.listed(0)
	if list := decode[aList](s, s.get("/api/v1/messages")); list.Total != 0 {
		t.Errorf("%d messages are left", list.Total)
	}
	r.Harmless(s.url)
}

// hostile is a message that tries to run a script, to fetch something and to lead away.
// SINK stands for the address of a server that must hear nothing.
const hostile = `From: "<script>window.done=1</script>" <evil@b.example>
To: anna@a.example
Subject: <img src=x onerror=window.done=1>
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: text/html

<html><head><meta http-equiv=refresh content="0;url=http://SINK/refresh"><base href="http://SINK/base/">
<link rel=preconnect href="http://SINK"><link rel=stylesheet href="http://SINK/link.css"><link rel=prefetch href="http://SINK/prefetch">
<style>@import "http://SINK/import.css"; body{background:url(http://SINK/css.png)} @font-face{font-family:f;src:url(http://SINK/f.woff)} p{font-family:f}</style></head>
<body background="http://SINK/body.png" onload="window.top.done=1"><script>window.top.done=1; fetch("http://SINK/fetch")</script>
<script src="http://SINK/x.js"></script><p>Read this</p><img src="http://SINK/img.png" srcset="http://SINK/set.png 2x"><img src=x onerror="window.top.done=1">
<svg onload="window.top.done=1"><image href="http://SINK/svg.png"/><script>window.top.done=1</script></svg><video src="http://SINK/v.mp4" poster="http://SINK/p.png" autoplay></video>
<iframe src="http://SINK/frame"></iframe><object data="http://SINK/object"></object><embed src="http://SINK/embed">
<form id=f action="http://SINK/form"><input name=q autofocus onfocus="window.top.done=1"><button id=go>Send</button></form>
<a id=away href="http://SINK/link" target=_top ping="http://SINK/ping">away</a><noscript><link rel=preconnect href="http://SINK"></noscript>
</body></html>
--o
Content-Type: text/html; name="<b>.html"
Content-Disposition: attachment; filename="\"><script>window.done=1</script>.html"

<script>window.done=1</script>
--o--
`

// TestHostileMessageInBrowser shows a hostile message in every view, and clicks in it. No
// script runs, and nothing reaches the server that it names, not even a connection.
func TestHostileMessageInBrowser(t *testing.T) {
	sink, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	var heard atomic.Int32
	go func() {
		for {
			c, err := sink.Accept()
			if err != nil {
				return
			}
			heard.Add(1)
			c.Close()
		}
	}()
	s := newSite(t)
	s.deliver(strings.ReplaceAll(hostile, "SINK", sink.Addr().String()), "anna@a.example")
	b := browser.Start(t)
	for _, look := range browser.Looks {
		r := s.opened(b, look, 1)
		r.open("<img src=x onerror=window.done=1>")
		for _, tab := range []string{"Text", "Headers", "Source", "Recipients", "Dialogue", "HTML"} {
			r.tab(tab)
			r.sound(look.String() + ", " + tab)
		}
		r.Wait(`document.querySelector("iframe").contentDocument === null`) // the page itself cannot look into it
		r.Eval(`document.querySelector("iframe").scrollIntoView()`)
		box := strings.Split(r.Eval(`(r => r.left + " " + r.top + " " + r.width + " " + r.height)(document.querySelector("iframe").getBoundingClientRect())`), " ")
		r.clickAll(box)
		r.Keep("receive-hostile-" + look.String())
		if done := r.Eval("window.done"); done != "undefined" {
			t.Errorf("%v: a script ran", look)
		}
		if n := r.Eval(`document.querySelectorAll("article script, article img, article b, #list img, #list script").length`); n != "0" {
			t.Errorf("%v: %s elements were made of texts", look, n)
		}
		if at := r.Eval("location.origin"); at != s.url {
			t.Errorf("%v: the page was led to %s", look, at)
		}
		r.Harmless(s.url)
	}
	if n := heard.Load(); n > 0 {
		t.Errorf("the server of the message heard %d connections", n)
	}
	b.Open("http://"+sink.Addr().String()+"/", browser.Looks[0]) // the sink does hear
	b.Wait("true")
	if heard.Load() == 0 {
		t.Error("the sink does not hear anything")
	}
}

// clickAll clicks at places of a frame, in steps of 30 pixels.
func (r *reader) clickAll(box []string) {
	r.Helper()
	var left, top, width, height float64
	if _, err := fmt.Sscan(strings.Join(box, " "), &left, &top, &width, &height); err != nil || height < 100 {
		r.Fatalf("the frame is at %q: %v", box, err)
	}
	for y := top + 15; y < min(top+height, 880); y += 30 {
		for x := left + 15; x < left+width; x += 60 {
			for _, kind := range []string{"mousePressed", "mouseReleased"} {
				r.Call("Input.dispatchMouseEvent", browser.Object{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}, nil)
			}
		}
	}
}
