// Package program asks the installed sendmail what it does with an address:
// the answer to RCPT from a client that may not relay, the mailer that an
// address is resolved to, and the recipients that its aliases lead to. No
// daemon runs and nothing is delivered.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"virtmap/internal/outcome"
)

// A Program is the installed sendmail and the m4 that makes its
// configurations.
type Program struct{ sendmail, m4 string }

// Find looks for sendmail and m4.
func Find() (*Program, error) {
	m4, err := exec.LookPath("m4")
	if err != nil {
		return nil, err
	}
	for _, path := range []string{"sendmail", "/usr/sbin/sendmail", "/usr/lib/sendmail"} {
		found, err := exec.LookPath(path)
		if err == nil && isSendmail(found) {
			return &Program{sendmail: found, m4: m4}, nil
		}
	}
	return nil, errors.New("sendmail is not installed")
}

// isSendmail tells sendmail from the programs of other mail servers that bear
// its name.
func isSendmail(path string) bool {
	out, _ := exec.Command(path, "-d0.1", "-bt").Output() // exits as it likes; what it prints counts
	return bytes.Contains(out, []byte("Version 8."))
}

// HasMap reports whether the program was compiled with a map class: hash
// (NEWDB) or cdb.
func (p *Program) HasMap(class string) bool {
	out, _ := exec.Command(p.sendmail, "-d0.1", "-bt").Output() // exits as it likes; what it prints counts
	option := map[string]string{"hash": " NEWDB", "cdb": " CDB", "text": ""}[class]
	return bytes.Contains(out, []byte(option))
}

// CF makes a sendmail.cf of an .mc text. m4 exits 0 on most mistakes and
// complains on standard error; that is an error here.
func (p *Program) CF(mc string) ([]byte, error) {
	cmd := exec.Command(p.m4, "-")
	var out, complaints bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(mc), &out, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		return nil, fmt.Errorf("m4: %w: %s", errors.Join(err, errors.New("complaints")), complaints.String())
	}
	return out.Bytes(), nil
}

// resetEvery is how many recipients one message gets: sendmail compares each
// with all before it.
const resetEvery = 50

// Rcpt gives the answers to RCPT for each address, asked over a TCP
// connection from 127.0.0.2: from 127.0.0.1 or a pipe a client may relay. The
// sender is the null one, whose domain no configuration looks up.
func (p *Program) Rcpt(ctx context.Context, cf string, addresses []string) ([]outcome.Outcome, error) {
	conn, done, err := p.session(ctx, cf)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	replies := make([]outcome.Outcome, 0, len(addresses))
	c := dialog{textproto.NewConn(conn)}
	if err := c.expect(220); err != nil {
		return nil, err
	}
	c.ask("EHLO client.example", 250)
	for i, address := range addresses {
		if i%resetEvery == 0 {
			c.ask("RSET", 250)
			c.ask("MAIL FROM:<>", 250)
		}
		if err := c.PrintfLine("RCPT TO:<%s>", address); err != nil {
			return nil, err
		}
		code, text, err := c.ReadResponse(0)
		if err != nil && code == 0 {
			return nil, fmt.Errorf("RCPT TO:<%s>: %w", address, err)
		}
		replies = append(replies, outcome.OfReply(code, text))
	}
	c.ask("QUIT", 221)
	<-done // its exit status speaks of the recipients, as the replies do
	return replies, nil
}

type dialog struct{ *textproto.Conn }

func (c dialog) expect(code int) error {
	_, text, err := c.ReadResponse(code)
	if err != nil {
		return fmt.Errorf("sendmail answers %w (%s)", err, text)
	}
	return nil
}

// ask sends a command whose answer is known; what goes wrong shows in the
// answers that count.
func (c dialog) ask(command string, code int) {
	if err := c.PrintfLine("%s", command); err == nil {
		_ = c.expect(code)
	}
}

// session starts sendmail -bs on one end of a TCP connection.
func (p *Program) session(ctx context.Context, cf string) (net.Conn, <-chan error, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Timeout: 10 * time.Second}
	client, err := dialer.DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	server, err := listener.Accept()
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	socket, err := server.(*net.TCPConn).File()
	if err != nil {
		return nil, nil, errors.Join(err, client.Close(), server.Close())
	}
	cmd := exec.CommandContext(ctx, p.sendmail, "-bs", "-C", cf)
	cmd.Stdin, cmd.Stdout = socket, socket
	if err := errors.Join(cmd.Start(), socket.Close(), server.Close()); err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	deadline := time.Now().Add(2 * time.Minute)
	return client, done, client.SetDeadline(deadline)
}

// endQuestion asks for a map that is not there: what sendmail -bt says of it ends
// the answer before, which may be empty.
const (
	endQuestion = "/map virtmap-end x\n"
	endAnswer   = "> Map named \"virtmap-end\" not found\n"
)

// Ask gives what sendmail -bt prints for each line, such as "$=w" or "/map
// virtuser fake@example.com".
func (p *Program) Ask(ctx context.Context, cf string, lines []string) ([]string, error) {
	cmd := exec.CommandContext(ctx, p.sendmail, "-bt", "-C", cf)
	var input strings.Builder
	for _, line := range lines {
		input.WriteString(endQuestion + line + "\n")
	}
	cmd.Stdin = strings.NewReader(input.String() + endQuestion)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sendmail -bt: %w", err)
	}
	answers := strings.Split(string(out), endAnswer)
	if len(answers) != len(lines)+2 { // before the first, and behind the last
		return nil, fmt.Errorf("sendmail -bt answered %d of %d questions", len(answers)-2, len(lines))
	}
	answers = answers[1 : len(lines)+1]
	for i, answer := range answers {
		answers[i] = strings.TrimPrefix(answer, "> ")
	}
	return answers, nil
}

