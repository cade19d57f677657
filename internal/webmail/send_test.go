package webmail_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
	"virtmap/internal/webmail"
)

// A desk is a receiver that takes mail for a.example.
type desk struct{ *webmail.Box }

func (d desk) Route(recipient string) smtpd.Answer {
	if !strings.HasSuffix(recipient, "@a.example") {
		return smtpd.Answer{Code: 550, Status: "5.7.1", Text: "not ours"}
	}
	return smtpd.Answer{Taken: true, Mailboxes: []string{"andrei"}}
}

// sending returns a site whose call to send has a receiver.
func sending(t *testing.T) *site {
	t.Helper()
	box := webmail.NewBox(func(string) ([]outcome.Step, error) { return nil, nil })
	server := httptest.NewServer(webmail.New(box, "test").SendTo(desk{box}))
	t.Cleanup(server.Close)
	return &site{t, box, server.URL}
}

const order2 = `{"From":{"Email":"ann@b.example","Name":"Ann É"},"To":[{"Email":"bea@a.example","Name":"Bea"}],"Cc":[{"Email":"x@far.example"}],"Bcc":["hidden@a.example"],
"ReplyTo":[{"Email":"re@b.example"}],"Subject":"Größe","Text":"Hallo\nWelt","HTML":"<p>Hallo</p>","Tags":["shop"],"Headers":{"X-Order":"4711"},
"Attachments":[{"Content":"b25lO3R3bw==","Filename":"a b.csv","ContentType":"text/csv"},{"Content":"UE5H","Filename":"l.png","ContentType":"image/png","ContentID":"logo"}]}`

func TestSends(t *testing.T) {
	s := sending(t)
	reply, text := s.ask("POST", "/api/v1/send", order2)
	var sent struct{ ID string }
	if s.into(text, &sent); reply.StatusCode != 200 || sent.ID == "" {
		t.Fatalf("%s %s", reply.Status, text)
	}
	m := decode[aMessage](s, s.get("/api/v1/message/"+sent.ID))
	if m.Subject != "Größe" || m.From.Name != "Ann É" || m.To[0].Address != "bea@a.example" || m.Bcc[0].Address != "hidden@a.example" || m.Text != "Hallo\nWelt" ||
		m.HTML != "<p>Hallo</p>" || m.ReturnPath != "ann@b.example" || m.Tags[0] != "shop" || len(m.Attachments) != 1 || m.Attachments[0].FileName != "a b.csv" ||
		len(m.Inline) != 1 || m.Inline[0].ContentID != "logo" {
		t.Errorf("the message is %+v\n%s", m, s.get("/api/v1/message/latest/raw"))
	}
	if got := s.get("/api/v1/message/latest/part/" + m.Attachments[0].PartID); got != "one;two" {
		t.Errorf("the attachment is %q", got)
	}
	if raw := s.get("/api/v1/message/latest/raw"); !strings.Contains(raw, "X-Order: 4711\r\n") || strings.Contains(raw, "hidden") {
		t.Errorf("the message is\n%s", raw)
	}
	e := decode[anEnvelope](s, strings.Replace(s.get("/api/virtmap/v1/message/latest"), `,"links":[]`, "", 1))
	if len(e.Recipients) != 2 || e.Recipients[0].Mailboxes[0] != "andrei" || len(e.Refused) != 1 || e.Refused[0].Reply != "550 5.7.1 not ours" {
		t.Errorf("the envelope is %+v", e)
	}
}

