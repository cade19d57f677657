package smtpd

import (
	"cmp"
	"encoding/base64"
	"strconv"
	"strings"
)

// Senders decides from which addresses a user who has logged in may send. from is the
// address of MAIL FROM, without a source route; empty: the message is a bounce.
type Senders interface {
	Sends(user, from string) Answer
}

// auth executes AUTH with the mechanisms PLAIN (RFC 4616) and LOGIN. Every password is
// right: the receiver is a tool for tests, and knows none.
func (s *session) auth(args string) error {
	mechanism, initial, _ := strings.Cut(strings.TrimSpace(args), " ")
	mechanism = strings.ToUpper(mechanism)
	switch {
	case s.config.Senders == nil:
		s.reply("500 5.5.1 Unknown command")
	case !s.ehlo:
		s.reply("503 5.5.1 Say EHLO first")
	case s.user != "":
		s.reply("503 5.5.1 There is a user already")
	case s.mail:
		s.reply("503 5.5.1 Log in before the sender is named")
	case mechanism != "PLAIN" && mechanism != "LOGIN":
		s.reply("504 5.5.4 The mechanisms are PLAIN and LOGIN")
	default:
		return s.logIn(mechanism, initial)
	}
	return nil
}

// logIn asks for the user and the password.
func (s *session) logIn(mechanism, initial string) error {
	var challenges []string // what is asked, in base64
	if mechanism == "LOGIN" {
		challenges = []string{"VXNlcm5hbWU6", "UGFzc3dvcmQ6"}
	} else {
		challenges = []string{""}
	}
	answers := make([]string, len(challenges))
	for i, challenge := range challenges {
		line := initial
		if i > 0 || initial == "" {
			s.reply("334 " + challenge)
			var err error
			if line, err = s.readLine(); err != nil {
				return err
			}
		}
		text, err := base64.StdEncoding.DecodeString(line)
		if err != nil && line != "=" { // alone it is an empty answer (RFC 4954 4)
			s.reply("501 5.5.2 The login is cancelled, or is no base64")
			return nil
		}
		answers[i] = string(text)
	}
	s.welcome(mechanism, answers)
	return nil
}

// welcome ends a login.
func (s *session) welcome(mechanism string, answers []string) {
	user := answers[0]
	if mechanism == "PLAIN" {
		parts := strings.Split(user, "\x00") // the identity to act as, the user, the password
		if len(parts) != 3 {
			s.reply("501 5.5.2 PLAIN has an identity, a user and a password")
			return
		}
		user = parts[1]
	}
	if user == "" {
		s.reply("535 5.7.8 A user has a name")
		return
	}
	s.user = user
	s.reply("235 2.7.0 Welcome")
}

// maySend reports whether the user may send from an address. If not, it replies.
func (s *session) maySend(from string) bool {
	if s.user == "" {
		return true
	}
	answer := s.config.Senders.Sends(s.user, from)
	if !answer.Taken {
		s.reply(cmp.Or(answer.Reply, strconv.Itoa(answer.Code)+" "+answer.Status+" <"+from+">... "+answer.Text))
	}
	return answer.Taken
}
