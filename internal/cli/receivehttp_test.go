package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

func getJSON(t *testing.T, url string, value any) {
	t.Helper()
	reply, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != 200 || json.Unmarshal(text, value) != nil {
		t.Fatalf("%s: %s, %s, %v", url, reply.Status, text, err)
	}
}

func TestReceiveShowsMessages(t *testing.T) {
	file, dir := built(t, receiveInventory)
	r := startReceive(t, "--maps", dir, "-i", file, "--http", "localhost:0", "--fault", "RCPT *busy@* 451 4.3.0 later")
	url := r.page
	if got := r.send("all@a.example"); got != "250" {
		t.Fatal(got)
	}
	for _, no := range []string{"old@a.example", "busy@a.example"} {
		if got := r.send(no); got == "250" {
			t.Errorf("%s is accepted", no)
		}
	}
	var e struct {
		Recipients []struct {
			Mailboxes []string
			Trace     []stepJSON
		}
	}
	getJSON(t, url+"/api/virtmap/v1/message/latest", &e)
	if len(e.Recipients) != 1 || !slices.Equal(e.Recipients[0].Mailboxes, []string{"andrei", "bea"}) || len(e.Recipients[0].Trace) < 2 || !e.Recipients[0].Trace[0].Hit {
		t.Errorf("the recipients are %+v", e.Recipients)
	}
	var refused []struct {
		Address, Reply, From string
		Trace                []stepJSON
	}
	getJSON(t, url+"/api/virtmap/v1/refused", &refused)
	if len(refused) != 2 || refused[0].Address != "busy@a.example" || refused[0].Reply != "451 4.3.0 later" || refused[1].Reply != "550 5.1.1 <old@a.example>... Gone" ||
		refused[1].From != "ann@elsewhere.example" || len(refused[1].Trace) == 0 {
		t.Errorf("refused are %+v", refused)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil { // this machine has IPv6
		l.Close()
		var list struct{ Total int }
		if getJSON(t, "http://[::1]:"+port+"/api/v1/messages", &list); list.Total != 1 {
			t.Errorf("at ::1 there are %d messages", list.Total)
		}
	}
	sent, err := http.Post(url+"/api/v1/send", "application/json", strings.NewReader(`{"From":{"Email":"ann@b.example"},"To":[{"Email":"all@a.example"},{"Email":"old@a.example"}],"Text":"x"}`))
	if err != nil || sent.StatusCode != 200 {
		t.Fatalf("%v, %v", sent, err)
	}
	sent.Body.Close()
	e.Recipients = nil
	getJSON(t, url+"/api/virtmap/v1/message/latest", &e)
	if len(e.Recipients) != 1 || !slices.Equal(e.Recipients[0].Mailboxes, []string{"andrei", "bea"}) {
		t.Errorf("of a message that was sent by the interface: %+v", e.Recipients)
	}
	if code := r.stop(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("it still answers after its end")
	}
}

func TestReceiveShowsMessagesOnlyToThisMachine(t *testing.T) {
	file, dir := built(t, receiveInventory)
	for _, c := range []struct {
		http string
		code int
		says string
	}{
		{"0.0.0.0:8025", exitRefused, "write --http 127.0.0.1:8025"},
		{":8025", exitRefused, "write --http 127.0.0.1:8025"},
		{"[::]:8025", exitRefused, "ssh -L 8025:127.0.0.1:8025"},
		{"192.0.2.1:8025", exitRefused, "no access control"},
		{"mail.example:8025", exitRefused, "write --http 127.0.0.1:8025"},
		{"8025", exitUsage, "write ADDRESS:PORT, such as 127.0.0.1:8025"},
		{"localhost", exitUsage, "write ADDRESS:PORT"},
		{"", exitUsage, "--http"},
	} {
		var said bytes.Buffer
		args := []string{"virtmap", "receive", "--maps", dir, "-i", file, "--within", "1s", "--listen", "127.0.0.1:0", "--listen-public", "--http", c.http}
		if code := Run(t.Context(), args, Stdio{In: strings.NewReader(""), Out: &said, Err: &said}); code != c.code || !strings.Contains(said.String(), c.says) {
			t.Errorf("--http %q: ends with %d (want %d) and says %q, want %q", c.http, code, c.code, said.String(), c.says)
		}
	}
}

// mailpitScript calls everything that the npm package mailpit-api can ask of us. It prints
// one line of JSON with the results.
const mailpitScript = `
const { MailpitClient } = require(process.argv[2]);
(async () => {
	const c = new MailpitClient(process.argv[3]), out = {};
	const m = await c.waitForMessage({ query: 'to:all@a.example subject:"swaks says"' }, { timeout: 10000 });
	out.subject = m.Subject; out.bcc = m.Bcc.map(a => a.Address); out.text = m.Text.trim(); out.files = m.Attachments.map(a => a.FileName);
	out.raw = (await c.getMessageSource(m.ID)).includes('Subject: swaks says'); out.headers = (await c.getMessageHeaders(m.ID)).Subject;
	out.part = await (await c.getMessageAttachment(m.ID, m.Attachments[0].PartID)).text();
	out.list = (await c.listMessages()).messages.map(a => a.ID === m.ID && a.Read); out.found = (await c.searchMessages({ query: 'from:ann' })).messages_count;
	out.info = (await c.getInfo()).Messages; out.relay = (await c.getConfiguration()).MessageRelay.Enabled;
	out.done = [await c.setReadStatus({ IDs: [m.ID], Read: false }), await c.setTags({ IDs: [m.ID], Tags: ['seen'] }), await c.renameTag('seen', 'done')];
	out.tags = await c.getTags(); out.rendered = (await c.renderMessageText(m.ID)).trim();
	out.none = await c.deleteMessagesBySearch({ query: 'to:nobody' });
	out.deleted = [await c.deleteTag('done'), await c.deleteMessages({ IDs: [m.ID] }), await c.deleteMessages()];
	out.left = (await c.waitForMessages({ count: 0 })).total;
	console.log(JSON.stringify(out));
})().catch(e => { console.error(e); process.exit(1); });
`

// TestReceiveServesTheClientOfMailpit runs the real client. VIRTMAP_MAILPIT_API names the
// folder of the package, such as /srv/node_modules/mailpit-api; npm install makes it.
func TestReceiveServesTheClientOfMailpit(t *testing.T) {
	folder := os.Getenv("VIRTMAP_MAILPIT_API")
	if folder == "" {
		t.Skip("VIRTMAP_MAILPIT_API does not name a folder of the npm package mailpit-api")
	}
	node, swaks := peer.Find(t, "node"), peer.Find(t, "swaks")
	file, dir := built(t, receiveInventory)
	r := startReceive(t, "--maps", dir, "-i", file, "--http", "127.0.0.1:0")
	if out, _, err := peer.Try("", swaks, "--server", r.addr, "--from", "ann@elsewhere.example", "--to", "all@a.example,fake@a.example", "--h-To", "all@a.example",
		"--h-Subject", "swaks says", "--body", "Hallo", "--attach-name", "a.csv", "--attach-type", "text/csv", "--attach", "one;two"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, errOut, err := peer.Try(mailpitScript, node, "-", folder, r.page)
	const want = `{"subject":"swaks says","bcc":["fake@a.example"],"text":"Hallo","files":["a.csv"],"raw":true,"headers":["swaks says"],"part":"one;two","list":[true],"found":1,` +
		`"info":1,"relay":false,"done":["ok","ok","ok"],"tags":["done"],"rendered":"Hallo","none":"ok","deleted":["ok","ok","ok"],"left":0}` + "\n"
	if err != nil || got != want {
		t.Errorf("the client has\n%s and not\n%s%s (%v)", got, want, errOut, err)
	}
}
