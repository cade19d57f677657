package message_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"virtmap/internal/message"
)

// crlf returns a text with the line ends of mail.
func crlf(text string) []byte { return []byte(strings.ReplaceAll(text, "\n", "\r\n")) }

// names returns the IDs, types and names of parts.
func names(parts []*message.Part) string {
	var all []string
	for _, p := range parts {
		all = append(all, p.ID+" "+p.Type+" "+p.FileName+p.ContentID+" "+string(p.Content))
	}
	return strings.Join(all, "; ")
}

func TestReadsWhatProgramsSend(t *testing.T) {
	for _, c := range []struct {
		it, raw                         string
		text, html, inline, attachments string
		faults                          string
	}{
		{it: "is plain text", raw: "Subject: x\n\nHallo\n", text: "Hallo\r\n"},
		{it: "has no header", raw: "\nHallo", text: "Hallo"},
		{it: "is nothing", raw: ""},
		{it: "is quoted-printable in Latin 1", raw: "Content-Type: text/plain; charset=ISO-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=\n=DFe", text: "Grüße"},
		{it: "is base64 in another charset", raw: "Content-Type: text/plain; charset=windows-1251\nContent-Transfer-Encoding: BASE64\n\nz/Do\n4uXy\n", text: "Привет"},
		{it: "has text and HTML", raw: "Content-Type: multipart/alternative; boundary=b\n\npreamble\n--b\n\nplain\n--b\nContent-Type: text/html\n\n<b>bold</b>\n--b--\nepilogue", text: "plain", html: "<b>bold</b>"},
		{it: "has an image and a file", raw: `Content-Type: multipart/mixed; boundary="o"` + "\n\n--o\nContent-Type: multipart/related; boundary=i\n\n" +
			"--i\nContent-Type: text/html\n\n<img src=cid:a@b>\n--i\nContent-Type: image/png\nContent-ID: <a@b>\n\nPNG\n--i--\n" +
			"--o\nContent-Type: text/plain; name=x.txt\n\nfile\n--o--\n",
			html: "<img src=cid:a@b>", inline: "1.2 image/png a@b PNG", attachments: "2 text/plain x.txt file"},
		{it: "names files as RFC 2231, as RFC 2047 and badly", raw: "Content-Type: multipart/mixed; boundary=b\n\n" +
			"--b\nContent-Disposition: attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt\n\n1\n" +
			"--b\nContent-Disposition: attachment; filename*=iso-8859-1''Gr%FC%DFe.txt\n\n2\n" +
			"--b\nContent-Disposition: attachment; filename=\"=?utf-8?q?Gr=C3=BC=C3=9Fe.txt?=\"\n\n3\n" +
			"--b\nContent-Disposition: attachment; filename=two words.txt\n\n4\n--b--\n",
			attachments: "1 text/plain Grüße.txt 1; 2 text/plain Grüße.txt 2; 3 text/plain Grüße.txt 3; 4 text/plain two words.txt 4"},
		{it: "has a message in it", raw: "Content-Type: message/rfc822\n\nSubject: inner\n\nx", attachments: "0 message/rfc822  Subject: inner\r\n\r\nx"},
		{it: "has no boundary", raw: "Content-Type: multipart/mixed\n\nx", text: "x", faults: "a multipart/mixed without a boundary is read as text"},
		{it: "has no parts", raw: "Content-Type: multipart/mixed; boundary=b\n\nx", text: "x", faults: "a multipart/mixed without parts is read as text"},
		{it: "is cut off", raw: "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx", text: "x", faults: "a multipart/mixed has no end"},
		{it: "has a boundary that begins another", raw: "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--bb\n--b--", text: "--bb"},
		{it: "has damaged base64", raw: "Content-Transfer-Encoding: base64\n\nSGFs*bG8\n", text: "Hallo", faults: "the base64 of a part is damaged"},
		{it: "has an unknown charset", raw: "Content-Type: text/plain; charset=klingon\n\nGr\xfc\xdfe", text: "Grüße", faults: `the charset "klingon" is unknown or wrong, and the text is shown as Latin 1`},
		{it: "has an unknown encoding", raw: "Content-Transfer-Encoding: uuencode\n\nx", text: "x", faults: `the encoding "uuencode" is unknown, and the part is shown as it came`},
		{it: "has a line that is no field", raw: "Subject: x\nnonsense\nContent-Type: text/html\n\nx", html: "x", faults: "a line of a header has no name"},
	} {
		m := message.Read(crlf(c.raw))
		if m.Text != c.text || m.HTML != c.html || names(m.Inline) != c.inline || names(m.Attachments) != c.attachments || strings.Join(m.Faults, "; ") != c.faults {
			t.Errorf("a message that %s has\ntext %q\nHTML %q\ninline %q\nattachments %q\nfaults %q", c.it, m.Text, m.HTML, names(m.Inline), names(m.Attachments), m.Faults)
		}
	}
}