func TestSendRefuses(t *testing.T) {
	s := sending(t)
	const to = `"From":{"Email":"ann@b.example"},"To":[{"Email":"bea@a.example"}]`
	for body, want := range map[string]string{
		`{"From":{"Email":"ann@b.example"},"To":[{"Email":"x@far.example"}]}`:                    "550 5.7.1 not ours",
		`{"From":{"Email":"ann@b.example"}}`:                                                     "the message has no recipient",
		`{"To":[{"Email":"bea@a.example"}]}`:                                                     "is no address",
		`{"From":{"Email":"ann@b.example"},"Bcc":["a@a.example\r\nX: y"]}`:                       "is no address",
		`{"From":{"Email":"ann@b.example\r\nX-Evil: x"},"To":[{"Email":"bea@a.example"}]}`:       "is no address",
		`{` + to + `,"Headers":{"X-A\r\nX-Evil":"x"}}`:                                           "is no name of a header",
		`{` + to + `,"Attachments":[{"Content":"!","Filename":"a"}]}`:                            "is no base64",
		`{` + to + `,"Attachments":[{"Content":"","Filename":"a","ContentType":"x/y\r\nX: z"}]}`: "is no content type",
		`{` + to + `,"Attachments":[{"Content":"","Filename":"a","ContentID":"x\r\nX-Evil"}]}`:   "is no Content-ID",
	} {
		var problem struct{ Error string }
		reply, text := s.ask("POST", "/api/v1/send", body)
		if s.into(text, &problem); reply.StatusCode != 400 || !strings.Contains(problem.Error, want) {
			t.Errorf("%s: %s %s, want %q", body, reply.Status, text, want)
		}
	}
	for _, hidden := range []string{`"Subject":"a\r\nX-Evil: x"`, `"Headers":{"X-A":"a\r\nX-Evil: x"}`, `"Attachments":[{"Content":"","Filename":"a\r\nX-Evil: x"}]`} {
		s.ask("POST", "/api/v1/send", "{"+to+","+hidden+"}")
	}
	list := decode[aList](s, s.get("/api/v1/messages"))
	for _, m := range list.Messages {
		if raw := s.get("/api/v1/message/" + m.ID + "/raw"); strings.Contains(raw, "\nX-Evil") {
			t.Errorf("a header was smuggled in:\n%s", raw)
		}
	}
	if reply, _ := s.ask("POST", "/api/v1/send", `{"Text":"`+strings.Repeat("x", 2<<20)+`"}`); reply.StatusCode != 413 {
		t.Errorf("a large message: %s", reply.Status)
	}
	if reply, _ := s.ask("POST", "/api/v1/send", order2, "Origin", "http://evil.example"); reply.StatusCode != 403 {
		t.Errorf("a foreign page: %s", reply.Status)
	}
	if reply, _ := newSite(t).ask("POST", "/api/v1/send", order2); reply.StatusCode != 404 {
		t.Errorf("without a receiver: %s", reply.Status)
	}
}

// TestLargeAnswersAreCompressed asks as clients do that take gzip, and as others.
func TestLargeAnswersAreCompressed(t *testing.T) {
	s := newSite(t)
	for i := range 50 {
		s.deliver(fmt.Sprintf("Subject: message %d\n\ntext\n", i), "anna@a.example")
	}
	s.deliver("Subject: image\nContent-Type: image/png\n\n"+strings.Repeat("x", 5000), "anna@a.example")
	whole := s.get("/api/v1/messages") // the client of the test asks for gzip by itself, and unpacks it
	for _, c := range []struct {
		path, accept string
		zipped       bool
	}{
		{"/api/v1/messages", "gzip, deflate", true}, {"/api/v1/messages", "identity", false}, {"/api/v1/messages?limit=1", "gzip", false}, {"/page.js", "gzip", true},
		{"/api/v1/message/latest/part/0", "gzip", false}, {"/api/v1/message/nobody", "gzip", false},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", c.accept)
		reply, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := reply.Header.Get("Content-Encoding") == "gzip"; got != c.zipped || reply.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s for %s: %q", c.path, c.accept, reply.Header)
		}
		if c.path == "/api/v1/messages" && c.zipped {
			z, err := gzip.NewReader(reply.Body)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(z); err != nil || string(text) != whole {
				t.Errorf("%d bytes unpacked, want %d: %v", len(text), len(whole), err)
			}
		}
		if strings.HasSuffix(c.path, "nobody") && reply.StatusCode != 404 {
			t.Errorf("%s: %s", c.path, reply.Status)
		}
		reply.Body.Close()
	}
}
