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

// A Failure is a rule by which the receiver fails on demand. Some rules:
//
//	RCPT *anna@* 451 4.3.0 try later
//	DATA * drop
//	MAIL *<slow@* x2 delay 3s
//
// The first word is a command, or a dot for the end of a message. The second
// word is a pattern for the arguments of the command, or for the sender at the
// end of a message. It is a pattern of path.Match in which * matches slashes too.
// With xN the rule applies N times, otherwise always. The rest is what happens:
//
//	CODE STATUS TEXT  this reply, and the command is not executed
//	drop              the connection is closed
//	delay TIME        a wait; then the following rules and the command
//
// A reply with code 421 ends the session.
type Failure struct {
	command, pattern string
	reply            string // empty: drop or delay
	drop             bool
	delay            time.Duration

	mu    sync.Mutex
	times int // how often it still applies; below zero: always
}

// failureCommands are the commands that a rule may begin with.
var failureCommands = []string{"EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", ".", "RSET", "NOOP", "QUIT", "VRFY", "STARTTLS"}

// ParseFailure parses a rule.
func ParseFailure(rule string) (*Failure, error) {
	words := strings.Fields(rule)
	if len(words) < 3 {
		return nil, fmt.Errorf("fault %q: write COMMAND PATTERN [xN] CODE STATUS TEXT, or drop, or delay TIME", rule)
	}
	f := &Failure{command: strings.ToUpper(words[0]), pattern: strings.ToLower(words[1]), times: -1}
	if !slices.Contains(failureCommands, f.command) {
		return nil, fmt.Errorf("fault %q: %q is none of %s", rule, words[0], strings.Join(failureCommands, " "))
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

// parseAction parses the last words of a rule.
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
			return fmt.Errorf("fault %q: %q is no reply code between 400 and 599; write a code, drop or delay", rule, words[0])
		}
		f.reply = strings.Join(words, " ")
	}
	return nil
}

// applies reports whether the rule applies to a command, and counts how often.
func (f *Failure) applies(command, args string) bool {
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

// matches is path.Match, but * matches slashes too: they have no meaning in an
// address.
func matches(pattern, text string) bool {
	ok, _ := path.Match(strings.ReplaceAll(pattern, "/", "\x01"), strings.ReplaceAll(text, "/", "\x01"))
	return ok
}

// failOnDemand applies the failure rules to a command. With a reply, the command
// must not be executed.
func (s *session) failOnDemand(command, args string) (reply string, err error) {
	for _, f := range s.config.Failures {
		if !f.applies(command, args) {
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

// endAfter returns errQuit when the reply of a failure rule is 421 (RFC 5321
// section 3.8). A 421 from the Router does not end the session, as in sendmail.
func (s *session) endAfter(demanded string) error {
	if !strings.HasPrefix(demanded, "421") {
		return nil
	}
	s.linger = true
	return errQuit
}

// wait sleeps, and returns an error when the server shuts down.
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
