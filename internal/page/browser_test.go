package page

import (
	"os"
	"path/filepath"
	"testing"

	"virtmap/internal/workshop/browser"
)

// A tab is a browser with a document.
type tab struct {
	*browser.Browser
	t   testing.TB
	url string
}

func startBrowser(t testing.TB) *tab {
	t.Helper()
	return &tab{Browser: browser.Start(t), t: t}
}

// open opens a document, and waits until it is ready.
func (b *tab) open(html []byte, hash string, look browser.Look) {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "who.html")
	if err := os.WriteFile(path, html, 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.url = "file://" + path
	b.Open(b.url+hash, look)
	b.Wait(`document.documentElement?.dataset.ready > ""`)
}

// visit shows a view of the page, and returns its text.
func (b *tab) visit(hash string) string {
	b.t.Helper()
	b.Eval(`(document.getElementById("view").replaceChildren(), location.hash = "#none", location.hash = ` + quote(hash) + `)`)
	b.Wait(`document.querySelector("#view h2") !== null && location.hash === ` + quote(hash))
	return b.Eval("document.getElementById('view').innerText")
}

func quote(text string) string { return browser.Quote(text) }

// holdHarmless fails if the page asked for anything but itself, or had an error.
func (b *tab) holdHarmless() {
	b.t.Helper()
	b.Harmless(b.url)
}