func TestReadsFields(t *testing.T) {
	h := message.Read(crlf("From: =?utf-8?q?Shop_=C3=89mile?= <orders@shop.example>\nTO: a@a.example,\n \"B, b\" <b@a.example>, broken <x\nSubject: =?iso-8859-1?q?Gr=FC?=\n =?utf-8?b?w59l?=\n" +
		"Date: Fri, 27 Nov 2026 12:00:00 +0200\nMessage-ID: <m1@shop.example>\nX-Test: one\nx-test: two\n\n")).Header
	if from := h.Addresses("From"); len(from) != 1 || from[0] != (message.Address{Name: "Shop Émile", Address: "orders@shop.example"}) {
		t.Errorf("From is %q", from)
	}
	if to := fmt.Sprint(h.Addresses("To")); !strings.HasPrefix(to, "[{ a@a.example}") || !strings.Contains(to, "b@a.example") || !strings.Contains(to, "{broken x}") {
		t.Errorf("To is %s", to)
	}
	if h.Subject() != "Grüße" || h.MessageID() != "m1@shop.example" || strings.Join(h.Map()["X-Test"], " ") != "one two" {
		t.Errorf("subject %q, message ID %q, X-Test %q", h.Subject(), h.MessageID(), h.Map()["X-Test"])
	}
	if at, ok := h.Date(); !ok || at.Format(time.RFC3339) != "2026-11-27T12:00:00+02:00" {
		t.Errorf("the date is %v, %v", at, ok)
	}
}

// TestHostileMessagesHaveAnEnd reads messages that are made to take long. Each is read
// within a second, and nearly all of them much faster.
func TestHostileMessagesHaveAnEnd(t *testing.T) {
	nested := func(levels int) string {
		var b strings.Builder
		for i := range levels {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
		}
		return b.String()
	}
	for it, raw := range map[string]string{
		"100 multiparts in each other":      nested(100),
		"20,000 multiparts in each other":   nested(20_000),
		"one boundary for all":              strings.Repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n", 20_000),
		"100,000 parts":                     "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 100_000),
		"a million boundaries that are not": "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--bx\n", 1_000_000),
		"a header without end":              strings.Repeat("X: y\n", 1_000_000),
		"a field without end":               "Subject: x\n" + strings.Repeat(" y\n", 1_000_000),
		"an address list without end":       "To: " + strings.Repeat("a@b.example,", 500_000) + "\n\n",
		"a list of comments":                "To: " + strings.Repeat("(", 500_000) + "\n\n",
		"encoded words without end":         "Subject: " + strings.Repeat("=?utf-8?q?x?= ", 500_000) + "\n\n",
		"parameters without end":            "Content-Type: text/plain" + strings.Repeat("; a*0*=utf-8''x", 500_000) + "\n\n",
	} {
		began := time.Now()
		m := message.Read([]byte(raw))
		_, _ = m.Header.Addresses("To"), m.Header.Map()
		took, deepest := time.Since(began), 0
		for _, p := range m.Parts {
			deepest = max(deepest, strings.Count(p.ID, "."))
		}
		if took > time.Second || len(m.Parts) > 1001 || deepest > 30 || len(m.Header) > 1001 || len(m.Header.Subject()) > 256<<10 {
			t.Errorf("%s: %v, %d parts, depth %d, %d fields, a subject of %d bytes", it, took, len(m.Parts), deepest, len(m.Header), len(m.Header.Subject()))
		}
	}
}

// TestSplitsAsTheStandardLibrary writes multiparts with mime/multipart, and reads them with
// both.
func TestSplitsAsTheStandardLibrary(t *testing.T) {
	for _, pieces := range [][]string{{"a"}, {"", "b\r\n", "\r\n\r\n"}, {"--", "--x\r\n", "\r\n--xx", "- -x--"}, {strings.Repeat("y\r\n", 1000)}} {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		if err := w.SetBoundary("x"); err != nil {
			t.Fatal(err)
		}
		for _, piece := range pieces {
			p, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/x-test"}})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(p, piece)
		}
		_ = w.Close()
		m := message.Read(append([]byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n"), body.Bytes()...))
		r := multipart.NewReader(&body, "x")
		for i := 0; ; i++ {
			p, err := r.NextRawPart()
			if err != nil {
				if i != len(m.Parts) {
					t.Errorf("%q: mime/multipart reads %d parts (%v), and Read %d", pieces, i, err, len(m.Parts))
				}
				break
			}
			want, _ := io.ReadAll(p)
			if i >= len(m.Parts) || !bytes.Equal(m.Parts[i].Content, want) {
				t.Fatalf("%q: part %d is %q for mime/multipart, and Read has %d parts", pieces, i, want, len(m.Parts))
			}
		}
	}
}
