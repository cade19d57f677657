package webmail_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
	"virtmap/internal/webmail"
)

// A site is a server with its box.
type site struct {
	*testing.T
	box *webmail.Box
	url string
}

func newSite(t *testing.T) *site {
	t.Helper()
	box := webmail.NewBox(func(address string) ([]outcome.Step, error) {
		return []outcome.Step{{Table: "table", Key: address, Value: "anna", Hit: true}}, nil
	})
	return siteOf(t, box)
}

func siteOf(t *testing.T, box *webmail.Box) *site {
	server := httptest.NewServer(webmail.New(box, "test"))
	t.Cleanup(func() {
		server.CloseClientConnections() // also of calls that wait
		server.Close()
	})
	return &site{t, box, server.URL}
}

// into decodes a reply.
func (s *site) into(text string, value any) {
	s.Helper()
	if err := json.Unmarshal([]byte(text), value); err != nil {
		s.Fatalf("%v in %s", err, text)
	}
}

// order is a message as a shop sends it.
const order = `From: =?utf-8?q?Shop_=C3=89mile?= <orders@shop.example>
To: Anna <anna+billing@a.example>
Subject: Rechnung 4711
Date: Fri, 27 Nov 2026 12:00:00 +0200
Message-ID: <m1@shop.example>
List-Unsubscribe: <mailto:off@shop.example>
Content-Type: multipart/mixed; boundary=o

--o
Content-Type: multipart/related; boundary=i

--i
Content-Type: text/html

<p>Hallo <b>Welt</b></p><img src="cid:logo"><link rel=preconnect href=http://evil.example>
--i
Content-Type: image/png
Content-ID: <logo>
Content-Transfer-Encoding: base64

UE5H
--i--
--o
Content-Type: text/html; name=bill.html
Content-Disposition: attachment; filename="bill.html"

<script>x</script>
--o--
`

// deliver keeps a message for recipients that end at andrei.
func (s *site) deliver(raw string, to ...string) {
	s.Helper()
	m := smtpd.Message{Client: "127.0.0.1:1", Helo: "client.example", From: "bounce@shop.example", Body: []byte(strings.ReplaceAll(raw, "\n", "\r\n"))}
	for _, address := range to {
		m.Recipients = append(m.Recipients, smtpd.Recipient{Address: address, Mailboxes: []string{"andrei"}})
	}
	m.Refused = []smtpd.Refusal{{Address: "old@a.example", Reply: "550 5.1.1 Gone"}}
	if err := s.box.Deliver(m); err != nil {
		s.Error(err)
	}
}

// ask sends a request, and returns the reply with its body. A reply that does not come is an
// error of the test, with status 0.
func (s *site) ask(method, path, body string, headers ...string) (*http.Response, string) {
	s.Helper()
	r := httptest.NewRequest(method, s.url+path, strings.NewReader(body))
	r.RequestURI = ""
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	client := http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	reply, err := client.Do(r)
	if err != nil {
		s.Error(err)
		return &http.Response{}, ""
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		s.Error(err)
	}
	return reply, string(text)
}

// get returns the body of a reply with status 200.
func (s *site) get(path string) string {
	s.Helper()
	reply, body := s.ask("GET", path, "")
	if reply.StatusCode != 200 {
		s.Fatalf("GET %s: %s, %s", path, reply.Status, body)
	}
	return body
}

// The shapes of the interface, as clients of Mailpit know them.
type (
	anAddress struct{ Name, Address string }
	aSummary  struct {
		ID, MessageID        string
		Read                 bool
		From                 anAddress
		To, Cc, Bcc, ReplyTo []anAddress
		Subject              string
		Created              time.Time
		Username             string
		Tags                 []string
		Size, Attachments    int
		Snippet              string
	}
	aList struct {
		Total          int        `json:"total"`
		Unread         int        `json:"unread"`
		Count          int        `json:"count"`
		MessagesCount  int        `json:"messages_count"`
		MessagesUnread int        `json:"messages_unread"`
		Start          int        `json:"start"`
		Tags           []string   `json:"tags"`
		Messages       []aSummary `json:"messages"`
	}
	aPart struct {
		PartID, FileName, ContentType, ContentID string
		Size                                     int
		Checksums                                struct{ MD5, SHA1, SHA256 string }
	}
	aMessage struct {
		ID, MessageID        string
		From                 anAddress
		To, Cc, Bcc, ReplyTo []anAddress
		ReturnPath, Subject  string
		ListUnsubscribe      struct {
			Header             string
			Links              []string
			Errors, HeaderPost string
		}
		Date                 time.Time
		Tags                 []string
		Username, Text, HTML string
		Size                 int
		Inline, Attachments  []aPart
	}
	anInfo struct {
		Version, LatestVersion, Database string
		DatabaseSize, Messages, Unread   int
		Tags                             map[string]int
		RuntimeStats                     struct {
			Uptime, Memory, MessagesDeleted, SMTPAccepted, SMTPAcceptedSize, SMTPRejected, SMTPIgnored int
		}
	}
)

