package smtpd_test

import (
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/smtpd"
)

func sample(boxes ...string) smtpd.Message {
	return smtpd.Message{From: "a@b.example", Recipients: []smtpd.Recipient{{Address: "x@y.example", Mailboxes: boxes}},
		Body: []byte("Subject: x\r\n\r\nFrom here\r\n>From there\r\n\xff\x00\r\n")}
}

func TestAMaildirHoldsTheBytesThatWereSent(t *testing.T) {
	d := &smtpd.Maildir{Dir: t.TempDir()}
	for range 3 {
		if err := d.Deliver(sample("anna", "/srv/mail/bea", "..")); err != nil {
			t.Fatal(err)
		}
	}
	for _, box := range []string{"anna", "%2Fsrv%2Fmail%2Fbea", "%2E."} {
		files, _ := filepath.Glob(filepath.Join(d.Dir, box, "new", "*"))
		if len(files) != 3 {
			t.Fatalf("%s has %d messages", box, len(files))
		}
		content, err := os.ReadFile(files[0])
		if err != nil || string(content) != string(sample().Body) {
			t.Errorf("%s holds %q (%v)", box, content, err)
		}
	}
}

func TestAMaildirKeepsNothingOfAMessageThatFails(t *testing.T) {
	d := &smtpd.Maildir{Dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(d.Dir, "bea"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Deliver(sample("anna", "bea")); err == nil {
		t.Fatal("a file in the place of a Maildir is no error")
	}
	if files, _ := filepath.Glob(filepath.Join(d.Dir, "anna", "*", "*")); len(files) > 0 {
		t.Errorf("left behind is %q", files)
	}
}

func TestAnMboxQuotesFromLines(t *testing.T) {
	b := &smtpd.Mbox{Dir: filepath.Join(t.TempDir(), "mail")}
	for range 2 {
		if err := b.Deliver(sample("anna")); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(filepath.Join(b.Dir, "anna"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count("\n"+string(content), "\nFrom a@b.example "); n != 2 {
		t.Errorf("%d messages are in it", n)
	}
	if want := "\nSubject: x\n\n>From here\n>>From there\n\xff\x00\n\n"; !strings.Contains(string(content), want) {
		t.Errorf("the mbox is %q", content)
	}
}

func TestFailureRules(t *testing.T) {
	store := &smtpd.Memory{}
	addr := serve(t, smtpd.Config{Host: "mx1.example.net", Router: testRouter{}, Store: store, Failures: failures(t,
		"RCPT *anna@* x1 451 4.3.0 try later", "DATA * x1 delay 1ms", "MAIL *drop@* drop", ". a@* x1 452 4.3.1 full")})
	send := func(from string) error {
		return smtp.SendMail(addr, nil, from, []string{"anna@here.example"}, []byte("x\r\n"))
	}
	for i, want := range []string{`451 "4.3.0 try later"`, `452 "4.3.1 full"`, "<nil>"} {
		if err := send("a@b.example"); fmt.Sprint(err) != want {
			t.Errorf("message %d: %v, want %s", i+1, err, want)
		}
	}
	if err := send("drop@b.example"); err == nil {
		t.Error("a dropped session is no error")
	}
	if n := len(store.Messages()); n != 1 {
		t.Errorf("%d messages are stored", n)
	}
}

// TestAReplyOf421EndsTheSession at every command (RFC 5321 section 3.8), also when
// the client has sent more commands without waiting.
func TestAReplyOf421EndsTheSession(t *testing.T) {
	const message = "MAIL FROM:<a@b.example>\r\nRCPT TO:<anna@here.example>\r\nRCPT TO:<bea@here.example>\r\nDATA\r\nx\r\n.\r\n"
	for _, test := range []struct {
		rule, hello, want string
		lmtp              bool
	}{
		{"EHLO * 421 4.3.0 bye", "EHLO c", "220 421", false},
		{"MAIL * 421 4.3.0 bye", "HELO c", "220 250 421", false},
		{"RCPT * 421 4.3.0 bye", "HELO c", "220 250 250 421", false},
		{"DATA * 421 4.3.0 bye", "HELO c", "220 250 250 250 250 421", false},
		{". * 421 4.3.0 bye", "HELO c", "220 250 250 250 250 354 421", false},
		{". * 421", "LHLO c", "220 250 250 250 250 354 421 421", true},
		{". * 452 4.3.1 full", "HELO c", "220 250 250 250 250 354 452 250 221", false},
		{"NOOP * 421 4.3.0 bye", "HELO c", "220 250 250 250 250 354 250 421", false},
	} {
		store := &smtpd.Memory{}
		addr := serve(t, smtpd.Config{Host: "mx1.example.net", Router: testRouter{}, Store: store, Failures: failures(t, test.rule), LMTP: test.lmtp})
		conn, err := net.DialTimeout("tcp", addr, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		if _, err := io.WriteString(conn, test.hello+"\r\n"+message+"NOOP\r\nQUIT\r\n"); err != nil {
			t.Fatal(err)
		}
		replies, err := io.ReadAll(conn)
		var codes []string
		for line := range strings.Lines(string(replies)) {
			if line[3] != '-' {
				codes = append(codes, strings.TrimSpace(line[:4]))
			}
		}
		if got := strings.Join(codes, " "); got != test.want || err != nil {
			t.Errorf("with %q the server says %s (%v), want %s", test.rule, got, err, test.want)
		}
		stored := strings.HasPrefix(test.rule, "NOOP")
		if n := len(store.Messages()); (n > 0) != stored {
			t.Errorf("with %q %d messages are stored", test.rule, n)
		}
	}
}

func TestADelayEndsAtShutdown(t *testing.T) {
	addr := serve(t, smtpd.Config{Host: "mx1.example.net", Router: testRouter{}, Store: &smtpd.Memory{}, Failures: failures(t, "NOOP * delay 1h", "NOOP x 550 never")})
	conn, err := net.DialTimeout("tcp", addr, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write([]byte("NOOP\r\n")); err != nil {
		t.Fatal(err)
	} // the cleanup of serve waits for the session
}

func failures(t *testing.T, rules ...string) (all []*smtpd.Failure) {
	t.Helper()
	for _, rule := range rules {
		f, err := smtpd.ParseFailure(rule)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

func TestParseFailureErrors(t *testing.T) {
	for rule, want := range map[string]string{
		"RCPT":                 "write COMMAND PATTERN",
		"RCPT [ drop":          "is no pattern",
		"RCPT * x2":            "is followed by what happens",
		"RCPT * delay soon":    "is no time",
		"RCPT * 250 2.0.0 yes": "no reply code between 400 and 599",
		"RCPT * +421 bye":      "no reply code between 400 and 599",
	} {
		if _, err := smtpd.ParseFailure(rule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", rule, err, want)
		}
	}
}
