package message_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"virtmap/internal/message"
)

// forbidden returns the first element in HTML that Clean must remove, as a browser without
// scripts reads it.
func forbidden(t *testing.T, text string) string {
	root, err := html.ParseWithOptions(strings.NewReader(text), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		switch strings.ToLower(n.Data) {
		case "link", "base", "meta", "script", "iframe", "frame", "frameset", "object", "embed", "applet", "template", "portal", "fencedframe":
			if n.Type == html.ElementNode {
				return n.Data
			}
		}
		if n.Type == html.CommentNode {
			return "a comment"
		}
	}
	return ""
}

// hostile are texts that hide a link which opens a connection ahead.
var hostile = []string{
	`LINK`, `<noscript>LINK</noscript>`, `<noscript><p title="</noscript>LINK">`, `<template>LINK</template>`,
	`<div><template shadowrootmode=open>LINK</template></div>`, `<svg><style>LINK</style></svg>`, `<svg><style><!--</style>LINK--></style></svg>`,
	`<math><mtext><table><mglyph><style><!--</style>LINK`, `<xmp>LINK</xmp>`, `<xmp></xmp>LINK`, `<iframe srcdoc='LINK'></iframe>`, `<iframe>LINK</iframe>`,
	`<select>LINK</select>`, `<select><option>LINK`, `<table>LINK</table>`, `<textarea>LINK</textarea>LINK`, `<title>LINK</title>`, `<!--><a>LINK-->`, `<!-- LINK -->`,
	`<noembed>LINK</noembed>`, `<noframes>LINK</noframes>`, `<plaintext>LINK`, `<LiNk rel=dns-prefetch href=//evil.example>`, `<svg><link/></svg>`, `<svg><foreignObject>LINK`,
	`<noscript>ESCAPED</noscript>`, `<p><noscript>ESCAPED`, `<noscript>&amp;lt;link&amp;gt;ESCAPED`, `<noembed>ESCAPED`, `<svg><noscript>ESCAPED`, `LINK<noscript>ESCAPED`,
	`<form><math><mtext></form><form><mglyph><style></math>LINK`, `<a><p><table><a>LINK`,
}

func TestCleanLetsNothingOut(t *testing.T) {
	for _, text := range hostile {
		text = strings.ReplaceAll(text, "ESCAPED", "&lt;link rel=preconnect href=http://evil.example&gt;")
		text = strings.ReplaceAll(text, "LINK", `<link rel=preconnect href=http://evil.example><meta http-equiv=refresh content="0;url=//evil.example"><script>x</script>`)
		clean, _, err := message.Clean("<p>kept</p>"+text, nil)
		if err != nil || !strings.Contains(clean, "<p>kept</p>") {
			t.Errorf("%s becomes %s (%v)", text, clean, err)
			continue
		}
		if left := forbidden(t, clean); left != "" {
			t.Errorf("%s leaves %s: %s", text, left, clean)
		}
	}
}

func TestCleanKeepsWhatAPersonReads(t *testing.T) {
	clean, links, err := message.Clean(`<style>p{color:red}</style><p style="x">Hallo <a href=" https://a.example/ ">to <b>A</b></a><img src="CID:logo@x"><img src=http://b.example/>`,
		func(id string) string { return "data:" + id })
	if err != nil || !strings.Contains(clean, "p{color:red}") || !strings.Contains(clean, `<img src="data:logo@x"/>`) || !strings.Contains(clean, `style="x"`) {
		t.Errorf("it becomes %s (%v)", clean, err)
	}
	if len(links) != 1 || links[0] != (message.Link{Text: "to A", Target: " https://a.example/ "}) {
		t.Errorf("the links are %q", links)
	}
	if _, _, err := message.Clean(strings.Repeat("<div>", 10_000), nil); err == nil {
		t.Error("10,000 elements in each other are shown")
	}
}

func TestHTMLText(t *testing.T) {
	got := message.HTMLText("<head><title>no</title><style>p{}</style></head><h1>Hallo  &amp;\nWelt</h1><p>one<b> two</b>\n three<br>four<script>no()</script><table><tr><td>a<td>b</table>")
	if want := "Hallo & Welt\n\none two three\nfour\n\na b"; got != want {
		t.Errorf("the text is %q, want %q", got, want)
	}
}

// pieces are what TestCleanLetsNothingOutOfAMixture puts together.
var pieces = strings.Fields(`<svg> </svg> <math> </math> <mtext> <mglyph> <style> </style> <table> </table> <form> </form> <a> </a> <p> </p> <title> </title> <desc>
	<foreignObject> <noscript> </noscript> <xmp> </xmp> <textarea> </textarea> <select> </select> <option> <malignmark> <link> &lt;link&gt; &amp;lt;link&amp;gt; <!-- -->
	<![CDATA[ ]]> <plaintext> <noembed> </noembed> <noframes> </noframes> <b> </b> <td> <caption> <br> </br> <iframe> </iframe> <pre> x <li> <button> <frameset> <body> <template>
	</template> <p/id="</style><link>"> <a/title="--><link>">`)

func TestCleanLetsNothingOutOfAMixture(t *testing.T) {
	random, shown := rand.New(rand.NewPCG(1, 2)), 0
	for range 30_000 {
		var text strings.Builder
		for range 3 + random.IntN(9) {
			text.WriteString(pieces[random.IntN(len(pieces))])
		}
		clean, _, err := message.Clean(text.String(), nil)
		if err != nil {
			continue
		}
		shown++
		if left := forbidden(t, clean); left != "" {
			t.Fatalf("%s leaves %s: %s", text.String(), left, clean)
		}
	}
	if shown < 29_000 {
		t.Errorf("only %d of 30000 texts are shown", shown)
	}
}

// FuzzRead reads anything: nothing panics, parts are no larger than the message, texts are
// UTF-8, and clean HTML has nothing that must not be there.
func FuzzRead(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nSGFs\r\n--b--"))
	f.Add([]byte("Content-Type: text/html; charset=iso-2022-jp\r\n\r\n<svg><style><link>"))
	for _, text := range hostile {
		f.Add([]byte("Content-Type: text/html\r\nTo: =?utf-8?q?a?= <a@b>\r\n\r\n" + text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := message.Read(raw)
		size := 0
		for _, p := range m.Parts {
			size += len(p.Content)
		}
		if size > len(raw) || !utf8.ValidString(m.Text) || !utf8.ValidString(m.HTML) || !utf8.ValidString(m.Header.Subject()) {
			t.Errorf("%d of %d bytes, text %q", size, len(raw), m.Text)
		}
		m.Header.Addresses("To")
		m.Header.Date()
		message.HTMLText(m.HTML)
		if clean, _, err := message.Clean(m.HTML, func(string) string { return "data:" }); err == nil {
			if left := forbidden(t, clean); left != "" {
				t.Errorf("%q leaves %s in %q", m.HTML, left, clean)
			}
		}
	})
}
