package smtpd

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Failure is a failure on demand: at a command whose argument matches, a
// number of times.
//
//	RCPT *anna@* 451 4.3.0 try later
//	DATA * drop
//	MAIL *<slow@* x2 delay 3s
//
// The first word is a command, or . for the end of a message; the second a
// pattern (path.Match, but * crosses slashes) for all that stands behind the
// command, and for . the sender; xN ends the fault after N times. It answers
// with a reply instead of doing the command, closes the connection, or waits
// and goes on to the next rule. A reply of 421 ends the session.
type Failure struct {
	command, pattern string
	reply            string // empty: drop or delay
	drop             bool
	delay            time.Duration

	mu    sync.Mutex
	times int // left; below zero: for ever
}

// faultCommands are what a rule may begin with.
var faultCommands = []string{"EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", ".", "RSET", "NOOP", "QUIT", "VRFY", "STARTTLS"}

// ParseFailure reads a rule.
func ParseFailure(rule string) (*Failure, error) {
	words := strings.Fields(rule)
	if len(words) < 3 {
		return nil, fmt.Errorf("fault %q: write COMMAND PATTERN [xN] CODE STATUS TEXT, or drop, or delay TIME", rule)
	}
	f := &Failure{command: strings.ToUpper(words[0]), pattern: strings.ToLower(words[1]), times: -1}
	if !slices.Contains(faultCommands, f.command) {
		return nil, fmt.Errorf("fault %q: %q is none of %s", rule, words[0], strings.Join(faultCommands, " "))
	}
	if _, err := path.Match(f.pattern, ""); err != nil {
		return nil, fmt.Errorf("fault %q: %q is no pattern", rule, words[1])
	}
	words = words[2:]
	if n, err := strconv.Atoi(strings.TrimPrefix(words[0], "x")); err == nil && words[0][0] == 'x' {
		if n < 1 || len(words) == 1 {
			return nil, fmt.Errorf("fault %q: xN is followed by what happens, and N is at least 1", rule)
		}
		f.times, words = n, words[1:]
	}
	return f, f.parseAction(rule, words)
}

func (f *Failure) parseAction(rule string, words []string) (err error) {
	switch {
	case words[0] == "drop" && len(words) == 1:
		f.drop = true
	case words[0] == "delay" && len(words) == 2:
		if f.delay, err = time.ParseDuration(words[1]); err != nil || f.delay <= 0 {
			return fmt.Errorf("fault %q: %q is no time such as 3s", rule, words[1])
		}
	default:
		code, err := strconv.Atoi(words[0])
		if err != nil || len(words[0]) != 3 || code < 400 || code > 599 {
			return fmt.Errorf("fault %q: %q is no reply code between 400 and 599, nor drop, nor delay", rule, words[0])
		}
		f.reply = strings.Join(words, " ")
	}
	return nil
}

// hits reports whether the fault happens at a command, and counts it.
func (f *Failure) hits(command, args string) bool {
	if f.command != command || !matches(f.pattern, strings.ToLower(strings.TrimSpace(args))) {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.times == 0 {
		return false
	}
	f.times = max(f.times-1, -1)
	return true
}

// matches lets * cross slashes, which mean nothing in an address.
func matches(pattern, text string) bool {
	ok, _ := path.Match(strings.ReplaceAll(pattern, "/", "\x01"), strings.ReplaceAll(text, "/", "\x01"))
	return ok
}

// fault does what the rules say about a command. A reply takes the place of
// the command.
func (s *session) fault(command, args string) (reply string, err error) {
	for _, f := range s.config.Failures {
		if !f.hits(command, args) {
			continue
		}
		switch {
		case f.drop:
			return "", errDropped
		case f.reply != "":
			return f.reply, nil
		}
		if err := s.wait(f.delay); err != nil {
			return "", err
		}
	}
	return "", nil
}

// ending gives errQuit behind a reply of 421 that a rule demands (RFC 5321 section
// 3.8). A 421 of a row leaves the session open, as sendmail does.
func (s *session) ending(failure string) error {
	if !strings.HasPrefix(failure, "421") {
		return nil
	}
	s.linger = true
	return errQuit
}

// wait holds the session up, not longer than the server runs.
func (s *session) wait(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.wire.stopped:
		return errDropped
	}
}