// decode reads a reply that has the keys of a shape and no others, and no null.
func decode[T any](s *site, text string) (value T) {
	s.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&value); err != nil {
		s.Fatalf("%v in %s", err, text)
	}
	again, _ := json.Marshal(value)
	var got, want any
	if json.Unmarshal([]byte(text), &got) != nil || json.Unmarshal(again, &want) != nil {
		s.Fatalf("no JSON: %s", text)
	}
	if a, b := keys("", got), keys("", want); !slices.Equal(a, b) {
		s.Errorf("the keys are\n%q and not\n%q", a, b)
	}
	if strings.Contains(text, ":null") {
		s.Errorf("null in %s", text)
	}
	return value
}

// keys returns the keys of a JSON value, sorted, with capitals as they are.
func keys(at string, value any) (all []string) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			all = append(append(all, at+key), keys(at+key+".", inner)...)
		}
	case []any:
		for _, inner := range v {
			all = append(all, keys(at+"[].", inner)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestListHasMailpitsShape(t *testing.T) {
	s := newSite(t)
	if got := decode[aList](s, s.get("/api/v1/messages")); got.Messages == nil || got.Total != 0 {
		t.Errorf("an empty box is %+v", got)
	}
	s.deliver(order, "anna+billing@a.example", "hidden@a.example")
	s.deliver("Subject: second\n\nx", "bea@a.example")
	list := decode[aList](s, s.get("/api/v1/messages"))
	if list.Total != 2 || list.Unread != 2 || list.Count != 2 || list.MessagesCount != 2 || list.Messages[0].Subject != "second" || !slices.Equal(list.Tags, []string{"billing"}) {
		t.Fatalf("the list is %+v", list)
	}
	m := list.Messages[1]
	if m.MessageID != "m1@shop.example" || m.From != (anAddress{"Shop Émile", "orders@shop.example"}) || m.To[0] != (anAddress{"Anna", "anna+billing@a.example"}) ||
		!slices.Equal(m.Bcc, []anAddress{{"", "hidden@a.example"}}) || m.Attachments != 1 || m.Snippet != "Hallo Welt" || m.Size != len(strings.ReplaceAll(order, "\n", "\r\n")) || len(m.ID) != 22 {
		t.Errorf("the message is %+v", m)
	}
	for path, want := range map[string]int{"?limit=1": 1, "?start=1": 1, "?limit=0&start=1": 2, "?limit=-1&start=x": 2, "?start=9": 0, "?before=2000-01-01": 0} {
		if got := decode[aList](s, s.get("/api/v1/messages"+path)); got.Count != want || len(got.Messages) != want {
			t.Errorf("%s gives %d messages, want %d", path, got.Count, want)
		}
	}
}

func TestMessageHasMailpitsShape(t *testing.T) {
	s := newSite(t)
	s.deliver(order, "anna+billing@a.example")
	m := decode[aMessage](s, s.get("/api/v1/message/latest"))
	if m.Subject != "Rechnung 4711" || m.ReturnPath != "bounce@shop.example" || m.Text != "Hallo Welt" || !strings.Contains(m.HTML, "<b>Welt</b>") ||
		m.Date.Format(time.RFC3339) != "2026-11-27T12:00:00+02:00" || m.ListUnsubscribe.Links[0] != "mailto:off@shop.example" {
		t.Errorf("the message is %+v", m)
	}
	if in := m.Inline[0]; in.PartID != "1.2" || in.FileName != "logo" || in.ContentID != "logo" || in.Size != 3 || in.Checksums.MD5 != "55505ba281b015ec31f03ccb151b2a34" {
		t.Errorf("inline is %+v", in)
	}
	if a := m.Attachments[0]; a.PartID != "2" || a.FileName != "bill.html" || a.ContentType != "text/html" {
		t.Errorf("the attachment is %+v", a)
	}
	if again := decode[aList](s, s.get("/api/v1/search?query=is:read")); again.Count != 1 {
		t.Error("a message that was asked for is not read")
	}
	if raw := s.get("/api/v1/message/" + m.ID + "/raw"); raw != strings.ReplaceAll(order, "\n", "\r\n") {
		t.Errorf("raw is %q", raw)
	}
	if headers := decode[map[string][]string](s, s.get("/api/v1/message/latest/headers")); headers["From"][0] != "=?utf-8?q?Shop_=C3=89mile?= <orders@shop.example>" || len(headers) != 7 {
		t.Errorf("the headers are %q", headers)
	}
	reply, body := s.ask("GET", "/api/v1/message/latest/part/1.2", "")
	if body != "PNG" || reply.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the image is %q, %q", body, reply.Header)
	}
	info := decode[anInfo](s, s.get("/api/v1/info"))
	if info.Messages != 1 || info.LatestVersion != "disabled" || info.Tags["billing"] != 1 || info.RuntimeStats.SMTPAccepted != 1 {
		t.Errorf("the info is %+v", info)
	}
	for path, want := range map[string]string{
		"/api/v1/message/nobody": "404 page not found\n", "/api/v1/message/latest?query=nothing": "Message not found\n", "/api/v1/message/latest/part/9": "404 page not found\n",
		"/api/v1/nothing": "404 page not found\n", "/api/v1/message/..%2f..%2fetc/raw": "404 page not found\n",
	} {
		if reply, body := s.ask("GET", path, ""); reply.StatusCode != 404 || body != want {
			t.Errorf("%s is answered %s, %q", path, reply.Status, body)
		}
	}
}

func TestSearchKnowsMailpitsWords(t *testing.T) {
	s := newSite(t)
	s.deliver(order, "anna+billing@a.example", "hidden@a.example")
	s.deliver("From: bea@b.example\nSubject: 100% second\n\nonly text", "bea@a.example")
	for query, want := range map[string]int{
		"to:anna": 1, "to:Anna from:émile": 1, "-to:anna": 1, "!to:anna": 1, "to:anna to:bea": 0, "bcc:hidden": 1, "addressed:hidden": 1, "reply-to:x": 0, "subject:rechnung": 1,
		`subject:"Rechnung 4711"`: 1, `"rechnung 4711"`: 1, "message-id:m1@": 1, "tag:billing": 1, "tag:bill": 0, "is:unread": 2, "is:read": 0, "is:tagged": 1, "has:attachment": 1,
		"has:inline": 1, "after:2020-01-01": 2, "before:2020-01-01": 0, "after:bogus": 2, "from:": 2, "larger:1k": 0, "larger:500": 1, "smaller:500": 1, "100%": 1, "%": 1, "_": 0,
		"body:x": 0, "welt": 1, "bill.html": 1, "only text": 1, "rcpt:hidden": 1, "ends:andrei": 2, "ends:andre": 0, "refused:old@": 2, `"open quote`: 0, "-": 0,
	} {
		path := "/api/v1/search?query=" + strings.NewReplacer("%", "%25", " ", "%20", `"`, "%22").Replace(query)
		if got := decode[aList](s, s.get(path)); got.MessagesCount != want || got.Total != 2 {
			t.Errorf("%s finds %d, want %d", query, got.MessagesCount, want)
		}
	}
	if reply, _ := s.ask("GET", "/api/v1/search", ""); reply.StatusCode != 400 {
		t.Errorf("without a query: %s", reply.Status)
	}
}

func TestChangesMessages(t *testing.T) {
	s := newSite(t)
	for range 3 {
		s.deliver(order, "anna@a.example")
	}
	ids := decode[aList](s, s.get("/api/v1/messages"))
	first, second := ids.Messages[0].ID, ids.Messages[1].ID
	count := func(query string) int { return decode[aList](s, s.get("/api/v1/search?query="+query)).MessagesCount }
	for _, step := range []struct {
		method, path, body string
		status             int
		query              string
		want               int
	}{
		{"PUT", "/api/v1/messages", `{"Read":true,"IDs":["` + first + `","nobody"]}`, 200, "is:read", 1},
		{"PUT", "/api/v1/messages", `{"Read":true,"Search":"to:anna"}`, 200, "is:read", 3},
		{"PUT", "/api/v1/messages", `{}`, 200, "is:unread", 3},
		{"PUT", "/api/v1/messages", `{"Read":true,"IDs":["x"],"Search":"x"}`, 400, "is:unread", 3},
		{"PUT", "/api/v1/messages", ``, 400, "is:unread", 3},
		{"PUT", "/api/v1/tags", `{"IDs":["` + first + `"],"Tags":["z!","A b"]}`, 200, "tag:z", 1},
		{"PUT", "/api/v1/tags/z", `{"Name":"y"}`, 200, "tag:y", 1},
		{"PUT", "/api/v1/tags/z", `{"Name":"y"}`, 400, "tag:y", 1},
		{"DELETE", "/api/v1/tags/y", ``, 200, "tag:y", 0},
		{"DELETE", "/api/v1/messages", `{"IDs":["` + first + `"]}`, 200, "to:anna", 2},
		{"DELETE", "/api/v1/messages", `{"IDs":["` + first + `"]}`, 200, "to:anna", 2},
		{"DELETE", "/api/v1/messages", `{"IDs":`, 400, "to:anna", 2},
		{"DELETE", "/api/v1/search?query=to:nobody", ``, 200, "to:anna", 2},
		{"DELETE", "/api/v1/search", ``, 400, "to:anna", 2},
		{"POST", "/api/v1/messages", ``, 405, "to:anna", 2},
		{"OPTIONS", "/api/v1/messages", ``, 200, "to:anna", 2},
		{"HEAD", "/api/v1/message/" + second, ``, 200, "is:unread", 2},
		{"DELETE", "/api/v1/messages", ``, 200, "to:anna", 0},
	} {
		reply, body := s.ask(step.method, step.path, step.body)
		if reply.StatusCode != step.status || count(step.query) != step.want || step.status == 200 && body != "ok" && strings.Contains("PUT DELETE", step.method) {
			t.Errorf("%s %s %s: %s %q, and %s finds %d", step.method, step.path, step.body, reply.Status, body, step.query, count(step.query))
		}
	}
}
