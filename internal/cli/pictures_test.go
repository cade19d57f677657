package cli

import (
	"bytes"
	"image/png"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/browser"
)

// The pictures of the documentation.
const (
	pictures     = "../../docs/pictures"
	pictureWidth = 1200
	pictureBytes = 150_000
)

// invoice is the message that the picture of the receiver shows.
const invoice = "From: Shop <orders@shop.example>\nTo: info+orders@fakemail.test\nSubject: Invoice 4711\nContent-Type: text/html\n\n<h1>Invoice 4711</h1><p>Thank you for the order.</p>\n"

// TestPicturesAreMade makes the pictures of the documentation from the shipped example, as
// docs/look.md says. VIRTMAP_UPDATE=1 writes them.
func TestPicturesAreMade(t *testing.T) {
	b := browser.Start(t)
	folder, err := filepath.Abs(pictures)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(exampleFolder(t))
	look := browser.Look{Width: pictureWidth, Theme: "light", Height: 640}
	for _, args := range [][]string{{"build", "-q", "-o", "out", "--zone", "zones"}, {"page", "--state", "out/.virtmap", "-o", "who.html"}} {
		if code, _, said := run("", args...); code != exitOK {
			t.Fatalf("%q ends with %d: %s", args, code, said)
		}
	}
	who, err := filepath.Abs("who.html")
	if err != nil {
		t.Fatal(err)
	}
	take := func(name string) {
		b.Call("Emulation.setScrollbarsHidden", browser.Object{"hidden": true}, nil)
		if png := b.Picture(false); *update {
			if err := os.WriteFile(filepath.Join(folder, name), png, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.Open("file://"+who+"#picture", browser.Look{Width: pictureWidth, Theme: "light", Height: 740})
	b.Wait(`document.querySelector("svg") !== null`)
	take("page.png")
	b.Open("file://"+who+"#find=info%2Bnews%40fakemail.test", look)
	b.Wait(`document.querySelector(".answer .end")?.textContent === "Goes to bea in /srv/mail/bea, andrei"`)
	take("answer.png")

	r := startReceive(t, "--maps", "out", "-i", "mail.yaml", "--http", "127.0.0.1:0")
	for _, to := range []string{"team@fakemail.example", "info+orders@fakemail.test"} {
		text := strings.ReplaceAll(invoice, "info+orders@fakemail.test", to)
		if err := smtp.SendMail(r.addr, nil, "orders@shop.example", []string{to}, []byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.send("old@fakemail.example"); got == "250" {
		t.Error("an address is not refused")
	}
	b.Open(r.page+"/", look)
	b.Wait(`document.querySelectorAll("#list button").length === 2`)
	b.Eval(`document.querySelector("#list button").click()`)
	b.Wait(`document.querySelector("[role=tab]") !== null`)
	b.Eval(`[...document.querySelectorAll("[role=tab]")].find(tab => tab.textContent === "Recipients").click()`)
	b.Wait(`document.getElementById("view").innerText.includes("virtusertable")`)
	take("receive.png")
	b.Open("about:blank", look) // ends the requests of the page
	if code := r.stop(); code != exitOK {
		t.Errorf("receive ends with %d", code)
	}
}

// TestPicturesAreSmall: each picture has the width that it should have and few bytes, and
// a page shows it.
func TestPicturesAreSmall(t *testing.T) {
	files, err := filepath.Glob(pictures + "/*.png")
	if err != nil || len(files) < 3 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.DecodeConfig(bytes.NewReader(text))
		if err != nil || picture.Width != pictureWidth || len(text) > pictureBytes {
			t.Errorf("%s: %d bytes, %d pixels wide, %v", path, len(text), picture.Width, err)
		}
		shown := false
		for _, page := range docsPages(t) {
			shown = shown || strings.Contains(pageOf(t, page), "pictures/"+filepath.Base(path)+")")
		}
		if !shown {
			t.Errorf("no page shows %s", path)
		}
	}
}
