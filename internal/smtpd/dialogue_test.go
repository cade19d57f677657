package smtpd_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"virtmap/internal/smtpd"
)

// testRouter accepts a few recipients at here.example.
type testRouter struct{}

func (testRouter) Route(recipient string) smtpd.Answer {
	if strings.EqualFold(recipient, "postmaster") {
		return smtpd.Answer{Taken: true, Mailboxes: []string{"postmaster"}}
	}
	at := strings.LastIndexByte(recipient, '@')
	if !strings.EqualFold(recipient[at+1:], "here.example") {
		return smtpd.Answer{Code: 550, Status: "5.7.1", Text: "Relaying denied"}
	}
	local := strings.ToLower(recipient[:at])
	switch local {
	case "anna", "bea":
		return smtpd.Answer{Taken: true, Mailboxes: []string{local}}
	case "list":
		return smtpd.Answer{Taken: true, Mailboxes: []string{"anna", "bea"}}
	case "later":
		return smtpd.Answer{Code: 450, Status: "4.2.1", Text: "Mailbox is being moved"}
	case "damaged":
		return smtpd.Answer{Code: 451, Status: "4.3.0", Text: "map is damaged"}
	case `"quoted user"`, `"a@b"`:
		return smtpd.Answer{Taken: true, Mailboxes: []string{strings.Trim(local, `"`)}}
	}
	return smtpd.Answer{Code: 550, Status: "5.1.1", Text: "User unknown"}
}

// testSenders lets anna send from her address, and everybody send bounces.
type testSenders struct{}

func (testSenders) Sends(user, from string) smtpd.Answer {
	if from == "" || user == "anna" && strings.EqualFold(from, "anna@here.example") {
		return smtpd.Answer{Taken: true}
	}
	return smtpd.Answer{Code: 553, Status: "5.7.1", Text: "not yours"}
}

// TestDialogues plays the dialogues of testdata/smtp over a socket:
//
//	== name              begins a dialogue
//	option KEY VALUE     sets an option of the receiver
//	< 250 2.1.0 ...      expects a reply line; ... stands for any rest
//	<* 250               expects a whole reply of one or more lines
//	> TEXT               sends the text and CRLF
//	>> "bytes"           sends the bytes as they are
//	slowly "bytes"       sends byte by byte
//	shut                 closes the client's side of the connection
//	<$                   expects that the server closes the connection
//	stored N, message N "bytes", envelope N <from> -> mailbox, mailbox
//	starttls             begins TLS
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("../../testdata/smtp/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split("\n"+string(text), "\n== ")[1:] {
			name, lines, _ := strings.Cut(part, "\n")
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+name, func(t *testing.T) {
				t.Parallel()
				playDialogue(t, strings.Split(lines, "\n"))
			})
		}
	}
}

// A player is the client of a dialogue.
type player struct {
	conn  net.Conn
	in    *bufio.Reader
	store *smtpd.Memory
	clock *clock // of the server, in a dialogue with a timeout option; otherwise nil
}

func playDialogue(t *testing.T, lines []string) {
	config := smtpd.Config{Host: "mx1.example.net", Router: testRouter{}}
	config.TLS, _, _ = smtpd.SelfSigned(config.Host)
	for _, line := range lines {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "option" {
			setOption(t, &config, words[1:])
		}
	}
	p := &player{store: &smtpd.Memory{}}
	config.Store = p.store
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config.ReadTimeout+config.SessionTimeout > 0 {
		p.clock = &clock{Listener: listener}
		listener = p.clock
	}
	serveOn(t, config, listener)
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p.conn, p.in = conn, bufio.NewReader(conn)
	for i, line := range lines {
		if line = strings.TrimRight(line, "\r"); line == "" || line[0] == '#' || strings.HasPrefix(line, "option ") {
			continue
		}
		_ = p.conn.SetDeadline(time.Now().Add(time.Minute))
		if err := p.play(line); err != nil {
			t.Fatalf("line %d: %s: %v", i+1, line, err)
		}
	}
}

