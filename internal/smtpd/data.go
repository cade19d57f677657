package smtpd

import (
	"bufio"
	"bytes"
	"errors"
)

// data reads a message and hands it to the store.
func (s *session) data(args string) error {
	if !s.noArgument(args) {
		return nil
	}
	switch {
	case !s.mail, len(s.message.Recipients) == 0 && (!s.refused || s.config.LMTP):
		s.reply("503 5.5.1 Name a sender and a recipient first")
		return nil
	case len(s.message.Recipients) == 0:
		s.reply("554 5.5.1 No valid recipients")
		return nil
	}
	s.reply("354 End with CRLF.CRLF")
	b := body{text: s.body[:0], max: s.config.MaxSize}
	if err := b.read(s); err != nil {
		return err
	}
	failure, err := s.fault(".", s.message.From)
	if err != nil {
		return err
	}
	answer := failure
	if failure == "" {
		answer = s.keep(&b)
	}
	times := 1
	if s.config.LMTP {
		times = len(s.message.Recipients) // RFC 2033 section 4.2
	}
	for range times {
		s.reply(answer)
	}
	s.reset()
	if cap(b.text) <= maxKept {
		s.body = b.text
	}
	if b.doubtful {
		s.linger = true
		return errQuit
	}
	return s.ending(failure)
}

// maxKept is how much memory a session keeps for its next message: 1 MiB.
const maxKept = 1 << 20

// keep stores a message that was read, and gives the reply.
func (s *session) keep(b *body) string {
	if problem := b.problem(); problem != "" {
		return problem
	}
	s.message.Body = b.text
	if err := s.config.Store.Deliver(s.message); err != nil {
		return "451 4.3.0 The message could not be stored"
	}
	return "250 2.0.0 Message accepted"
}

// A body is a message while it is read.
type body struct {
	text     []byte
	max      int
	tooLarge bool
	bare     bool // a CR or an LF stood alone
	doubtful bool // other servers may see another end
}

func (b *body) problem() string {
	switch {
	case b.bare:
		return "550 5.5.2 A bare CR or LF is in the message"
	case b.tooLarge:
		return "552 5.3.4 The message is too large"
	}
	return ""
}

// read reads to CRLF.CRLF. Where a CR stands before the CRLF that is before
// the dot, other servers disagree about the end: the message is refused, and
// the connection closed, so that nothing behind it is a command
// (CVE-2023-51764 and others).
func (b *body) read(s *session) error {
	start, clean := true, true // at the start of a line that follows CRLF; with no CR before that
	returned := false          // the piece before ended in a CR
	for {
		piece, err := s.in.ReadSlice('\n')
		cut := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !cut {
			return err
		}
		if cut && piece[len(piece)-1] == '\r' { // the LF may follow: look at both together
			_ = s.in.UnreadByte()
			piece = piece[:len(piece)-1]
		}
		if start && string(piece) == ".\r\n" {
			b.doubtful = !clean
			return nil
		}
		inner, whole := bytes.CutSuffix(piece, []byte("\r\n"))
		damaged := bytes.IndexByte(inner, '\r') >= 0 || !whole && !cut
		b.bare = b.bare || damaged
		clean = !bytes.HasSuffix(inner, []byte("\r")) && (len(inner) > 0 || !returned)
		returned = bytes.HasSuffix(piece, []byte("\r"))
		if start && piece[0] == '.' {
			piece = piece[1:]
		}
		b.add(piece)
		start = whole
	}
}

func (b *body) add(piece []byte) {
	if b.bare || b.tooLarge || len(b.text)+len(piece) > b.max {
		b.tooLarge = b.tooLarge || !b.bare
		b.text = b.text[:0]
		return
	}
	b.text = append(b.text, piece...)
}
