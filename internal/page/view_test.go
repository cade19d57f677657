package page

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"virtmap/hostnames"
	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
	"virtmap/internal/workshop/browser"
	"virtmap/internal/workshop/sample"
)

// TestPageInBrowser opens the page of the example, asks as a person does, and goes
// through all views.
func TestPageInBrowser(t *testing.T) {
	b := startBrowser(t)
	d := example(t)
	d.Findings, d.Verdicts = checks("")
	html := written(t, d)
	for _, look := range browser.Looks {
		b.open(html, "", look)
		b.Eval(`document.dispatchEvent(new KeyboardEvent("keydown", {key: "/"}))`)
		b.Type("Team+x@Fakemail.test")
		b.Wait(`document.querySelector(".answer .end")?.textContent === "Goes to bea in /srv/mail/bea, andrei"`)
		why := b.Eval(`document.querySelector(".answer").innerText`)
		for _, want := range []string{"Looked up as team+x@fakemail.test", "by same_as, from fakemail.example", "mail.yaml:29", "Not listed: team++, team+*", "A list of 2", "bounces go to andrei"} {
			if !strings.Contains(why, want) {
				t.Errorf("the answer does not say %q:\n%s", want, why)
			}
		}
		for hash, want := range map[string]string{
			"#domains": "same as fakemail.example", "#domain=fakemail.example": "mailbox is being moved", "#domain=fakemail.test": "a name for tests, in our own DNS alone",
			"#find=paused%40fakemail.example": "Note: until bea is back in May", "#find=back%20in%20May": "paused@fakemail.example", "#users": "carol@elsewhere.example, and a copy stays",
			"#user=bea": "sales+*@fakemail.example", "#picture": "Who gets the mail of all domains", "#mx": "publish: fakemail.example. MX 10 mx1.example.net.",
			"#findings": "VM999", "#find=busy%40fakemail.example": "Deferred: 450 4.2.1 mailbox is being moved", "#find=x%40nowhere.example": "neither serves nor relays",
			"#find=x%40partners.example": "x@partner.example", "#info@fakemail.example": "A list of 2", "#find=nothing-like-it": "Nothing has this text", "#domain=%E0%A4": "has no domain",
		} {
			if got := b.visit(hash); !strings.Contains(got, want) {
				t.Errorf("%s does not say %q:\n%s", hash, want, got)
			}
			if wide := b.Eval("document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide != "0" {
				t.Errorf("%s at %d px scrolls sideways by %s px", hash, look.Width, wide)
			}
		}
	}
	b.holdHarmless()
}

// TestTextsStayTextsInBrowser shows every hostile text, and no script of it runs.
func TestTextsStayTextsInBrowser(t *testing.T) {
	b := startBrowser(t)
	b.open(written(t, hostileDocument(t)), "", browser.Look{Width: 1400, Theme: "light"})
	shown := ""
	for _, hash := range []string{"#domains", "#domain=fakemail.example", "#users", "#user=andrei", "#user=bea", "#picture", "#mx", "#findings", "#find=gone%40fakemail.example", "#find=a%26b%7B%7D%40fakemail.example",
		"#<img src=x onerror=window.done=1>", "#find=%3Cimg%20src%3Dx%20onerror%3D%22window.done%3D1%22%3E@x", "#domain=<script>window.done=1</script>"} {
		b.Eval(`(location.hash = ` + quote(hash) + `)`)
		time.Sleep(50 * time.Millisecond)
		shown += b.Eval("document.getElementById('view').innerText")
		if n := b.Eval(`document.querySelectorAll("#view img, #view script, #view b, #view iframe").length`); n != "0" {
			t.Errorf("%s makes %s elements of texts", hash, n)
		}
	}
	if strings.Count(shown, "onerror") < 5 {
		t.Errorf("the texts are not shown:\n%s", shown)
	}
	if b.Eval("window.done") != "undefined" {
		t.Error("a script of a text ran")
	}
	b.holdHarmless()
}