// Mailers gives for each address what ruleset 3,0 makes of it, as sendmail
// prints it: "$# local $: andrei".
func (p *Program) Mailers(ctx context.Context, cf string, addresses []string) ([]string, error) {
	lines := make([]string, len(addresses))
	for i, address := range addresses {
		lines[i] = "3,0 " + address
	}
	answers, err := p.Ask(ctx, cf, lines)
	if err != nil {
		return nil, err
	}
	mailers := make([]string, len(answers))
	for i, answer := range answers {
		for line := range strings.Lines(answer) {
			if fields := strings.Fields(line); len(fields) > 2 && fields[0] == "parse" && fields[1] == "returns:" {
				mailers[i] = strings.Join(fields[2:], " ")
			}
		}
	}
	return mailers, nil
}

var noBlanks = strings.NewReplacer(" ", "", "<", "", ">", "")

// Triple gives mailer and user of an answer of Mailers: of "$# esmtp $@ host
// $: user < @ host . >" it is esmtp and user@host.
func Triple(answer string) (mailer, user string) {
	mailer, rest, _ := strings.Cut(strings.TrimPrefix(answer, "$# "), " ")
	_, user, _ = strings.Cut(rest, "$:")
	user = strings.TrimSpace(user)
	for _, mark := range []string{"< ! >", "< @ >"} { // ruleset final takes them away
		user = strings.TrimPrefix(user, mark)
	}
	return mailer, noBlanks.Replace(strings.ReplaceAll(user, ". >", ""))
}

// ErrNoRecipients is wrapped by errors about an alias that ends nowhere, such as
// one of a list in a file that is not there.
var ErrNoRecipients = errors.New("no recipients")

// A Delivery is where a recipient goes, with aliases expanded.
type Delivery struct{ Mailer, Host, User string }

// Deliveries gives where an address goes in the end.
func (p *Program) Deliveries(ctx context.Context, cf, address string) ([]Delivery, error) {
	cmd := exec.CommandContext(ctx, p.sendmail, "-bv", "-C", cf, address)
	out, err := cmd.Output()
	var all []Delivery
	for line := range strings.Lines(string(out)) {
		if m := deliverable.FindStringSubmatch(line); m != nil {
			all = append(all, Delivery{m[1], m[2], m[3]})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("sendmail -bv %s: %w: %s", address, errors.Join(err, ErrNoRecipients), out)
	}
	return all, nil
}

// Recipients gives, sorted, the users, files and addresses that an address
// ends at, with aliases expanded.
func (p *Program) Recipients(ctx context.Context, cf, address string) ([]string, error) {
	all, err := p.Deliveries(ctx, cf, address)
	if err != nil {
		return nil, err
	}
	var users []string
	for _, d := range all {
		users = append(users, d.User+detailOf(d.Mailer, d.Host))
	}
	slices.Sort(users)
	return slices.Compact(users), nil
}

var deliverable = regexp.MustCompile(` deliverable: mailer ([^,]+),(?: host ([^,]*),)? user (.*)\n`)

// detailOf gives the +detail that sendmail hands to the local mailer as a host.
func detailOf(mailer, host string) string {
	if mailer == "local" && host != "" {
		return "+" + host
	}
	return ""
}

// TestMC is an .mc for asking: it uses only files of a folder, no DNS and no
// queue of the system. The include names the virtmap.mc to be tried.
//
// More lines for before the MAILERs may follow.
func TestMC(dir, hostName, include string, more ...string) string {
	quoted := func(name string) string { return "`" + filepath.Join(dir, name) + "'" }
	lines := []string{
		"divert(0)dnl",
		"include(`/usr/share/sendmail/cf/m4/cf.m4')dnl",
		"OSTYPE(`linux')dnl",
		"FEATURE(`nocanonify')dnl",
		"FEATURE(`accept_unresolvable_domains')dnl",
		"FEATURE(`no_default_msa')dnl",
		"define(`confDOMAIN_NAME', `" + hostName + "')dnl",
		"define(`QUEUE_DIR', " + quoted("queue") + ")dnl",
		"define(`confPID_FILE', " + quoted("pid") + ")dnl",
		"define(`ALIAS_FILE', " + quoted("aliases") + ")dnl",
		"define(`STATUS_FILE', " + quoted("statistics") + ")dnl",
		"define(`confSERVICE_SWITCH_FILE', " + quoted("service.switch") + ")dnl",
		"define(`confBAD_RCPT_THROTTLE', `0')dnl",
		"define(`confMAX_RCPTS_PER_MESSAGE', `0')dnl",
		"define(`confDONT_PROBE_INTERFACES', `True')dnl",
		"define(`confTO_IDENT', `0s')dnl",
		"define(`confFORWARD_PATH', `')dnl",
		"include(`" + include + "')dnl",
	}
	lines = append(lines, more...)
	return strings.Join(append(lines, "MAILER(`local')dnl", "MAILER(`smtp')dnl", ""), "\n")
}
