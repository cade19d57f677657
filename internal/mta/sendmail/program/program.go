// Package program runs the installed sendmail, to find out what it does with an address.
// No daemon runs, and nothing is delivered. For a sendmail.cf there are
//
//	Rcpt        the reply to RCPT, for a client that must not relay
//	Mailers     the mailer and the user of an address, before aliases
//	Recipients  the recipients of an address, after aliases
//	Senders     the reply to MAIL FROM of users who log in
//
//	p, err := program.Find()
//	…
//	replies, err := p.Rcpt(ctx, "/etc/mail/sendmail.cf", []string{"info@bakery.example"})
//	// replies[0].Taken reports whether sendmail accepts the address
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

// A Program is the installed sendmail, with the m4 that makes its configurations.
type Program struct{ sendmail, m4 string }

// Find finds the installed sendmail and m4.
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

// isSendmail reports whether a program is sendmail: other mail servers have programs of
// this name.
func isSendmail(path string) bool {
	out, _ := exec.Command(path, "-d0.1", "-bt").Output() // exits as it likes; what it prints counts
	return bytes.Contains(out, []byte("Version 8."))
}

// HasMap reports whether sendmail was compiled with a map class, such as hash (NEWDB) or
// cdb.
func (p *Program) HasMap(class string) bool {
	out, _ := exec.Command(p.sendmail, "-d0.1", "-bt").Output() // exits as it likes; what it prints counts
	option := map[string]string{"hash": " NEWDB", "cdb": " CDB", "text": ""}[class]
	return bytes.Contains(out, []byte(option))
}

// CF makes a sendmail.cf from an .mc. For most mistakes m4 prints a complaint and exits 0.
// CF returns an error for any complaint.
func (p *Program) CF(mc string) ([]byte, error) {
	cmd := exec.Command(p.m4, "-")
	var out, complaints bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(mc), &out, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		return nil, fmt.Errorf("m4: %w: %s", errors.Join(err, errors.New("complaints")), complaints.String())
	}
	return out.Bytes(), nil
}

// resetEvery is the number of recipients of one message. It is small, because sendmail
// compares each recipient with all before.
const resetEvery = 50

// Rcpt returns the replies to RCPT for addresses. The client connects from 127.0.0.2,
// because a client from 127.0.0.1 or on a pipe may relay. The sender is <>, because no
// configuration looks up its domain.
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
		reply, err := c.reply("RCPT TO:<" + address + ">")
		if err != nil {
			return nil, err
		}
		replies = append(replies, reply)
	}
	c.ask("QUIT", 221)
	<-done // the exit status has no more than the replies
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

// reply returns the reply to a command.
func (c dialog) reply(command string) (outcome.Outcome, error) {
	if err := c.PrintfLine("%s", command); err != nil {
		return outcome.Outcome{}, err
	}
	code, text, err := c.ReadResponse(0)
	if err != nil && code == 0 {
		return outcome.Outcome{}, fmt.Errorf("%s: %w", command, err)
	}
	return outcome.OfReply(code, text), nil
}

// ask sends a command with a known reply. It ignores an error, because the next RCPT
// fails too then.
func (c dialog) ask(command string, code int) {
	if err := c.PrintfLine("%s", command); err == nil {
		_ = c.expect(code)
	}
}

// session starts sendmail -bs on one end of a TCP connection.
func (p *Program) session(ctx context.Context, cf string) (net.Conn, <-chan error, error) {
	return start(ctx, exec.CommandContext(ctx, p.sendmail, "-bs", "-C", cf))
}

// start starts a command on one end of a TCP connection.
func start(ctx context.Context, cmd *exec.Cmd) (net.Conn, <-chan error, error) {
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
	cmd.Stdin, cmd.Stdout = socket, socket
	if err := errors.Join(cmd.Start(), socket.Close(), server.Close()); err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	deadline := time.Now().Add(2 * time.Minute)
	return client, done, client.SetDeadline(deadline)
}

// endQuestion asks for a map that does not exist. The reply, endAnswer, shows where the
// answer before it ends, which may be empty.
const (
	endQuestion = "/map virtmap-end x\n"
	endAnswer   = "> Map named \"virtmap-end\" not found\n"
)

// Ask returns the output of sendmail -bt for each line, such as "$=w" or "/map virtuser
// fake@example.com".
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
	if len(answers) != len(lines)+2 { // one part before the first answer, one behind the last
		return nil, fmt.Errorf("sendmail -bt answered %d of %d questions", len(answers)-2, len(lines))
	}
	answers = answers[1 : len(lines)+1]
	for i, answer := range answers {
		answers[i] = strings.TrimPrefix(answer, "> ")
	}
	return answers, nil
}

// Mailers returns the result of the rulesets 3,0 for addresses, as sendmail prints it:
// "$# local $: andrei".
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

// Triple returns mailer and user of a result of Mailers. For "$# esmtp $@ host $: user < @
// host . >" they are esmtp and user@host.
func Triple(answer string) (mailer, user string) {
	mailer, rest, _ := strings.Cut(strings.TrimPrefix(answer, "$# "), " ")
	_, user, _ = strings.Cut(rest, "$:")
	user = strings.TrimSpace(user)
	for _, mark := range []string{"< ! >", "< @ >"} { // marks that ruleset final removes
		user = strings.TrimPrefix(user, mark)
	}
	return mailer, noBlanks.Replace(strings.ReplaceAll(user, ". >", ""))
}

// ErrNoRecipients is wrapped by the error for an address without recipients, such as an
// alias with a list in a missing file.
var ErrNoRecipients = errors.New("no recipients")

// A Delivery is the mailer, host and user of a recipient, after aliases.
type Delivery struct{ Mailer, Host, User string }

// Deliveries returns the deliveries of an address.
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

// Recipients returns the users, files and addresses of an address after aliases, sorted.
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

// detailOf returns the +detail of a user. sendmail gives it to the local mailer as host.
func detailOf(mailer, host string) string {
	if mailer == "local" && host != "" {
		return "+" + host
	}
	return ""
}

// TestMC returns an .mc for tests. It uses only files of a folder, and no DNS and no queue
// of the system. include is the path of a virtmap.mc, and more are further lines before
// the MAILER lines.
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
