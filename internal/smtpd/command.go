package smtpd

import (
	"cmp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// command executes one command. An error ends the session.
func (s *session) command(line string) error {
	verb, args, _ := strings.Cut(strings.TrimRight(line, " \t"), " ")
	verb = strings.ToUpper(verb)
	if !utf8.ValidString(line) || strings.ContainsFunc(line, isControl) {
		s.reply("500 5.5.2 Control characters and invalid UTF-8 are no part of a command")
		return nil
	}
	reply, err := s.failOnDemand(verb, args)
	switch {
	case err != nil:
		return err
	case reply != "":
		if verb == "RCPT" {
			s.refuseRecipient(addressOf(args), reply)
		} else {
			s.reply(reply)
		}
		return s.endAfter(reply)
	}
	switch verb {
	case "EHLO", "HELO", "LHLO":
		s.hello(verb, strings.TrimSpace(args))
	case "MAIL":
		s.mailFrom(args)
	case "RCPT":
		s.rcptTo(args)
	case "DATA":
		return s.data(args)
	case "RSET":
		if s.noArgument(args) {
			s.reset()
			s.reply("250 2.0.0 Reset")
		}
	case "NOOP":
		s.reply("250 2.0.0 OK")
	case "QUIT":
		if s.noArgument(args) {
			s.reply("221 2.0.0 " + s.config.Host + " closes the connection")
			return errQuit
		}
	case "VRFY":
		if strings.TrimSpace(args) == "" {
			s.reply("501 5.5.4 VRFY needs an argument")
			return nil
		}
		s.reply("252 2.5.2 Cannot verify; try RCPT")
	case "EXPN":
		s.reply("502 5.5.1 EXPN is not offered")
	case "HELP":
		s.reply("214 2.0.0 See RFC 5321")
	case "STARTTLS":
		return s.tlsCommand(args)
	case "AUTH":
		return s.auth(args)
	case "GET", "POST", "PUT", "HEAD", "CONNECT", "OPTIONS":
		s.reply("421 4.7.0 This is no HTTP server")
		s.linger = true
		return errQuit
	default:
		s.reply("500 5.5.1 Unknown command")
	}
	return nil
}

// isControl reports whether a command must not have the character c.
func isControl(c rune) bool { return c < ' ' && c != '\t' || 0x7f <= c && c < 0xa0 }

// noArgument reports whether a command has no argument, and refuses one that
// has.
func (s *session) noArgument(args string) bool {
	if strings.TrimSpace(args) != "" {
		s.reply("501 5.5.4 No argument is allowed")
		return false
	}
	return true
}

// hello executes EHLO, HELO and LHLO.
func (s *session) hello(verb, name string) {
	if (verb == "LHLO") != s.config.LMTP {
		s.reply("500 5.5.1 Unknown command")
		return
	}
	if name == "" {
		s.reply("501 5.5.4 " + verb + " needs the client's name")
		return
	}
	s.reset()
	s.helo, s.ehlo = name, verb != "HELO"
	if verb == "HELO" {
		s.reply("250 " + s.config.Host)
		return
	}
	lines := []string{s.config.Host, "PIPELINING", "SIZE " + strconv.Itoa(s.config.MaxSize), "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"}
	if s.config.TLS != nil && !s.secure {
		lines = append(lines, "STARTTLS")
	}
	if s.config.Senders != nil {
		lines = append(lines, "AUTH PLAIN LOGIN")
	}
	for _, line := range lines[:len(lines)-1] {
		s.reply("250-" + line)
	}
	s.reply("250 " + lines[len(lines)-1])
}

// tlsCommand executes STARTTLS.
func (s *session) tlsCommand(args string) error {
	switch {
	case s.config.TLS == nil:
		s.reply("500 5.5.1 Unknown command")
	case s.secure:
		s.reply("503 5.5.1 TLS is on already")
	case s.noArgument(args):
		return s.startTLS()
	}
	return nil
}

// mailFrom executes MAIL.
func (s *session) mailFrom(args string) {
	switch {
	case s.helo == "":
		s.reply("503 5.5.1 Say hello first")
		return
	case s.mail:
		s.reply("503 5.5.1 There is a sender already")
		return
	}
	path, params, bad := cutPath(args, "FROM:")
	if bad != "" {
		s.reply(badPath(bad, "5.1.7"))
		return
	}
	utf8Mail, problem := s.mailParams(params)
	switch {
	case problem != "":
		s.reply(problem)
		return
	case !isASCII(path) && !utf8Mail:
		s.reply("553 5.6.7 An address that is not ASCII needs SMTPUTF8")
		return
	}
	if !s.maySend(path) {
		return
	}
	s.mail = true
	s.message = Message{Client: s.client, Helo: s.helo, From: path, UTF8: utf8Mail, TLS: s.secure}
	s.reply("250 2.1.0 Sender ok")
}

// mailParams reads the parameters of MAIL. problem is the reply to a wrong one.
func (s *session) mailParams(params []string) (utf8Mail bool, problem string) {
	seen := map[string]bool{}
	for _, param := range params {
		key, value, has := strings.Cut(param, "=")
		key = strings.ToUpper(key)
		if seen[key] {
			return false, "501 5.5.4 " + key + " is given twice"
		}
		seen[key] = true
		switch key {
		case "SIZE":
			if value == "" || len(value) > 20 || strings.Trim(value, "0123456789") != "" {
				return false, "501 5.5.4 SIZE is a number of bytes"
			}
			if n, err := strconv.ParseUint(value, 10, 64); err != nil || n > uint64(s.config.MaxSize) {
				return false, "552 5.3.4 The message is too large"
			}
		case "BODY":
			if body := strings.ToUpper(value); body != "7BIT" && body != "8BITMIME" {
				return false, "501 5.5.4 BODY is 7BIT or 8BITMIME"
			}
		case "AUTH": // who the message is said to be from (RFC 4954 5) does not count
			if s.config.Senders == nil || value == "" {
				return false, "555 5.5.4 Unknown parameter"
			}
		case "SMTPUTF8":
			if has {
				return false, "501 5.5.4 SMTPUTF8 takes no value"
			}
			utf8Mail = true
		default:
			return false, "555 5.5.4 Unknown parameter"
		}
	}
	return utf8Mail, ""
}

// rcptTo executes RCPT.
func (s *session) rcptTo(args string) {
	if !s.mail {
		s.reply("503 5.5.1 Name the sender first")
		return
	}
	path, params, bad := cutPath(args, "TO:")
	switch {
	case bad == "" && path == "":
		bad = "A recipient is not empty"
	case bad != "":
	case len(params) > 0:
		s.reply("555 5.5.4 Unknown parameter")
		return
	case !isASCII(path) && !s.message.UTF8:
		s.reply("553 5.6.7 An address that is not ASCII needs SMTPUTF8")
		return
	}
	switch {
	case bad != "":
		s.reply(badPath(bad, "5.1.3"))
		return
	case len(s.message.Recipients) >= s.config.MaxRecipients:
		s.refuseRecipient(path, "452 4.5.3 Too many recipients")
		return
	}
	answer := s.config.Router.Route(path)
	if !answer.Taken && answer.Code >= 500 && strings.EqualFold(path, "postmaster") {
		answer = Answer{Taken: true, Mailboxes: []string{"postmaster"}} // RFC 5321 section 4.5.1
	}
	if !answer.Taken {
		s.refuseRecipient(path, cmp.Or(answer.Reply, strconv.Itoa(answer.Code)+" "+answer.Status+" <"+path+">... "+answer.Text))
		return
	}
	s.message.Recipients = append(s.message.Recipients, Recipient{Address: path, Mailboxes: answer.Mailboxes})
	s.reply(cmp.Or(answer.Reply, "250 2.1.5 <"+path+">... Recipient ok"))
}

// refuseRecipient sends the refusal of a recipient, and remembers it.
func (s *session) refuseRecipient(address, reply string) {
	s.refused = true
	refusal := Refusal{Address: address, Reply: reply}
	if len(s.message.Refused) < s.config.MaxRecipients {
		s.message.Refused = append(s.message.Refused, refusal)
	}
	if s.config.Refused != nil {
		m := s.message
		if !s.mail {
			m.Client, m.Helo = s.client, s.helo
		}
		s.config.Refused(m, refusal)
	}
	s.reply(reply)
}

// addressOf returns the address of RCPT, or all of its arguments if they are malformed.
func addressOf(args string) string {
	if path, _, bad := cutPath(args, "TO:"); bad == "" && path != "" {
		return path
	}
	return args
}