func setOption(t *testing.T, c *smtpd.Config, words []string) {
	n := 0
	if len(words) > 1 {
		n, _ = strconv.Atoi(words[1])
	}
	switch words[0] {
	case "auth":
		c.Senders = testSenders{}
	case "max_size":
		c.MaxSize = n
	case "max_rcpt":
		c.MaxRecipients = n
	case "max_line":
		c.MaxLine = n
	case "lmtp":
		c.LMTP = true
	case "no_tls":
		c.TLS = nil
	case "timeout":
		c.ReadTimeout = time.Duration(n) * time.Millisecond
	case "session":
		c.SessionTimeout = time.Duration(n) * time.Millisecond
	case "conns":
		c.MaxConns = n
	default:
		t.Fatalf("option %q", words)
	}
}

// serve starts a receiver on a free port. The receiver stops when the test ends.
func serve(t testing.TB, config smtpd.Config) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, config, listener)
	return listener.Addr().String()
}

func serveOn(t testing.TB, config smtpd.Config, listener net.Listener) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- smtpd.New(config).Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func (p *player) play(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case ">":
		return p.send(rest + "\r\n")
	case ">>":
		return p.sendQuoted(rest, false)
	case "slowly":
		return p.sendQuoted(rest, true)
	case "<":
		if p.clock != nil && strings.HasPrefix(rest, "421 4.4.2 ") {
			p.clock.run()
		}
		return p.expect(rest)
	case "<*":
		return p.expectReply(rest)
	case "<$":
		return p.expectEnd()
	case "shut":
		if c, ok := p.conn.(interface{ CloseWrite() error }); ok {
			return c.CloseWrite()
		}
		return errors.New("cannot be shut")
	case "starttls":
		secure := tls.Client(p.conn, &tls.Config{InsecureSkipVerify: true})
		p.conn, p.in = secure, bufio.NewReader(secure)
		return secure.Handshake()
	}
	return p.look(word, rest)
}

func (p *player) send(text string) error { _, err := io.WriteString(p.conn, text); return err }

func (p *player) sendQuoted(quoted string, slowly bool) error {
	text, err := strconv.Unquote(strings.TrimSpace(quoted))
	if err != nil || !slowly {
		return errors.Join(err, p.send(text))
	}
	for i := range len(text) {
		if err := p.send(text[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) expect(want string) error {
	got, err := p.in.ReadString('\n')
	if err != nil {
		return err
	}
	got, ok := strings.CutSuffix(got, "\r\n")
	if prefix, open := strings.CutSuffix(want, "..."); open {
		ok = ok && strings.HasPrefix(got, strings.TrimSpace(prefix))
	} else {
		ok = ok && got == want
	}
	if !ok {
		return fmt.Errorf("the server says %q", got)
	}
	return nil
}

func (p *player) expectReply(code string) error {
	for {
		got, err := p.in.ReadString('\n')
		if err != nil {
			return err
		}
		if !strings.HasPrefix(got, strings.TrimSpace(code)) || len(got) < 4 {
			return fmt.Errorf("the server says %q", got)
		}
		if got[3] == ' ' {
			return nil
		}
	}
}

func (p *player) expectEnd() error {
	rest, err := io.ReadAll(p.in)
	if len(rest) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		return fmt.Errorf("the server goes on with %q (%v)", rest, err)
	}
	return nil
}

// look compares the messages of the store with a line of the dialogue.
func (p *player) look(word, rest string) error {
	number, rest, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	if err := p.store.Wait(ctx, n); err != nil {
		return err
	}
	all := p.store.Messages()
	switch word {
	case "stored":
		if len(all) != n {
			return fmt.Errorf("%d messages are stored", len(all))
		}
	case "message":
		want, err := strconv.Unquote(rest)
		if err != nil || string(all[n-1].Body) != want {
			return fmt.Errorf("the message is %q (%v)", all[n-1].Body, err)
		}
	case "envelope":
		var boxes []string
		for _, r := range all[n-1].Recipients {
			boxes = append(boxes, r.Mailboxes...)
		}
		slices.Sort(boxes)
		if got := "<" + all[n-1].From + "> -> " + strings.Join(slices.Compact(boxes), ", "); got != rest {
			return fmt.Errorf("the envelope is %s", got)
		}
	default:
		return fmt.Errorf("unknown word %q", word)
	}
	return nil
}
