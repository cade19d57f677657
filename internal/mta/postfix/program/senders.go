package program

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"virtmap/internal/outcome"
	"virtmap/internal/parallel"
)

// sendersAtOnce is the number of messages that are begun before a reply is read.
const sendersAtOnce = 50

// Logins returns what smtpd(8) says about senders who have logged in. For each Login the
// client of RCPT sends MAIL FROM:<From>, and RCPT TO for postmaster, because smtpd judges
// senders then (smtpd_delay_reject). The outcome is taken if nothing is said against the
// sender. A Login without a User is a client
// that has not logged in. The instance needs Options.Logins.
func (p *Instance) Logins(ctx context.Context, all []outcome.Login) ([]outcome.Outcome, error) {
	if p.logins == nil {
		return nil, errors.New("logins: the instance was started without them")
	}
	for _, l := range all {
		if strings.ContainsAny(l.From+l.User, "\r\n\x00") {
			return nil, fmt.Errorf("logins: %q of %q has a control character", l.From, l.User)
		}
	}
	host, err := p.Postconf(ctx, "-hx", "myhostname")
	if err != nil {
		return nil, err
	}
	to := "postmaster@" + strings.TrimSpace(host)
	order := make([]int, len(all)) // by user, so that each logs in once
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(all[a].User, all[b].User) })
	outcomes := make([]outcome.Outcome, len(all))
	err = parallel.Ranges(len(order), 10*sendersAtOnce, func(_, begin, end int) error {
		return p.loginsOf(ctx, to, all, order[begin:end], outcomes)
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("logins: %w\n%s", err, p.lastLines())
	}
	return outcomes, nil
}

// loginsOf asks about the logins with some numbers, which are in the order of their users.
func (p *Instance) loginsOf(ctx context.Context, to string, all []outcome.Login, numbers []int, outcomes []outcome.Outcome) error {
	for len(numbers) > 0 {
		user, n := all[numbers[0]].User, 1
		for n < len(numbers) && all[numbers[n]].User == user {
			n++
		}
		if err := p.loginSession(ctx, to, all, numbers[:n], outcomes); err != nil {
			return fmt.Errorf("%q: %w", user, err)
		}
		numbers = numbers[n:]
	}
	return nil
}

// loginSession asks about logins of one user.
func (p *Instance) loginSession(ctx context.Context, to string, all []outcome.Login, numbers []int, outcomes []outcome.Outcome) error {
	s, err := p.connectTo(ctx, p.logins.addr)
	if err != nil {
		return err
	}
	defer s.close()
	if user := all[numbers[0]].User; user != "" {
		if _, err := s.say(235, "AUTH PLAIN "+p.logins.response(user)); err != nil {
			return err
		}
	}
	for group := range slices.Chunk(numbers, sendersAtOnce) {
		for _, i := range group {
			if err := s.begin(all[i].From, to); err != nil {
				return err
			}
		}
		if err := s.W.Flush(); err != nil {
			return err
		}
		for _, i := range group {
			if outcomes[i], err = s.judged(to); err != nil {
				return fmt.Errorf("<%s>: %w", all[i].From, err)
			}
		}
	}
	return nil
}

// begin sends the commands of a message that is not sent.
func (s *session) begin(from, to string) error {
	utf8 := ""
	if s.utf8 && notASCII(from) {
		utf8 = " SMTPUTF8"
	}
	_, err := fmt.Fprintf(s.W, "MAIL FROM:<%s>%s\r\nRCPT TO:<%s>\r\nRSET\r\n", from, utf8, to)
	return err
}

// judged reads the replies to the commands of begin.
func (s *session) judged(to string) (outcome.Outcome, error) {
	var replies [3]Reply
	for i := range replies {
		reply, err := s.reply()
		if err == nil && reply.Code == 421 {
			err = fmt.Errorf("smtpd hung up: %s", reply.Text)
		}
		if err != nil {
			return outcome.Outcome{}, err
		}
		replies[i] = reply
	}
	mail, rcpt := replies[0], replies[1]
	switch {
	case mail.Code != 250:
		return ofSender(mail), nil
	case rcpt.Code == 250, strings.HasPrefix(rcpt.Text, "<"+to+">: ") && !strings.Contains(rcpt.Text, senderRejected):
		return ofSender(mail), nil
	}
	return ofSender(rcpt), nil
}

// senderRejected are the words of smtpd(8) before its reason against a sender.
const senderRejected = "Sender address rejected: "

var beforeSender = regexp.MustCompile(`^<.*?>: (?:` + senderRejected + `)?`)

// ofSender returns the outcome of a reply about a sender.
func ofSender(r Reply) outcome.Outcome {
	return outcome.Outcome{Taken: r.Code == 250, Code: r.Code, Status: r.Status, Text: beforeSender.ReplaceAllString(r.Text, "")}
}
