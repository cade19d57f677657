package smtpd_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/smtpd"
	"virtmap/internal/workshop/peer"
)

// bodies are messages that some servers change.
var bodies = map[string]string{
	"dots":       "Subject: dots\r\n\r\n.\r\n..\r\n.dot\r\n...\r\n . \r\n",
	"eight bits": "Subject: \u20acuro\r\n\r\n\xff\xfe latin \xe9\r\n\u4f60\u597d\r\n",
	"long lines": "Subject: long\r\n\r\n" + strings.Repeat("x", 998) + "\r\n" + strings.Repeat("y", 20_000) + "\r\n" + strings.Repeat(".", 5000) + "\r\n",
	"nothing":    "",
	"only ends":  "\r\n\r\n\r\n",
	"From lines": "Subject: from\r\n\r\nFrom me\r\n>From you\r\nEHLO x\r\nQUIT\r\n",
}

// A letterbox is a receiver with Maildirs that a test reads.
type letterbox struct {
	addr string
	host string
	port string
	pem  []byte
	mail string // the folder of the Maildirs
}

// TestRealClients has real programs send every body. The Maildirs have each body
// once, byte for byte.
func TestRealClients(t *testing.T) {
	for _, client := range []struct {
		name string
		send func(t *testing.T, b *letterbox, body string)
	}{
		{"net/smtp", func(t *testing.T, b *letterbox, body string) { sendGo(t, b, body, false) }},
		{"net/smtp over TLS", func(t *testing.T, b *letterbox, body string) { sendGo(t, b, body, true) }},
		{"swaks", func(t *testing.T, b *letterbox, body string) { sendSwaks(t, b, body) }},
		{"swaks over TLS", func(t *testing.T, b *letterbox, body string) { sendSwaks(t, b, body, "--tls") }},
		{"swaks, pipelined", func(t *testing.T, b *letterbox, body string) { sendSwaks(t, b, body, "--pipeline") }},
		{"swaks, LMTP", func(t *testing.T, b *letterbox, body string) { sendSwaks(t, b, body, "--protocol", "LMTP") }},
		{"smtplib", func(t *testing.T, b *letterbox, body string) { sendPython(t, b, body, "") }},
		{"smtplib over TLS", func(t *testing.T, b *letterbox, body string) { sendPython(t, b, body, "tls") }},
	} {
		t.Run(client.name, func(t *testing.T) {
			for name, body := range bodies {
				if strings.HasPrefix(client.name, "swaks") && strings.Trim(body, "\r\n") == "" {
					continue // swaks adds text to an empty message
				}
				b := newLetterbox(t, strings.Contains(client.name, "LMTP"))
				client.send(t, b, body)
				if body == "" {
					body = "\r\n" // the other two clients send this for an empty message
				}
				for _, box := range []string{"anna", "bea"} {
					if kept := b.kept(t, box); len(kept) != 1 || kept[0] != body {
						t.Errorf("%s: %s has %.300q", name, box, kept)
					}
				}
			}
		})
	}
}

func newLetterbox(t *testing.T, lmtp bool) *letterbox {
	t.Helper()
	secure, pem, err := smtpd.SelfSigned("localhost")
	if err != nil {
		t.Fatal(err)
	}
	b := &letterbox{pem: pem, mail: t.TempDir()}
	b.addr = serve(t, smtpd.Config{Host: "mx1.example.net", Router: testRouter{}, Store: &smtpd.Maildir{Dir: b.mail}, TLS: secure, LMTP: lmtp})
	b.host, b.port, _ = net.SplitHostPort(b.addr)
	return b
}

// kept returns the messages of a mailbox.
func (b *letterbox) kept(t *testing.T, box string) (all []string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(b.mail, box, "new", "*"))
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(content))
	}
	if left, _ := filepath.Glob(filepath.Join(b.mail, box, "tmp", "*")); len(left) > 0 {
		t.Errorf("%s has half a message: %q", box, left)
	}
	return all
}

const sender, recipient = "ann@elsewhere.example", "list@here.example"

func sendGo(t *testing.T, b *letterbox, body string, secure bool) {
	t.Helper()
	c, err := smtp.Dial(b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if secure {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(b.pem)
		if err := c.StartTLS(&tls.Config{ServerName: "localhost", RootCAs: roots}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Mail(sender); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt(recipient); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Quit(); err != nil {
		t.Fatal(err)
	}
}

func sendSwaks(t *testing.T, b *letterbox, body string, options ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "body")
	body = strings.TrimSuffix(body, "\r\n") // swaks adds the end of the last line
	if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
	peer.Run(t, "", "swaks", append(options, "-s", b.host, "-p", b.port, "--from", sender, "--to", recipient, "--data", "@"+file)...)
}

// smtplibClient sends standard input as Python's smtplib does.
const smtplibClient = `
import smtplib, ssl, sys
host, port, sender, recipient, secure = sys.argv[1:6]
with smtplib.SMTP(host, int(port)) as s:
    if secure:
        s.starttls(context=ssl._create_unverified_context())
    s.sendmail(sender, [recipient], sys.stdin.buffer.read(), mail_options=["BODY=8BITMIME"])
`

func sendPython(t *testing.T, b *letterbox, body, secure string) {
	t.Helper()
	peer.Run(t, body, "python3", "-c", smtplibClient, b.host, b.port, sender, recipient, secure)
}

// TestSmtpSource has Postfix's smtp-source send many messages. Each is stored
// once, with all its bytes.
func TestSmtpSource(t *testing.T) {
	command := peer.Postfix(t, "smtp-source")
	const messages, size = 300, 3500
	for _, options := range [][]string{{"-s", "1"}, {"-s", "4"}, {"-s", "4", "-d"}, {"-s", "10", "-L"}} {
		lmtp := options[len(options)-1] == "-L"
		b := newLetterbox(t, lmtp)
		args := append(command[1:], options...)
		args = append(args, "-l", fmt.Sprint(size), "-m", fmt.Sprint(messages), "-f", sender, "-t", recipient, b.addr)
		if out, errOut, err := peer.Try("", command[0], args...); err != nil {
			t.Fatalf("%v: %v %s%s", options, err, out, errOut)
		}
		ids := map[string]int{}
		for _, message := range b.kept(t, "anna") {
			_, rest, _ := strings.Cut(message, "Message-Id: ")
			id, _, _ := strings.Cut(rest, "\r\n")
			ids[id]++
			if _, text, _ := strings.Cut(message, "\r\n\r\n"); len(strings.Trim(text, "X0123456789\r\n")) > 0 || len(message) < size {
				t.Fatalf("%v: a message is %.200q", options, message)
			}
		}
		if len(ids) != messages {
			t.Errorf("%v: %d messages of %d are stored", options, len(ids), messages)
		}
	}
}