// TestPageOfPostfixInBrowser opens the page of a server that refuses in other words.
func TestPageOfPostfixInBrowser(t *testing.T) {
	text, err := os.ReadFile("../../testdata/example/mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(servers.All, func(s *mta.Server) bool { return s.Name == "postfix" })
	source, ok := compiled(strings.Replace(string(text), "host:\n", "host:\n  server: postfix\n", 1), servers.All[i])
	if !ok {
		t.Fatal("the inventory has faults")
	}
	b := startBrowser(t)
	b.open(written(t, document(source)), "", browser.Looks[3])
	for hash, want := range map[string]string{
		"#domain=fakemail.example": "User unknown in virtual alias table", "#find=team%2Bx%40fakemail.test": "Goes to bea in /srv/mail/bea, andrei",
		"#find=x%40nowhere.example": "Relay access denied", "#user=bea": "sales+*@fakemail.example",
	} {
		if got := b.visit(hash); !strings.Contains(got, want) {
			t.Errorf("%s does not say %q:\n%s", hash, want, got)
		}
	}
	b.holdHarmless()
}

// TestPageOfOneDomainInBrowser: every view is about the domain alone.
func TestPageOfOneDomainInBrowser(t *testing.T) {
	b := startBrowser(t)
	d := example(t)
	d.Only = []string{"fakemail.test"}
	d.Verdicts = &hostnames.Memory{Version: 1, Domains: map[string]*hostnames.Remembered{"fakemail.example": {Verdict: "error", ID: "MX010", Text: "of another domain"}}}
	b.open(written(t, d), "", browser.Looks[0])
	for hash, c := range map[string]struct{ want, not string }{
		"#domains":                         {"fakemail.test", "partners.example"},
		"#domain=fakemail.test":            {"(by same_as, from fakemail.example)", "carol@partner"},
		"#domain=fakemail.example":         {"This page has no domain fakemail.example", "info"},
		"#users":                           {"andrei", "mailman"},
		"#user=bea":                        {"extra@fakemail.test", "sales+*@fakemail.example"},
		"#picture":                         {"Who gets the mail of all domains", "partners.example"},
		"#mx":                              {"The verdicts of the last build on 0 domains", "of another domain"},
		"#find=info%40fakemail.test":       {"by same_as, from fakemail.example", "info@fakemail.example"},
		"#find=info%40fakemail.example":    {"This page is about fakemail.test", "andrei"},
		"#find=anything%40nowhere.example": {"This page is about fakemail.test", "neither serves"},
	} {
		if got := b.visit(hash); !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%s says\n%s\nand should say %q, and not %q", hash, got, c.want, c.not)
		}
	}
	if got := b.Eval("document.querySelector('header').innerText"); !strings.Contains(got, "only fakemail.test · 1 domain · 1 address · 3 users") {
		t.Errorf("the summary is %q", got)
	}
	b.holdHarmless()
}

// TestCutPageInBrowser opens a page that has no addresses.
func TestCutPageInBrowser(t *testing.T) {
	b := startBrowser(t)
	d := example(t)
	d.MaxRows = 20
	b.open(written(t, d), "#find=info@fakemail.example", browser.Look{Width: 1400, Theme: "light"})
	for _, hash := range []string{"#domains", "#domain=fakemail.example", "#users", "#user=bea", "#picture", "#mx", "#findings", "#find=bea"} {
		b.visit(hash)
	}
	if got := b.visit("#domains"); !strings.Contains(got, "fakemail.example") {
		t.Errorf("the domains are\n%s", got)
	}
	b.holdHarmless()
}

// TestPictureOfManyDomainsInBrowser: a picture of many domains has a line for each.
func TestPictureOfManyDomainsInBrowser(t *testing.T) {
	b := startBrowser(t)
	b.open(large(t, 5000), "", browser.Look{Width: 1400, Theme: "dark"})
	picture := b.visit("#picture")
	if n := b.Eval(`document.querySelectorAll("#view svg > g").length`); n != "100" || !strings.Contains(picture, "The picture as a table") {
		t.Errorf("the picture of 100 domains has %s lines\n%s", n, picture)
	}
	if title := b.Eval(`document.querySelector("#view svg title").textContent`); !strings.Contains(title, "a line for each of 100 sources") {
		t.Errorf("its text is %q", title)
	}
	b.holdHarmless()
}

// TestLargePageInBrowser opens a page of 100,000 addresses, or of as many as
// VIRTMAP_PAGE says. Its times are those of docs/performance.md.
func TestLargePageInBrowser(t *testing.T) {
	n := 100_000
	if given, err := strconv.Atoi(os.Getenv("VIRTMAP_PAGE")); err == nil {
		n = given
	}
	b := startBrowser(t)
	begun := time.Now()
	html := large(t, n)
	t.Logf("%d addresses, %.2f MB, made in %v", n, float64(len(html))/1e6, time.Since(begun).Round(time.Millisecond))
	b.open(html, "", browser.Look{Width: 1400, Theme: "light"})
	ready, err := strconv.Atoi(b.Eval("document.documentElement.dataset.ready"))
	if err != nil || ready > 5000 {
		t.Errorf("ready after %d ms (%v)", ready, err)
	}
	t.Logf("ready after %d ms", ready)
	for _, hash := range []string{"#find=" + sample.LargeAddress(n), "#find=user1", "#find=a", "#users", "#user=box7", "#picture", "#domain=d7.example.org"} {
		took := b.Eval(`(() => { const begun = performance.now(); history.replaceState(null, "", ` + quote(hash) + `); dispatchEvent(new HashChangeEvent("hashchange")); document.body.offsetHeight; return Math.round(performance.now() - begun); })()`)
		t.Logf("%s: %s ms", hash, took)
		if b.Eval(`document.querySelector("#view h2") !== null`) != "true" {
			t.Errorf("%s shows nothing", hash)
		}
	}
	if got := b.visit("#find=" + sample.LargeAddress(n)); !strings.Contains(got, "is listed") {
		t.Errorf("the first address:\n%s", got)
	}
	b.holdHarmless()
}
