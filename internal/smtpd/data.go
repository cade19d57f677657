package smtpd

import (
	"bufio"
	"bytes"
	"errors"
)

// data executes DATA: it reads a message and gives it to the store.
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
	demanded, err := s.failOnDemand(".", s.message.From)
	if err != nil {
		return err
	}
	reply := demanded
	if demanded == "" {
		reply = s.keep(&b)
	}
	times := 1
	if s.config.LMTP {
		times = len(s.message.Recipients) // RFC 2033 section 4.2
	}
	for range times {
		s.reply(reply)
	}
	s.reset()
	if cap(b.text) <= maxKept {
		s.body = b.text
	}
	if b.doubtful {
		s.linger = true
		return errQuit
	}
	return s.endAfter(demanded)
}

// maxKept is the number of bytes of memory that a session keeps for its next
// message: 1 MiB.
const maxKept = 1 << 20

// keep stores a message and returns the reply.
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

// A body is a message that is being read.
type body struct {
	text     []byte
	max      int
	tooLarge bool
	bare     bool // it has a CR without LF, or an LF without CR
	doubtful bool // other servers may find its end at another place
}

// problem returns the reply to a message that is refused, or an empty text.
func (b *body) problem() string {
	switch {
	case b.bare:
		return "550 5.5.2 A bare CR or LF is in the message"
	case b.tooLarge:
		return "552 5.3.4 The message is too large"
	}
	return ""
}

// read reads up to CRLF.CRLF. In CR CRLF.CRLF servers disagree about the end of
// the message. So this end is doubtful: the message is refused and the connection
// closed, so that nothing behind the message is read as a command
// (CVE-2023-51764 and others).
func (b *body) read(s *session) error {
	start := true     // the next piece begins a line: CRLF is before it
	clean := true     // there is no CR before that CRLF
	returned := false // the piece before ended in a CR
	for {
		piece, err := s.in.ReadSlice('\n')
		cut := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !cut {
			return err
		}
		if cut && piece[len(piece)-1] == '\r' { // LF may follow: read both in one piece
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

// add adds a piece to the text, unless the message will be refused.
func (b *body) add(piece []byte) {
	if b.bare || b.tooLarge || len(b.text)+len(piece) > b.max {
		b.tooLarge = b.tooLarge || !b.bare
		b.text = b.text[:0]
		return
	}
	b.text = append(b.text, piece...)
}
